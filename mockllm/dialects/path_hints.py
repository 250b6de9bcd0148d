"""What is probably wrong with an unknown path: the base URL of the client, or the spelling of a call's path.

Each unknown path comes here, also one that a rule names: each hint takes a few lookups and no search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, Protocol
from urllib.parse import unquote

from msgspec import Struct

from mockllm.core.request.server_address import DEFAULT_HOST, SESSION_PREFIX, scheme
from mockllm.dialects.listing import LISTED_BY_NAME, LISTED_PROVIDERS, ListedProvider
from mockllm.dialects.misspelt_paths import path_meant_by
from mockllm.dialects.route_table import ROUTES

SET_BASE_URL: Final = "Set the client's base URL to "
"""A part of each hint that says all: a list of calls after it would hide it."""
TWICE: Final = re.compile(r"((?:/v1(?:alpha|beta1?)?(?:/models)?)+)/(v1(?:alpha|beta1?)?)/")
"""Two versions in a row: one of the base URL, and one that the SDK adds. The base URL may end with `/models`."""
MAX_WITH_CALL: Final = 300
"""Characters of a path that may begin with the path of a call."""
_CALL_IN_BASE: Final = "The base URL ends with the path of a call"
_SEGMENT_TWICE: Final = re.compile(r"(/[^/]+)\1(?=/)")
_LATE_SESSION: Final = re.compile(rf"(/.+?)({SESSION_PREFIX}[^/]+)(/.+)")
_VERSION: Final = re.compile(r"/v\d\w*(?=/)")


class KnownMatch(Protocol):
    """A call at a known path."""

    @property
    def provider(self) -> str:
        """The name of its provider."""

    @property
    def path(self) -> str:
        """Its path without the provider's prefix."""


class KnownPaths(Struct, frozen=True):
    """The paths of all calls."""

    literal: Mapping[str, Mapping[str, Sequence[KnownMatch]]]
    """The calls at each path without variables, by method."""
    methods_of: Callable[[str], Mapping[str, object]]
    """The methods of any path; this costs more than a lookup."""
    base_of: Callable[[str, str, Mapping[str, str]], str | None]
    """The path in the base URL of the client that sends a method to a path; None where no call has the path."""


def path_hint(
    method: str, path: str, headers: Mapping[str, str], known: KnownPaths, *, over_tls: bool = False
) -> str:
    """Return the right base URL where it is wrong, else the call that was probably meant; empty where no call is
    similar. `over_tls`: whether the request came over TLS."""
    found = (
        _with_late_session(method, path, headers, known)
        or _with_start_twice(method, path, headers, known)
        or _with_call_in_base(method, path, headers, known)
        or _with_wrong_start(method, path, headers, known)
    )
    if found is not None:
        mistake, bases = found
        server = f"{scheme(headers, over_tls=over_tls)}://{headers.get('host', DEFAULT_HOST)}"
        urls = (f"{server}{base}" for base in dict.fromkeys(bases))
        return f"{mistake}. {SET_BASE_URL}{' or '.join(urls)}"
    near = _near(method, path, known)
    return f"Did you mean {near}?" if near else ""


def _with_late_session(
    method: str, path: str, headers: Mapping[str, str], known: KnownPaths
) -> tuple[str, list[str]] | None:
    """Return the right base of a path whose session is behind another part: `/v1/s/ID/chat/completions`."""
    late = _LATE_SESSION.match(path)
    if late is None:
        return None
    start, session, rest = late.groups()
    base = known.base_of(method, TWICE.sub(r"/\2/", start + rest), headers)
    return None if base is None else (f"{session} is the first part of a path", [session + base])


def _with_start_twice(
    method: str, path: str, headers: Mapping[str, str], known: KnownPaths
) -> tuple[str, list[str]] | None:
    """Return the right base of a path that begins with a version or another segment twice, maybe after a prefix."""
    twice = TWICE.search(path)
    if twice is not None:
        base = known.base_of(method, TWICE.sub(r"/\2/", path), headers)
        repeated = "/v1" if set(twice[0].split("/")) == {"", "v1"} else "a version"
    else:
        first = path[: path.find("/", 1)]
        place = len(first) if first[1:] in LISTED_BY_NAME and not path.startswith(f"{first}{first}/") else 0
        twice = _SEGMENT_TWICE.match(path, place)
        if twice is None:
            return None
        repeated = twice[1]
        base = known.base_of(method, path[:place] + path[place + len(repeated) :], headers)
    return None if base is None else (f"The path contains {repeated} twice", [base])


def _with_call_in_base(
    method: str, path: str, headers: Mapping[str, str], known: KnownPaths
) -> tuple[str, list[str]] | None:
    """Return the right base of a path that begins with the path of a call: the base URL ends with it."""
    if len(path) > MAX_WITH_CALL:
        return None
    middle = len(path) // 2
    if path[:middle] == path[middle:]:
        base = known.base_of(method, path[middle:], headers)
        if base is not None:
            return _CALL_IN_BASE, [base]
    for slash in re.finditer("/", path):
        start, rest = path[: slash.start()], path[slash.start() :]
        methods = known.literal.get(start)
        if methods is not None:
            base = known.base_of(next(iter(methods)), start, headers)
            meant = known.base_of(method, f"{base}{rest}", headers)
            if meant is not None:
                return _CALL_IN_BASE, [meant]
    return None


def _with_wrong_start(
    method: str, path: str, headers: Mapping[str, str], known: KnownPaths
) -> tuple[str, list[str]] | None:
    """Return the right bases of a path that begins as that of another provider's SDKs, without a prefix."""
    first, second = (*path.split("/", 3), "", "")[1:3]  # a path in an example may lack its first slash
    if first not in _first_segments_of_bases() or first in LISTED_BY_NAME:
        return None
    meant = [f"/{provider.name}{path}" for provider in LISTED_PROVIDERS if _lacks_prefix_of(provider, path)]
    if second in LISTED_BY_NAME or second in _first_segments_of_bases():
        meant.insert(0, path[len(first) + 1 :])
    bases = (known.base_of(method, each, headers) for each in meant)
    right = [base for base in bases if base is not None]
    return (f"No path of a call begins with /{first}/{second}", right) if right else None


def lacks_prefix(path: str) -> bool:
    """Return whether a path is below the path in the base URL of a provider that needs a prefix."""
    return any(_lacks_prefix_of(provider, path) for provider in LISTED_PROVIDERS)


def _lacks_prefix_of(provider: ListedProvider, path: str) -> bool:
    base = provider.base
    return provider.needs_prefix and path.startswith(f"{base}/") and base not in _bases_without_prefix()


@cache
def _bases_without_prefix() -> frozenset[str]:
    """Return the bases of the providers that need no prefix, and the empty one."""
    return frozenset(("", *(provider.base for provider in LISTED_PROVIDERS if not provider.needs_prefix)))


def _first_segment(path: str) -> str:
    return path[1:].partition("/")[0]


@cache
def _first_segments_of_bases() -> frozenset[str]:
    return frozenset(_first_segment(provider.base) for provider in LISTED_PROVIDERS if provider.base)


def _near(method: str, path: str, known: KnownPaths) -> str | None:
    """Return the call that was probably meant, by a few other spellings: a search would take too long."""
    plain = unquote(path).lower().replace("/./", "/").rstrip("/") or "/"
    for spelt in _other_spellings(plain, known):
        methods = known.literal.get(spelt)
        if methods is not None:
            return f"{method if method in methods else next(iter(methods))} {spelt}"
    if path.endswith("/"):
        without_slash = path.rstrip("/")
        of_pattern = known.methods_of(without_slash)
        if of_pattern:
            return f"{method if method in of_pattern else next(iter(of_pattern))} {without_slash}"
    return (meant := path_meant_by(plain, _generating_paths)) and _near(method, meant, known)


def _other_spellings(plain: str, known: KnownPaths) -> Iterator[str]:
    """Return spellings of a path, the most probable ones first."""
    yield plain
    yield f"{plain}s"
    first, rest = _first_segment(plain), plain[plain.find("/", 1) :]
    named = LISTED_BY_NAME.get(first)
    if named is not None:
        yield f"/{first}{named.omittable_path_start}{_VERSION.sub('', rest, count=1)}"
    yield _whole(rest, known)
    yield from (f"/{name}{plain}" for name in LISTED_BY_NAME)


def _whole(path: str, known: KnownPaths) -> str:
    """Return a known path without a prefix with the start that it lacks, such as `/v1`; any other path as it is."""
    for matches in known.literal.get(path, {}).values():
        whole = LISTED_BY_NAME[matches[0].provider].omittable_path_start + path
        if matches[0].path == path and whole in known.literal:
            return whole
    return path


def _generating_paths() -> Iterator[str]:
    """Return the paths of generating calls without a prefix."""
    return (
        path for route in ROUTES if route.call.generates and not route.needs_prefix for path in route.paths()
    )
