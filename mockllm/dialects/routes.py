"""Which call a request is: one ordered table of routes, after an optional provider prefix.

Every request passes through here, so the paths without a variable are found by one dictionary lookup;
patterns, and the reasons why nothing was found, come after it. Nothing else knows paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote

from mockllm.core.failure import Failure
from mockllm.dialects import anthropic, openai
from mockllm.dialects.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Route:
    """One call. A path ends in `{name}` where its rest is a variable, which may hold slashes."""

    method: str
    path: str
    dialect: Dialect

    @property
    def literal(self) -> str:
        return self.path.partition("{")[0]

    @property
    def variable(self) -> str | None:
        return self.path.partition("{")[2].rstrip("}") or None


ROUTES: Final = (
    Route("POST", "/v1/chat/completions", openai.CHAT),
    Route("POST", "/v1/responses", openai.RESPONSES),
    Route("POST", "/v1/responses/input_tokens", openai.INPUT_TOKENS),
    Route("POST", "/v1/messages", anthropic.MESSAGES),
    Route("GET", "/v1/models", anthropic.MODELS),
    Route("GET", "/v1/models", openai.MODELS),
    Route("GET", "/v1/models/{model}", anthropic.MODELS),
    Route("GET", "/v1/models/{model}", openai.MODELS),
)
"""Where two providers share a path, the first is taken if the request speaks as its clients do (`SPOKEN`)."""

SPOKEN: Final = {"anthropic": ("anthropic-version", "x-api-key")}
"""Headers that only this provider's clients send."""
BASES: Final = {"openai": "/v1", "anthropic": ""}
"""What stands between the host and the paths that this provider's SDKs ask for; OpenAI's paths also work
without it."""
BASE_URLS: Final = (("OpenAI", BASES["openai"]), ("Anthropic", BASES["anthropic"]))
"""Each SDK with what follows the server's address in its base URL."""


@dataclass(frozen=True, slots=True)
class Found:
    """A call. `path` is normalised and without the provider prefix; `route` holds its variables."""

    dialect: Dialect
    provider: str
    path: str
    route: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrongMethod:
    """A known path that was asked with another method; the failure is said in `dialect`'s envelope."""

    dialect: Dialect
    provider: str
    path: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Unknown:
    """No provider's path. Rules that name it may answer; else the failure, in the envelope of the provider
    that the prefix or the headers speak of. `provider` is None where only a guess chose the envelope."""

    dialect: Dialect
    provider: str | None
    path: str
    failure: Failure


Outcome: TypeAlias = Found | WrongMethod | Unknown


def find(method: str, path: str, headers: Mapping[str, str]) -> Outcome:
    """The call that a request is. `path` is undecoded, without query and session prefix; `headers` are
    looked up by lower-case name."""
    methods = _LITERAL.get(path)
    if methods is not None:
        candidates = methods.get(method)
        if candidates is not None:
            return candidates[0] if len(candidates) == 1 else _spoken(candidates, headers)
    return _search(method, normalised(path), headers)


def normalised(path: str) -> str:
    """One slash where several stand, and colons that were percent-encoded."""
    if "//" in path:
        path = re.sub("/{2,}", "/", path)
    return re.sub("%3a", ":", path, flags=re.IGNORECASE) if "%" in path else path


def _spoken(candidates: Sequence[Found], headers: Mapping[str, str]) -> Found:
    """The first whose provider's headers are there; else the last, which is known by none."""
    for candidate in candidates:
        if any(name in headers for name in SPOKEN.get(candidate.provider, ())):
            return candidate
    return candidates[-1]


def _search(method: str, path: str, headers: Mapping[str, str]) -> Outcome:
    """What the exact lookup did not find: patterns, other methods, and paths that nobody knows."""
    known: dict[str, list[Found]] = {}
    for route_method, found in _matching(path):
        known.setdefault(route_method, []).append(found)
    if method in known:
        return _spoken(known[method], headers)
    provider, bare = _prefix(path)
    if known:
        spoken = _spoken([found for candidates in known.values() for found in candidates], headers)
        failure = _not_allowed(method, path, sorted(known))
        return WrongMethod(spoken.dialect, spoken.provider, spoken.path, failure)
    return Unknown(_envelope(provider, headers), provider, bare, _unknown(method, path, headers))


def _matching(path: str) -> list[tuple[str, Found]]:
    exact = _LITERAL.get(path, {})
    found = [(method, candidate) for method, candidates in exact.items() for candidate in candidates]
    for literal, route, candidate in _OPEN:
        rest = path[len(literal) :]
        if rest and path.startswith(literal):
            variables = {route.variable or "": unquote(rest)}
            bare = candidate.path + rest
            found.append((route.method, Found(candidate.dialect, candidate.provider, bare, variables)))
    return found


def _prefix(path: str) -> tuple[str | None, str]:
    """The provider that a path's first segment names, and the path behind it."""
    first, slash, rest = path[1:].partition("/")
    return (first, slash + rest) if first in BASES else (None, path)


def _envelope(provider: str | None, headers: Mapping[str, str]) -> Dialect:
    speaking = [name for name, marks in SPOKEN.items() if any(mark in headers for mark in marks)]
    name = provider or (speaking[0] if speaking else "openai")
    return next(route.dialect for route in ROUTES if route.dialect.name == name)


def _not_allowed(method: str, path: str, allowed: Sequence[str]) -> Failure:
    methods = ", ".join(allowed)
    message = f"Not allowed to {method} on {path}: use {methods}."
    return Failure("bad_request", 405, message, headers=(("allow", methods),))


def _unknown(method: str, path: str, headers: Mapping[str, str]) -> Failure:
    """A 404 that names the right base URL where `/v1` stands twice, else the routes that there are."""
    single = path
    while "/v1/v1/" in single:
        single = single.replace("/v1/v1/", "/v1/")
    asked = [found for _, found in _matching(single)]
    if single != path and asked:
        provider, _ = _prefix(path)
        prefix = f"/{provider}" if provider else ""
        base = f"http://{headers.get('host', 'localhost:8080')}{prefix}{BASES[asked[0].provider]}"
        hint = f"/v1 stands there twice. Set the client's base URL to {base}"
    else:
        hint = f"Routes: {', '.join(dict.fromkeys(f'{route.method} {route.path}' for route in ROUTES))}"
    return Failure("not_found", message=f"Invalid URL ({method} {path}). {hint}")


def _spellings(route: Route) -> list[tuple[str, Found]]:
    """Every way to spell a route's literal path, with what it finds."""
    name = route.dialect.name
    spelt = [route.literal]
    if BASES[name]:
        spelt.append(route.literal.removeprefix(BASES[name]))
    return [
        (prefix + literal, Found(route.dialect, name, literal))
        for prefix in ("", f"/{name}")
        for literal in spelt
    ]


_OPEN: Final = [
    (literal, route, found) for route in ROUTES if route.variable for literal, found in _spellings(route)
]
_LITERAL: Final[dict[str, dict[str, list[Found]]]] = {}
for _route in ROUTES:
    if not _route.variable:
        for _literal, _found in _spellings(_route):
            _LITERAL.setdefault(_literal, {}).setdefault(_route.method, []).append(_found)
