"""Which call a request is: one ordered table of routes, after an optional provider prefix.

Every request passes through here, so the paths without a variable are found by one dictionary lookup;
patterns (what they found is remembered), and the reasons why nothing was found, come after it. Nothing else
knows paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import product
from typing import Final, TypeAlias
from urllib.parse import unquote

from msgspec import Struct, field

from mockllm.core.failure import Failure
from mockllm.dialects import anthropic, azure, gemini, openai, vendors
from mockllm.dialects.dialect import Dialect


class Route(Struct, frozen=True):
    """One call. In its path `(a|b)` is any of these, and `{name}` a variable: one segment of the path or a
    part of it, but for a `{model}`, which may hold slashes. `vendor` is who speaks the dialect, where it is
    not the provider whose protocol it is; `prefixed` paths are known behind the provider's prefix only."""

    method: str
    path: str
    dialect: Dialect
    vendor: str | None = None
    prefixed: bool = False

    @property
    def provider(self) -> str:
        return self.vendor or self.dialect.name

    @property
    def line(self) -> str:
        """Method and path for a person, with the prefix where it needs one."""
        return f"{self.method} {f'/{self.provider}' if self.prefixed else ''}{self.path}"

    def paths(self) -> Iterator[str]:
        """The paths with each of the alternatives."""
        parts = re.split(r"\(([^)]*)\)", self.path)
        for chosen in product(
            *(part.split("|") if place % 2 else [part] for place, part in enumerate(parts))
        ):
            yield "".join(chosen)


ROUTES: Final = (
    *(
        Route("POST", f"/openai/{base}{call}", dialect, "azure")
        for base in ("deployments/{deployment}/", "v1/")
        for call, dialect in (
            ("chat/completions", azure.CHAT),
            ("completions", azure.COMPLETIONS),
            ("embeddings", azure.EMBEDDINGS),
        )
    ),
    Route("POST", "/openai/(v1/responses|responses)", azure.RESPONSES, "azure"),
    Route("GET", "/openai/(v1/models|models)", azure.MODELS, "azure"),
    Route("POST", "/models/chat/completions", azure.FOUNDRY_CHAT, "azure"),
    Route("POST", "/v1/chat/completions", openai.CHAT),
    Route("GET", "/v1/chat/completions", openai.LIST_CHAT),
    Route("GET", "/v1/chat/completions/{completion}", openai.GET_CHAT),
    Route("POST", "/v1/chat/completions/{completion}", openai.UPDATE_CHAT),
    Route("DELETE", "/v1/chat/completions/{completion}", openai.DELETE_CHAT),
    Route("GET", "/v1/chat/completions/{completion}/messages", openai.CHAT_MESSAGES),
    Route("POST", "/v1/responses", openai.RESPONSES),
    Route("POST", "/v1/responses/input_tokens", openai.INPUT_TOKENS),
    Route("POST", "/v1/responses/compact", openai.COMPACT),
    Route("GET", "/v1/responses/{response}", openai.GET_RESPONSE),
    Route("DELETE", "/v1/responses/{response}", openai.DELETE_RESPONSE),
    Route("POST", "/v1/responses/{response}/cancel", openai.CANCEL_RESPONSE),
    Route("GET", "/v1/responses/{response}/input_items", openai.INPUT_ITEMS),
    Route("POST", "/v1/completions", openai.COMPLETIONS),
    Route("POST", "/v1/embeddings", openai.EMBEDDINGS),
    Route("POST", "/v1/moderations", openai.MODERATIONS),
    Route("POST", "/v1/messages", anthropic.MESSAGES),
    Route("POST", "/v1/messages/count_tokens", anthropic.COUNT),
    *(
        Route("POST", f"{base}/models/{{model}}:{call}", dialect, vendor)
        for base, vendor, generate in (
            ("/(v1beta|v1|v1alpha)", None, gemini.GENERATE),
            (
                "/(v1beta1|v1)/projects/{project}/locations/{location}/publishers/google",
                "vertex",
                gemini.VERTEX,
            ),
            ("/(v1beta1|v1)/publishers/google", "vertex", gemini.VERTEX),
        )
        for call, dialect in (
            ("(generateContent|streamGenerateContent)", generate),
            ("countTokens", gemini.COUNT),
            ("(embedContent|batchEmbedContents|predict)", gemini.EMBEDDINGS),
        )
    ),
    *(
        Route("POST", f"{base}/models/{call}", dialect, "vertex")
        for base in (
            "/(v1beta1|v1)/projects/{project}/locations/{location}/publishers/anthropic",
            "/(v1beta1|v1)/publishers/anthropic",
        )
        for call, dialect in (
            ("{model}:(rawPredict|streamRawPredict)", anthropic.VERTEX_MESSAGES),
            ("count-tokens:rawPredict", anthropic.VERTEX_COUNT),  # of several that fit, the last is found
        )
    ),
    Route("GET", "/(v1beta1|v1)/publishers/google/models", gemini.MODELS, "vertex"),
    Route("GET", "/(v1beta1|v1)/publishers/google/models/{model}", gemini.MODELS, "vertex"),
    Route("DELETE", "/v1/models/{model}", openai.MODELS),
    Route("GET", "/v1/models", anthropic.MODELS),
    Route("GET", "/(v1beta|v1|v1alpha)/models", gemini.MODELS),
    Route("GET", "/v1/models", openai.MODELS),
    Route("GET", "/v1/models/{model}", anthropic.MODELS),
    Route("GET", "/(v1beta|v1|v1alpha)/models/{model}", gemini.MODELS),
    Route("GET", "/v1/models/{model}", openai.MODELS),
    *(
        Route(method, path, dialect, spoken.vendor.name, prefixed=not spoken.vendor.open)
        for spoken in vendors.SPOKEN
        for method, path, dialect in spoken.paths()
    ),
)
"""Where two providers share a path, the first is taken if the request speaks as its clients do (`SPOKEN`)."""

SPOKEN: Final = {
    "anthropic": ("anthropic-version", "x-api-key"),
    "gemini": ("x-goog-api-key", "x-goog-api-client"),
    "azure": ("api-key",),
}
"""Headers that only this provider's clients send."""
ASKED: Final = {
    "gemini": re.compile("(?:^|&)key="),
    "azure": re.compile("(?:^|&)api-version="),
}
"""Queries that only this provider's clients send: a key, a version."""
TWICE: Final = re.compile(r"((?:/v1(?:alpha|beta1?)?)+)/(v1(?:alpha|beta1?)?)/")
"""Versions behind each other: one of the base URL, and one that the SDK puts there."""
BASES: Final = {
    **{vendor.name: vendor.bases[0] for vendor in vendors.VENDORS},
    "openai": "/v1",
    "anthropic": "",
    "gemini": "",
    "vertex": "",
    "azure": "",
}
"""What stands between the host and the paths that this provider's SDKs ask for."""
SPARED: Final = {**BASES, "anthropic": "/v1"}
"""What paths also work without. Vercel's provider for Anthropic asks for `/messages` behind the base URL that
Anthropic's own SDK takes."""
BASE_URLS: Final = (
    ("OpenAI", BASES["openai"]),
    ("Anthropic", BASES["anthropic"]),
    ("Gemini", BASES["gemini"]),
)
"""Each SDK with what follows the server's address in its base URL."""


class RouteMatch(Struct, frozen=True):
    """A call. `path` is normalised and without the provider prefix; `route` holds its variables."""

    dialect: Dialect
    provider: str
    path: str
    route: Mapping[str, str] = field(default_factory=dict)


class MethodNotAllowed(Struct, frozen=True):
    """A known path that was asked with another method; the failure is said in `dialect`'s envelope."""

    dialect: Dialect
    provider: str
    path: str
    failure: Failure


class UnknownPath(Struct, frozen=True):
    """No provider's path. Rules that name it may answer; else the failure, in the envelope of the provider
    that the prefix or the headers speak of. `provider` is None where only a guess chose the envelope."""

    dialect: Dialect
    provider: str | None
    path: str
    failure: Failure


Routing: TypeAlias = RouteMatch | MethodNotAllowed | UnknownPath


def find(method: str, path: str, headers: Mapping[str, str], query: str = "") -> Routing:
    """The call that a request is. `path` is undecoded, without query and session prefix; `headers` are
    looked up by lower-case name; `query` is undecoded."""
    methods = _LITERAL.get(path)
    if methods is not None:
        candidates = methods.get(method)
        if candidates is not None:
            return candidates[0] if len(candidates) == 1 else _spoken(candidates, headers, query)
    return _search(method, normalised(path), headers, query)


def normalised(path: str) -> str:
    """One slash where several stand, and colons that were percent-encoded."""
    if "//" in path:
        path = re.sub("/{2,}", "/", path)
    return re.sub("%3a", ":", path, flags=re.IGNORECASE) if "%" in path else path


def _speaks(provider: str, headers: Mapping[str, str], query: str) -> bool:
    if any(name in headers for name in SPOKEN.get(provider, ())):
        return True
    return provider in ASKED and ASKED[provider].search(query) is not None


def _spoken(candidates: Sequence[RouteMatch], headers: Mapping[str, str], query: str) -> RouteMatch:
    """The first whose provider's clients speak so; else the last, which is known by nothing."""
    if len(candidates) > 1:
        for candidate in candidates:
            if _speaks(candidate.provider, headers, query):
                return candidate
    return candidates[-1]


def _search(method: str, path: str, headers: Mapping[str, str], query: str) -> Routing:
    """What the exact lookup did not find: patterns, HEAD (which is GET without a body), other methods, and
    paths that nobody knows."""
    known = _matching(path)
    asked = "GET" if method == "HEAD" else method
    if asked in known:
        return _spoken(known[asked], headers, query)
    provider, bare = _prefix(path)
    if known:
        spoken = _spoken([found for candidates in known.values() for found in candidates], headers, query)
        failure = _not_allowed(method, path, sorted(known))
        return MethodNotAllowed(spoken.dialect, spoken.provider, spoken.path, failure)
    meant = provider or next((name for name in SPOKEN if _speaks(name, headers, query)), "openai")
    dialect = next(route.dialect for route in ROUTES if route.provider == meant)
    return UnknownPath(dialect, provider, bare, _unknown(method, path, headers, meant))


@lru_cache(maxsize=1024)
def _matching(path: str) -> Mapping[str, Sequence[RouteMatch]]:
    """The calls of a path by method. Patterns are told apart by what follows the path's last colon."""
    known = {method: list(candidates) for method, candidates in _LITERAL.get(path, {}).items()}
    colon = path.rfind(":")
    calls = _OPEN.get(path[colon:], ()) if colon >= 0 else ()
    for pattern, route, prefix in (*calls, *_OPEN[""]):
        match = _pattern(pattern).fullmatch(path)
        if match is not None:
            variables = {name: unquote(value) for name, value in match.groupdict().items()}
            bare = path.removeprefix(prefix)
            known.setdefault(route.method, []).append(
                RouteMatch(route.dialect, route.provider, bare, variables)
            )
    return known


def _prefix(path: str) -> tuple[str | None, str]:
    """The provider that a path's first segment names, and the path behind it."""
    first, slash, rest = path[1:].partition("/")
    return (first, slash + rest) if first in BASES else (None, path)


def _not_allowed(method: str, path: str, allowed: Sequence[str]) -> Failure:
    methods = ", ".join(allowed)
    message = f"Not allowed to {method} on {path}: use {methods}."
    return Failure("bad_request", 405, message, headers=(("allow", methods),))


def _unknown(method: str, path: str, headers: Mapping[str, str], meant: str) -> Failure:
    """A 404 that names the right base URL where `/v1` or another version stands twice, else the call that was
    probably meant, the routes of the provider that was, and those that most ask for; all would fill a screen."""
    twice = TWICE.search(path)
    single = path if twice is None else TWICE.sub(r"/\2/", path)
    known = _matching(single)
    asked = known.get(method) or [found for candidates in known.values() for found in candidates]
    if twice is not None and asked:
        provider, _ = _prefix(path)
        prefix = f"/{provider}" if provider else ""
        base = f"http://{headers.get('host', 'localhost:8080')}{prefix}{BASES[_spoken(asked, headers, '').provider]}"
        said = "/v1 stands there" if set(twice[0].split("/")) == {"", "v1"} else "There stands a version"
        hint = f"{said} twice. Set the client's base URL to {base}"
    else:
        near = _near(method, path)
        hint = (f"Did you mean {near}? " if near else "") + _routes_of(meant)
    return Failure("not_found", message=f"Invalid URL ({method} {path}). {hint}")


def _near(method: str, path: str) -> str | None:
    """The call that was probably meant. Nothing is searched for, a few other spellings are looked up: rules that
    name unknown paths are asked by the thousand."""
    plain = unquote(path).lower().replace("/./", "/").rstrip("/")
    for spelt in (plain, f"{plain}s", plain[plain.find("/", 1) :]):
        known = _LITERAL.get(spelt)
        if known is not None:
            return f"{method if method in known else next(iter(known))} {spelt}"
    return None


def _spellings(route: Route) -> Iterator[tuple[str, str]]:
    """Every way to spell a route's path, after its prefix."""
    base = SPARED[route.provider]
    for path in route.paths():
        for bare in dict.fromkeys((path, path.removeprefix(base))):
            for prefix in (f"/{route.provider}",) if route.prefixed else ("", f"/{route.provider}"):
                yield prefix, bare


@cache
def _routes_of(provider: str) -> str:
    first = dict.fromkeys((provider, "openai", "anthropic"))
    lines = dict.fromkeys(route.line for name in first for route in ROUTES if route.provider == name)
    return (
        f"Routes: {', '.join(lines)}. GET / lists those of every provider. "
        "Any other path is answered by a rule that names it: match: {path: …}"
    )


def _by_fame() -> Sequence[Route]:
    """As a person wants to read them: first those that most ask for."""
    known = {provider: place for place, provider in enumerate(("openai", "anthropic", "gemini"))}
    return sorted(ROUTES, key=lambda route: known.get(route.provider, len(known)))


@cache
def calls_by_provider() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The paths of each provider, without methods and prefixes; of vendors that are known behind their prefix
    only, the base of all their calls."""
    found: dict[str, dict[str, None]] = {}
    for route in _by_fame():
        if not route.prefixed:
            found.setdefault(route.provider, {})[route.path] = None
    vendor_bases = dict.fromkeys(vendor.path("") for vendor in vendors.VENDORS)
    return (
        *((provider, tuple(paths)) for provider, paths in found.items()),
        ("vendors", tuple(vendor_bases)),
    )


def generating_paths() -> frozenset[str]:
    """The paths of all calls that a reply answers, without their prefixes."""
    return frozenset(bare for route in ROUTES if route.dialect.generates for _, bare in _spellings(route))


@cache
def _pattern(path: str) -> re.Pattern[str]:
    """Compiled when it is first asked: there are many, and a start waits for none."""
    parts = re.split(r"\{(\w+)\}", path)
    for place, part in enumerate(parts):
        caught = ".+" if part == "model" else "[^/]+"
        parts[place] = f"(?P<{part}>{caught})" if place % 2 else re.escape(part)
    return re.compile("".join(parts))


_OPEN: Final[dict[str, list[tuple[str, Route, str]]]] = {"": []}
"""The paths with variables, by the call that follows a colon at their end ("" without one)."""
_LITERAL: Final[dict[str, dict[str, list[RouteMatch]]]] = {}
for _route in ROUTES:
    for _prefix_, _bare in _spellings(_route):
        if "{" in _bare:
            _entry = (_prefix_ + _bare, _route, _prefix_)
            _OPEN.setdefault(_bare[_bare.rfind(":") :] if ":" in _bare else "", []).append(_entry)
        else:
            _found = RouteMatch(_route.dialect, _route.provider, _bare)
            _LITERAL.setdefault(_prefix_ + _bare, {}).setdefault(_route.method, []).append(_found)
