"""Where the requests and responses of a protocol have the values that traces report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json

MemberPath: TypeAlias = tuple[str, ...]
"""The names of nested members, the outermost first."""


class TelemetryFields(Struct, frozen=True, kw_only=True):
    """The members of one protocol. A response lacks the attributes whose members it does not have."""

    settings: Mapping[str, tuple[MemberPath, ...]] = MappingProxyType({})
    """The members of a request's body that may have a setting, by the attribute's name below `gen_ai.request.`."""
    response: str | None = None
    """The member in which some events contain the response."""
    id: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    choices: str | None = None
    """The member with the list of choices; None: the response is the only choice."""
    finish: tuple[MemberPath, ...] = ()
    """The members of a choice, or of an event, with the finish reason."""
    error: tuple[str, ...] = ()
    """The members of the error object that may name the error, the best first. The members of the
    provider that serves the protocol come before the protocol's."""
    input_tokens: tuple[MemberPath, ...] = ()
    """The counts of a call whose response its dialect does not decode."""


def members_at(source: Json, paths: Iterable[MemberPath]) -> Iterator[Json]:
    """Yield the nested members that are there."""
    for path in paths:
        found = source
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            yield found
