"""Where the requests and responses of a protocol have the values that traces report."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json

MemberPath: TypeAlias = tuple[str, ...]
"""The names of nested members, the outermost first."""


class TelemetryFields(Struct, frozen=True, kw_only=True):
    """The members of one protocol. A response lacks the attributes whose members it does not have."""

    settings: Mapping[str, MemberPath] = MappingProxyType({})
    """Members of the request's body with a number, by the attribute's name below `gen_ai.request.`."""
    response: str | None = None
    """The member in which some events contain the response."""
    id: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    choices: str | None = None
    """The member with the list of choices; None: the response is the only choice."""
    finish: tuple[MemberPath, ...] = ()
    """The members of a choice, or of an event, with the finish reason."""
    error: tuple[str, ...] = ()
    """The members of the error object that may name the error, the best first."""
    input_tokens: MemberPath | None = None
    """The count of a call whose response its dialect does not decode."""


def member_at(source: Json, path: MemberPath) -> Json:
    """Return a nested member; None where it is missing."""
    for name in path:
        source = source.get(name) if isinstance(source, dict) else None
    return source
