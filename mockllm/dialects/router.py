"""Which call a request is: a route of the table, after an optional provider prefix.

Each head is routed here, once for all requests that share its reader. Dictionary lookups find the paths without a
variable. Patterns are tried after these lookups, and their results are cached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, TypeAlias
from urllib.parse import unquote

from msgspec import Struct, field

from mockllm.core.failure import Failure
from mockllm.core.rendering.websocket_session import WEBSOCKET_METHOD, is_handshake
from mockllm.core.text_cache import text_cache
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.listing import (
    LISTED_BY_NAME,
    LISTED_PROVIDERS,
    ListedCall,
    ListedProvider,
    likely_provider,
)
from mockllm.dialects.path_hints import SET_BASE_URL, KnownPaths, lacks_prefix, path_hint
from mockllm.dialects.route_table import BASE_PATHS, ROUTES, Route, spellings

_NO_MODEL: Final = re.compile(r"v1(?:alpha|beta1?)?/models(?:/|$)")
"""Matches what a variable `{model}` would take, but is a path behind a base URL that ends with `/models`."""
VERSIONS: Final = ("/v1beta", "/v1")
"""Versions that a path with an action after a colon (`/models/x:generateContent`) lacks by mistake: for a hint."""
_UPGRADE: Final = "The path is a WebSocket: send the request with an upgrade."
NOT_SERVED: Final = (
    "the provider has this call, and mockllm does not serve it; a rule that names the path can respond"
)
_RANKS: Final = {name: rank for rank, name in enumerate(LISTED_BY_NAME)}


class RouteMatch(Struct, frozen=True):
    """A call. `path` is normalised and without the provider prefix; `path_variables` holds its variables."""

    call: ListedCall
    provider: str
    path: str
    path_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def dialect(self) -> Dialect:
        return self.call.dialect


class MethodNotAllowed(Struct, frozen=True):
    """A known path with a method that it lacks. The failure has the envelope of `dialect`."""

    dialect: Dialect
    provider: str
    path: str
    failure: Failure


class NoRoute(Struct, frozen=True):
    """A path at which no call is served. It is unknown, or of a part of an API that is not served. Or it lacks its
    version, has an unknown action, or is that of a WebSocket. A rule that names it may match. Otherwise the response
    is the failure, in the envelope of the provider that the prefix or the headers indicate. `provider` is the one
    that the prefix names, or that has the path and lacks its action; else None."""

    dialect: Dialect
    provider: str | None
    path: str
    failure: Failure
    hint: str = ""
    """The probable mistake in the path. It is in the failure's message, too, except `NOT_SERVED`."""

    @property
    def lacks_prefix(self) -> bool:
        """Whether the path would be one of a provider with a prefix if `/NAME` of the provider were before it."""
        return self.provider is None and lacks_prefix(self.path)


Routing: TypeAlias = RouteMatch | MethodNotAllowed | NoRoute


def _websocket_calls() -> Mapping[str, Mapping[str, RouteMatch]]:
    """Return the calls of each path with WebSockets: of the handshake under `WS`, of messages under `WS` and their
    kind: `WS response.create`."""
    found: dict[str, dict[str, RouteMatch]] = {}
    for provider in LISTED_PROVIDERS:
        start = provider.omittable_path_start  # such as `/v1`
        for websocket in provider.websockets:
            calls = [(WEBSOCKET_METHOD, provider.calls[websocket.handshake_id])]
            calls += [
                (f"{WEBSOCKET_METHOD} {kind}", provider.calls[id]) for kind, id in websocket.message_calls
            ]
            for unprefixed in dict.fromkeys((websocket.path, websocket.path.removeprefix(start))):
                for prefix in ("", f"/{provider.name}"):
                    matches = {method: RouteMatch(call, provider.name, unprefixed) for method, call in calls}
                    found.setdefault(prefix + unprefixed, matches)
    return found


def message_kinds(path: str) -> tuple[str, ...]:
    """Return the kinds of messages that are requests, on WebSockets at a path."""
    methods = _WEBSOCKET_CALLS.get(normalised(path), {})
    return tuple(
        method.removeprefix(f"{WEBSOCKET_METHOD} ") for method in methods if method != WEBSOCKET_METHOD
    )


def find_route(
    method: str,
    path: str,
    headers: Mapping[str, str],
    query: str = "",
    root_provider: str | None = None,
    over_tls: bool = False,
) -> Routing:
    """Return the call of a request. `path` is undecoded, without query and session prefix. `headers` are
    looked up by lower-case name. `query` is undecoded. The calls of `root_provider` need no prefix, and
    precede those of all others. `over_tls`: whether the request came over TLS, for the base URL in a hint."""
    if root_provider is not None:
        found = find_route(method, f"/{root_provider}{path}", headers, query)
        if type(found) is RouteMatch:
            return found
    methods = _LITERAL.get(path)
    if methods is not None:
        matches = methods.get(method)
        if matches is not None:
            return matches[0] if len(matches) == 1 else _select(matches, headers, query)
    return _search(method, normalised(path), headers, query, over_tls)


def normalised(path: str) -> str:
    """Replace repeated slashes by one, and percent-encoded colons by colons."""
    if "//" in path:
        path = re.sub("/{2,}", "/", path)
    return re.sub("%3a", ":", path, flags=re.IGNORECASE) if "%" in path else path


def _select(matches: Sequence[RouteMatch], headers: Mapping[str, str], query: str) -> RouteMatch:
    """Return the match of the first provider that is recognized, else of the provider that is listed first. Of its
    matches the last one counts, as `Provider.routes` says."""
    names = [match.provider for match in matches]
    hinted = (name for name in names if LISTED_BY_NAME[name].is_recognized(headers, query))
    chosen = next(hinted, None) or min(names, key=_RANKS.__getitem__)
    return [match for match in matches if match.provider == chosen][-1]


def _search(method: str, path: str, headers: Mapping[str, str], query: str, over_tls: bool) -> Routing:
    """Route what the exact lookup did not find: WebSockets, patterns, other methods, and unknown paths. HEAD is GET
    without a body where no call has it."""
    if not _LITERAL:
        _fill_tables()
        return find_route(method, path, headers, query, over_tls=over_tls)
    websocket_calls = _WEBSOCKET_CALLS.get(path)
    if websocket_calls is not None and method != WEBSOCKET_METHOD:
        found = websocket_calls.get(WEBSOCKET_METHOD if is_handshake(method, headers) else method)
        if found is not None:
            return found
    by_method = _matching(path)
    effective = "GET" if method == "HEAD" and method not in by_method else method
    if effective in by_method:
        return _select(by_method[effective], headers, query)
    unversioned = _without_version(effective, path)
    if unversioned is not None:
        meant, hint = unversioned
        failure = Failure("not_found", message=f"Invalid URL ({method} {path}). {hint}")
        return NoRoute(meant.dialect, *_prefix(path), failure, hint)
    if by_method:
        return _other_method(method, path, by_method, _select(_of_all_methods(by_method), headers, query))
    if websocket_calls is not None:
        return _unknown_path(
            method, path, LISTED_BY_NAME[websocket_calls[WEBSOCKET_METHOD].provider], _UPGRADE
        )
    provider, unprefixed = _prefix(path)
    named = LISTED_BY_NAME.get(provider or "")
    likely = (
        named if named and _is_unserved(named, unprefixed) else likely_provider(named, path, headers, query)
    )
    if _is_unserved(likely, unprefixed):
        failure = _not_served(method, path, unprefixed, likely)
        return NoRoute(likely.first_call.dialect, provider, unprefixed, failure, NOT_SERVED)
    hint = path_hint(method, path, headers, _KNOWN, over_tls=over_tls)
    return _unknown_path(method, path, likely, hint)


def _other_method(
    method: str, path: str, by_method: Mapping[str, Sequence[RouteMatch]], meant: RouteMatch
) -> NoRoute | MethodNotAllowed:
    """Return that a path has calls of other methods only. `meant` is the most likely one."""
    is_action = path.rfind(":") > path.rfind("/") and meant.provider in _providers_with_actions()
    if is_action and not _with_action(path):
        return _unknown_action(method, path, meant)
    failure = _not_allowed(method, path, sorted(by_method))
    return MethodNotAllowed(meant.dialect, meant.provider, meant.path, failure)


def _unknown_path(method: str, path: str, likely: ListedProvider, hint: str) -> NoRoute:
    """Return that no call has a path, in the envelope of the provider that is likely meant."""
    provider, unprefixed = _prefix(path)
    hint_suffices = SET_BASE_URL in hint or hint == _UPGRADE
    provider_is_certain = provider is not None or path.startswith(likely.distinctive_paths)
    routes = "" if hint_suffices else _routes_of(likely.name, provider_is_certain=provider_is_certain)
    message = f"Invalid URL ({method} {path}). {' '.join(filter(None, (hint, routes)))}"
    failure = Failure("not_found", message=message)
    return NoRoute(likely.first_call.dialect, provider, unprefixed, failure, hint)


def _of_all_methods(by_method: Mapping[str, Sequence[RouteMatch]]) -> list[RouteMatch]:
    return [each for matches in by_method.values() for each in matches]


@text_cache(1024)  # clients repeat their paths; a new path is compared with many patterns
def _matching(path: str) -> Mapping[str, Sequence[RouteMatch]]:
    """Return the calls of a path by method. The path's end from its last colon selects the patterns; where it is
    the action of a call, it is no part of a name."""
    known = {method: list(matches) for method, matches in _LITERAL.get(path, {}).items()}
    for method, match in _with_action(path) or _matches(path, _PATTERNS[""]):
        known.setdefault(method, []).append(match)
    return known


def _with_action(path: str) -> list[tuple[str, RouteMatch]]:
    """Return the calls, with their methods, whose action a path ends with."""
    colon = path.rfind(":")
    return _matches(path, _PATTERNS.get(path[colon:], ())) if colon >= 0 else []


def _matches(path: str, patterns: Iterable[tuple[str, Route, str]]) -> list[tuple[str, RouteMatch]]:
    found = []
    for pattern, route, prefix in patterns:
        match = _pattern(pattern).fullmatch(path)
        if match is not None and not _NO_MODEL.match(match.groupdict().get("model", "")):
            variables = {name: unquote(value) for name, value in match.groupdict().items()}
            unprefixed = path.removeprefix(prefix)
            found.append((route.method, RouteMatch(route.call, route.provider, unprefixed, variables)))
    return found


def _prefix(path: str) -> tuple[str | None, str]:
    """Return the provider that a path's first segment names, and the path after it."""
    first, slash, rest = path[1:].partition("/")
    return (first, slash + rest) if first in LISTED_BY_NAME else (None, path)


def _is_unserved(provider: ListedProvider, path: str) -> bool:
    """Return whether a path without its prefix belongs to a part of a provider's API that is not served."""
    base = provider.omittable_path_start  # such as `/v1`
    starts = _unserved(provider.unserved)
    known = path if base and path.startswith(f"{base}/") else base + path
    return bool(provider.unserved) and any(starts.match(each) is not None for each in (known, path))


@cache
def _unserved(starts: tuple[str, ...]) -> re.Pattern[str]:
    """Return what the paths with one of these starts match. `*` in a start is one segment."""
    escaped = (re.escape(start).replace(r"\*", "[^/]+") for start in starts)
    return re.compile(f"(?:{'|'.join(escaped)})(?:/|$)")


def _not_served(method: str, path: str, unprefixed: str, provider: ListedProvider) -> Failure:
    """Return the failure of a call that a provider has and mockllm does not serve. `unprefixed`: the path without its
    prefix, as rules match it. SDKs retry a 501, unless the header forbids that."""
    message = (
        f"Known API, not served: {method} {path} is a call of {provider.title} that mockllm does not serve. "
        f"A rule that names the path can respond: match: {{path: {unprefixed}}}"
    )
    headers = (("x-should-retry", "false"),)
    return Failure("server_error", 501, message, fields=provider.unserved_fields, headers=headers)


def _not_allowed(method: str, path: str, allowed: Sequence[str]) -> Failure:
    methods = ", ".join(allowed)
    message = f"Not allowed to {method} on {path}: use {methods}."
    return Failure("bad_request", 405, message, headers=(("allow", methods),))


@cache
def _providers_with_actions() -> frozenset[str]:
    """Return the providers whose paths may end with an action behind a colon, as `:generateContent`."""
    return frozenset(route.provider for action, known in _PATTERNS.items() if action for _, route, _ in known)


def _unknown_action(method: str, path: str, meant: RouteMatch) -> NoRoute:
    """Return that a path has an action that the provider lacks. `meant` is the call of the path before the colon."""
    near = _near_action(path, method)
    hint = f"Did you mean {method} {near}?" if near else ""
    message = f"Invalid URL ({method} {path}). {hint or _routes_of(meant.provider, provider_is_certain=True)}"
    return NoRoute(meant.dialect, meant.provider, meant.path, Failure("not_found", message=message), hint)


@text_cache(1024)
def _near_action(path: str, method: str) -> str | None:
    """Return the path with the action that was probably meant, as `:generateContent` for `:generate`."""
    from difflib import get_close_matches  # imported only when a message is built

    before, colon, action = path.rpartition(":")
    actions = {known[1:].lower(): before + known for known in _PATTERNS} if colon else {}
    near = [actions[name] for name in get_close_matches(action.lower(), actions)]
    return next((meant for meant in near if method in _matching(meant)), None)


def _without_version(method: str, path: str) -> tuple[RouteMatch, str] | None:
    """Return the call of a path that lacks only its version, and a hint; None for any other path."""
    colon = path.rfind(":")
    if colon < 0 or path[colon:] not in _PATTERNS:
        return None
    provider, unprefixed = _prefix(path)
    prefix = f"/{provider}" if provider else ""
    for version in VERSIONS:
        calls = _matching(f"{prefix}{version}{unprefixed}").get(method)
        if calls:
            hint = f"{version} is missing in front of {unprefixed}: expected {method} {prefix}{version}{unprefixed}"
            return calls[0], hint
    return None


def _base_of(method: str, path: str, headers: Mapping[str, str]) -> str | None:
    """Return the path in the base URL of the SDK that sends a method to a path; None where no call has the path."""
    known = _matching(path)
    calls = known.get(method) or _of_all_methods(known)
    if not calls:
        return None
    call = _select(calls, headers, "")
    return path.removesuffix(call.path) + BASE_PATHS[call.provider]


@cache
def _routes_of(provider: str, *, provider_is_certain: bool) -> str:
    """List the calls that generate, or all of an API without any. The others of a large API would hide what the
    message says.

    `provider_is_certain`: the path has the prefix of the provider, or a start that only its API has.
    """
    usual = () if provider_is_certain else (each.name for each in LISTED_PROVIDERS if each.routes_in_404)
    first = dict.fromkeys((provider, *usual))
    routes = [route for name in first for route in ROUTES if route.provider == name]
    known = dict.fromkeys(route.line for route in routes)
    lines = dict.fromkeys(route.line for route in routes if route.call.generates) or known
    others = len(known.keys() - lines.keys())
    return (
        f"Routes: {', '.join(lines)}{f', and {others} more' * bool(others)}. GET / lists those of every provider. "
        "Any other path is answered by a rule that names it: match: {path: …}"
    )


@cache
def _pattern(path: str) -> re.Pattern[str]:
    """Compile a path's pattern on first use: there are many, and the start of the server waits for none."""
    parts = re.split(r"\{(\w+)\}", path)
    for place, part in enumerate(parts):
        caught = ".+" if part == "model" else "[^/]+"
        parts[place] = f"(?P<{part}>{caught})" if place % 2 else re.escape(part)
    return re.compile("".join(parts))


_PATTERNS: Final[dict[str, list[tuple[str, Route, str]]]] = {}
"""The paths with variables, by the action at their end, such as `:generateContent` ("" without one)."""
_LITERAL: Final[dict[str, dict[str, list[RouteMatch]]]] = {}
_WEBSOCKET_CALLS: Final = _websocket_calls()
_KNOWN: Final = KnownPaths(_LITERAL, _matching, _base_of)


def _fill_tables() -> None:
    """Fill the tables for the first request; `_LITERAL` last, since another thread may look into it."""
    literal: dict[str, dict[str, list[RouteMatch]]] = {}
    patterns: dict[str, list[tuple[str, Route, str]]] = {}
    for route in ROUTES:
        for prefix, unprefixed in spellings(route):
            if "{" in unprefixed:
                action = unprefixed[unprefixed.rfind(":") :] if ":" in unprefixed else ""
                patterns.setdefault(action, []).append((prefix + unprefixed, route, prefix))
            else:
                found = RouteMatch(route.call, route.provider, unprefixed)
                literal.setdefault(prefix + unprefixed, {}).setdefault(route.method, []).append(found)
    _PATTERNS.update(patterns)
    _LITERAL.update(literal)
