"""Warnings about values of a match that no request has: models, paths, methods, keys, hashes, turns and roles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias, get_args
from urllib.parse import quote

from mockllm.core.request.messages import Role
from mockllm.scenario.diagnostics import Path, nearest, quoted_choice
from mockllm.scenario.known_names import GLOB, KnownNames
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.match import Match

Warnings: TypeAlias = Iterator[tuple[Path, str]]

_SAFE_IN_PATHS: Final = "/%*?[]!$&'()+,;=:@~{}|^\"`<>\\"
"""Characters of a compared path that are not percent-encoded: characters that some clients send so, and globs."""
_BEYOND_PATHS: Final = re.compile(r"\?(?=[\w-]+=)|^https?://")
_SLASHES: Final = re.compile("/{2,}")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
"""The methods that clients of HTTP APIs send."""
_BESIDE_PATH: Final = re.compile(r"^[^/?#]*://[^/?#]*|[?#].*", re.DOTALL)
_REGEX_AS_GLOB: Final = {
    "model": re.compile(r"\^|.*(?:[$]$|[|]|\\[.]|\.[+]|(?<!\w)\.[*])"),
    "path": re.compile(r"\^"),
}
"""How a regex looks, by the field where a bare text is a glob: `gpt-4.*` and `anthropic.*` may be one."""
ROLES: Final = get_args(Role)
_ROLES_OF_PROVIDERS: Final = {
    "developer": "system",
    "model": "assistant",
    "function": "tool",
    "human": "user",
}
_BEARER: Final = re.compile(r"(?i)bearer +")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def unmatchable_values(match: Match, place: Path) -> Warnings:
    """Warn about models, paths, methods, hashes, turns and roles that no request has."""
    for name, regex in _REGEX_AS_GLOB.items():
        for text in filter(regex.match, texts_and_globs(getattr(match, name))):
            yield (*place, name), f"this is a glob, not a regex; write {{regex: '{text}'}}"
    yield from ((((*place, "path"), text)) for text in _impossible_paths(match))
    yield from ((((*place, "method"), text)) for text in _impossible_methods(match))
    yield from _keys_with_bearer(match.api_key, (*place, "api_key"))
    for hash in texts_and_globs(match.hash):
        if not _HASH.fullmatch(hash):
            yield (*place, "hash"), f"no request has the hash {hash}: a hash has 64 digits, 0 to 9 and a to f"
    for number in (turn for turn in numbers(match.turn) if turn < 1):
        yield (*place, "turn"), f"no request has the turn {number:g}: the first one is 1"
    for quantifier in ("some", "each"):
        message = getattr(match.messages, quantifier, None)
        for role in () if message is None else texts_and_globs(message.role):
            if role not in ROLES:
                meant = _ROLES_OF_PROVIDERS.get(role, quoted_choice(ROLES))
                yield (
                    (*place, "messages", quantifier, "role"),
                    f"no message has the role {role}: write {meant}",
                )
    for name in ("all", "any"):
        for index, each in enumerate(getattr(match, name) or ()):
            yield from unmatchable_values(each, (*place, name, index))


def _impossible_paths(match: Match) -> Iterator[str]:
    for path in texts_and_globs(match.path):
        if path[:1] == "^":
            continue
        if beyond := _BEYOND_PATHS.search(path):
            only = _BESIDE_PATH.sub("", path) if "://" in path else path[: beyond.start()]
            rest = "" if "://" in path else "; match its query by query: {NAME: …}"
            yield f"no request has the path {path}: write {only}{rest}"
            continue
        as_sent = quote(path if path[:1] in ("/", "*", "?", "[") else f"/{path}", safe=_SAFE_IN_PATHS)
        as_sent = _SLASHES.sub("/", as_sent)
        if path != as_sent:
            reason = "" if path[:1] == as_sent[:1] else 'a path begins with "/"; '
            reason += "slashes in a row are one; " if _SLASHES.search(path) else ""
            yield f"no request has the path {path}: {reason}write {as_sent}"


def _impossible_methods(match: Match) -> Iterator[str]:
    for method in texts_and_globs(match.method):
        upper = method.upper()
        near = None if upper in METHODS or GLOB.search(method) else nearest(upper, METHODS)
        if near is not None or method != upper:
            yield f"no request has the method {method}: write {near or upper}"


def _keys_with_bearer(condition: object, place: Path) -> Warnings:
    for key in (*texts_and_globs(condition), *texts_and_globs(getattr(condition, "starts_with", None))):
        if bearer := _BEARER.match(key):
            advice = f"write {key[bearer.end() :]}" if key[bearer.end() :] else "leave it out"
            yield place, f'no request has the key {key.rstrip()}: it is compared without "Bearer"; {advice}'


def texts_and_globs(condition: object) -> Sequence[str]:
    """Return the texts and globs that a condition spells out; none if it has other operators."""
    if condition is None:  # most conditions
        return ()
    if isinstance(condition, str):
        return (condition,)
    if isinstance(condition, list):
        texts = [texts_and_globs(item) for item in condition]
        return [path for paths in texts for path in paths] if all(texts) else ()
    if isinstance(condition, Spec) and condition.model_fields_set in ({"equals"}, {"glob"}):
        return texts_and_globs(next(getattr(condition, name) for name in condition.model_fields_set))
    return ()


def numbers(condition: object) -> Iterator[float]:
    """Yield the numbers that a condition spells out."""
    if isinstance(condition, list):
        for item in condition:
            yield from numbers(item)
    elif isinstance(condition, Spec):
        yield from numbers(getattr(condition, "equals", None))
    elif isinstance(condition, (int, float)):
        yield condition


def begins_with_prefix(path: str, match: Match, known_names: KnownNames) -> bool:
    """Return whether a path that a match spells out begins with a provider's prefix, which rules do not see. Other
    providers of the match may have a path with the same beginning."""
    name = "".join(path.split("/")[1:2])
    if name in known_names.prefixes:
        return True
    literal = not GLOB.search(path) and match.provider in (None, name)
    return literal and name in known_names.providers and known_names.begins_with_prefix(path)
