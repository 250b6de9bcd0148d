"""The layout of a protocol's stream events: where an event has a call, a finish reason, a role, a usage, a text.

A dialect describes its events by an EventLayout. Faults of form change the members there, and know no dialect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Framing

Payload: TypeAlias = dict[str, Json]
"""The JSON object of one event."""


class MemberPlace(NamedTuple):
    """A member of an object in an event, whether it is there or not."""

    parent: Payload
    member: str


class ToolCallPlace(Struct, frozen=True):
    """A part of a tool call in an event. None: the event has no place for it."""

    number: object
    """The same for all events of one call."""
    index: MemberPlace | None = None
    id: MemberPlace | None = None
    arguments: MemberPlace | None = None


class FinishPlace(NamedTuple):
    """The place of a choice's finish reason. `ended`: whether the event ends the choice."""

    choice: object
    parent: Payload
    members: tuple[str, ...]
    ended: bool


class EventLayout:
    """Where faults find calls, texts and ends in the events of a protocol. A method that is not overridden finds
    none."""

    sequence: str | None = None
    """The member that numbers all events."""

    def write(self, payload: Payload, framing: Framing) -> bytes:
        """Return an event's JSON in the style of the protocol."""
        return dumps(payload)

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        """Yield the calls in an event. `opened` holds the numbers of the calls in earlier events."""
        return iter(())

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        """Yield the places of finish reasons."""
        return iter(())

    def usage(self, payload: Payload) -> MemberPlace | None:
        """Return the place of the usage."""
        return None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        """Yield the places of roles."""
        return iter(())

    def text(self, payload: Payload) -> MemberPlace | None:
        """Return the place of the text of a chunk."""
        return None

    def delta(self, payload: Payload) -> MemberPlace | None:
        """Return the place of the object around the text, or of the text itself where only the event is around it."""
        return None

    def choices(self, payload: Payload) -> MemberPlace | None:
        """Return the place of the list of choices."""
        return None
