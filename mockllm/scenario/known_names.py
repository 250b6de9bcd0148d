"""The names of the engine that a scenario may use: providers, dialects, apis.

They are passed in, so that the language imports no dialect. `engine/known_names.py` has those of all providers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import quoted_choice, suggestion
from mockllm.scenario.key_suggestions import own_name

if TYPE_CHECKING:
    from mockllm.scenario.language.replay import ReplaySpec

GLOB: Final = re.compile(r"[*?\[]")
_NAMED: Final = re.compile(r"\{\w+\}")


def _written_name(path: Sequence[str | int]) -> str:
    """Return a member's path as the tables of written members have it."""
    return ".".join("*" if type(part) is int else str(part) for part in path)


class KnownNames(Struct, frozen=True):
    """What the language knows of the engine: the names for `match: {provider, dialect, api, path}`, the calls that
    have them, and the members of responses that the server writes."""

    providers: Collection[str] = ()
    dialects: Collection[str] = ()
    apis: Collection[str] = ()
    reply_paths: Collection[str] = ()
    """The paths of generating calls and media calls; `{name}` in them is any text."""
    reply_apis: Collection[str] = ()
    """The apis of these calls."""
    aliases: Mapping[str, str] = {}
    """Names that users write in place of a provider's name, with that name."""

    member_keys: Mapping[str, Mapping[str, str]] = {}
    """By dialect: the members that the server writes, by path, with the word of the language for each."""

    provider_dialects: Mapping[str, Collection[str]] = {}
    """The dialects of each provider's generating calls."""
    api_dialects: Mapping[str, Collection[str]] = {}
    """The dialects of each api's generating calls."""
    path_dialects: Mapping[str, Collection[str]] = {}
    """The dialects of the calls at each of the `reply_paths`."""
    line_dialects: Collection[str] = ()
    """The dialects whose streams are lines of JSON, so that a stream of one line is one object."""
    other_dialect: Callable[[ReplaySpec, Mapping[str, bytes], Collection[str]], str | None] | None = None
    """Returns the dialect in which a `replay` was recorded, if none of these dialects can decode it."""
    prefixes: Collection[str] = ()
    """The providers with whose names no path begins but as a prefix, which rules do not see."""
    begins_with_prefix: Callable[[str], bool] = bool
    """Returns whether a path begins with the prefix of a provider with whose name other paths begin."""

    protocol_versions: Collection[str] = ()
    """The versions of the protocol that a server in `mcp` may speak."""

    def written_member(self, dialect: str, path: Sequence[str | int]) -> str | None:
        """Return the word for a member of a response that the server writes itself; None for any other member."""
        return self.member_keys.get(dialect, {}).get(_written_name(path))

    def kind_of_parent(
        self, dialect: str, path: Sequence[str | int]
    ) -> type[dict[str, Json] | list[Json]] | None:
        """Return whether a member of a response is an object or a list with members that the server writes itself;
        None for any other member."""
        start = f"{_written_name(path)}."
        below = (name for name in self.member_keys.get(dialect, {}) if name.startswith(start))
        found = next(below, None)
        return None if found is None else list if found.startswith(f"{start}*") else dict

    def dialects_at(self, path: str) -> Collection[str]:
        """Return the dialects of the generating calls that a path, without globs, can be; none for another path."""
        found = (
            dialects
            for route, dialects in self.path_dialects.items()
            if re.fullmatch(".+".join(map(re.escape, _NAMED.split(route))), path)
        )
        return frozenset().union(*found)

    def may_generate_api(self, api: str) -> bool:
        """Return whether an api, or one that a glob matches, may be a generating one."""
        return any(fnmatchcase(known, api) for known in self.reply_apis)

    def may_generate_path(self, path: str) -> bool:
        """Return whether a path, or one that a glob matches, may be the path of a generating call."""
        begins = GLOB.split(path, maxsplit=1)[0]
        for route in self.reply_paths:
            start, *rest = _NAMED.split(route)
            if begins == path:
                if re.fullmatch(".+".join(map(re.escape, (start, *rest))), path):
                    return True
            elif start.startswith(begins) or (rest and begins.startswith(start)):
                return True
        return False

    def unknown_version_error(self, version: str) -> str | None:
        """Return the error for a version that the protocol does not have; None if it has the version."""
        known = self.protocol_versions
        if not known or version in known:
            return None
        return f'the protocol has no version "{version}"; expected {quoted_choice(known)}'

    def unknown_name_error(self, kind: str, name: str) -> str | None:
        """Return the error for a name that the server does not have; None if it has the name."""
        known = {"provider": self.providers, "dialect": self.dialects, "api": self.apis}[kind]
        if not known or name in known:
            return None
        alias = self.aliases.get(name)
        intended = (alias if alias in known else own_name(name, known)) or name
        return f'no {kind} is called "{name}"{suggestion(intended, sorted(known))}'
