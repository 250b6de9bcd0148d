"""The turns of a conversation in provider-neutral form: messages and their parts.

Separate from `request.py`, because replies and stored conversations have messages without a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import MISSING, Json, JSONDecodeError, Missing, loads

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]

MAX_READ_JSON: Final = 1_000_000
"""The characters of a tool's result that is read as JSON: a client may send as many values in them as it likes."""


class TextPart(Struct, frozen=True):
    """A text."""

    text: str


class MediaPart(Struct, frozen=True):
    """An image, a file or a sound, without its data."""

    kind: Literal["image", "file", "audio"]


class CallPart(Struct, frozen=True):
    """A tool call in the history; `arguments` parsed where they are JSON, else the raw text."""

    id: str | None
    name: str | None
    arguments: Json


class ResultPart(Struct, frozen=True):
    """The result of a tool. `name` comes from an earlier call where the protocol has only an id."""

    id: str | None
    name: str | None
    text: str
    is_error: bool = False

    @property
    def json(self) -> Json | Missing:
        """The text parsed as JSON; MISSING where it is not JSON, or too long."""
        if len(self.text) > MAX_READ_JSON:
            return MISSING
        try:
            return loads(self.text)
        except JSONDecodeError:
            return MISSING


class ThinkingPart(Struct, frozen=True):
    """Thinking of the model."""

    text: str


class OtherPart(Struct, frozen=True):
    """A part of a type without a neutral word."""

    type: str


MessagePart: TypeAlias = TextPart | MediaPart | CallPart | ResultPart | ThinkingPart | OtherPart


class Message(Struct, frozen=True):
    """One message in provider-neutral form. Tool results are messages of role `tool`, also where the protocol has
    them in a user message. Further parts of that message follow as a `user` message. `system` includes
    `developer`."""

    role: Role
    parts: tuple[MessagePart, ...]

    @property
    def text(self) -> str:
        """The text parts, joined by a newline."""
        parts = self.parts
        if len(parts) == 1 and type(parts[0]) is TextPart:
            return parts[0].text
        return "\n".join([part.text for part in parts if type(part) is TextPart])


def last_user_text(messages: Sequence[Message]) -> str | None:
    """Return the text of the last user message; None where there is none."""
    for message in reversed(messages):
        if message.role == "user":
            return message.text
    return None


def last_assistant_parts(messages: Sequence[Message]) -> tuple[MessagePart, ...] | None:
    """Return the parts of the last adjacent messages of the assistant; None where there are none. Some protocols have
    several messages where others have one."""
    group: list[Message] = []
    for message in reversed(messages):
        if message.role == "assistant":
            group.append(message)
        elif group:
            break
    return tuple([part for message in reversed(group) for part in message.parts]) if group else None


def last_results(messages: Sequence[Message]) -> tuple[ResultPart, ...]:
    """Return the results of tools after the last assistant turn, in order."""
    after: list[Message] = []
    for message in reversed(messages):
        if message.role == "assistant":
            break
        after.append(message)
    return tuple([part for message in reversed(after) for part in message.parts if type(part) is ResultPart])


def is_thinking(part: MessagePart) -> bool:
    """Return whether a part is thinking of the model, readable or not."""
    return type(part) is ThinkingPart or (type(part) is OtherPart and part.type == "redacted_thinking")
