"""Reads a message of a realtime client as an event, and describes a message that is none."""

from __future__ import annotations

from collections.abc import Collection, Generator
from typing import Final, NamedTuple

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.rendering.websocket_session import ServeOthers
from mockllm.dialects.audio import decode_in_slices
from mockllm.dialects.openai.validators import too_long_message, wrong_type_message

SUPPORTED: Final = (
    "'session.update', 'session.close', 'input_audio_buffer.append', 'session.input_audio_buffer.append', "
    "'input_audio_buffer.commit', 'input_audio_buffer.clear', 'conversation.item.create', "
    "'conversation.item.truncate', 'conversation.item.delete', 'conversation.item.retrieve', 'response.create', "
    "and 'response.cancel'"
)
"""The types of events, as the service lists them."""

MAX_AUDIO_TEXT: Final = 15 * 2**20 // 3 * 4
"""Characters of base64 in one event: 15 MiB of audio."""


class EventError(NamedTuple):
    """What the service says of a message that it does not accept."""

    message: str
    code: str
    param: str | None = None


BINARY: Final = EventError(
    "Expected a text WebSocket message; binary frames are not supported.", "invalid_event"
)
NO_AUDIO: Final = EventError("Invalid 'audio': expected base64.", "invalid_value", "audio")
NO_JSON: Final = EventError("Invalid event: failed to parse JSON value.", "invalid_json")


def missing(path: str) -> EventError:
    """Return what is wrong with an event without this field."""
    return EventError(f"Missing required parameter: '{path}'.", "missing_required_parameter", path)


def not_text(value: Json, path: str) -> EventError | None:
    """Return what is wrong with the value of a field that is a text or null."""
    return None if value is None or type(value) is str else wrong_type(value, path, "a string")


def wrong_type(value: Json, path: str, expected: str) -> EventError:
    """Return what is wrong with a value of another type than the expected one."""
    return EventError(wrong_type_message(value, path, expected), "invalid_type", path)


def item_error(item: dict[str, Json]) -> EventError | None:
    """Return what is wrong with a new item."""
    if text_of(item.get("type")) is None:
        return missing("item.type")
    return not_text(item.get("id"), "item.id")


def read_audio(audio: Json) -> Generator[ServeOthers, None, bytes | EventError]:
    """Return the audio of an event in base64, or what is wrong with it. Others are served between its slices.

    OpenAI's reference states the bound. The error is that of its other APIs for a long text.
    """
    if type(audio) is str and len(audio) > MAX_AUDIO_TEXT:
        message = too_long_message(audio, "audio", MAX_AUDIO_TEXT)
        return EventError(message, "string_above_max_length", "audio")
    data = yield from decode_in_slices(audio)
    return NO_AUDIO if data is None else data


def read_event(
    message: str | bytes, known: Collection[str]
) -> tuple[str, dict[str, Json], EventError | None]:
    """Return the type of an event, the event, and what is wrong with it. `known`: the types that are served."""
    if isinstance(message, bytes):
        return "", {}, BINARY
    try:
        event = object_of(loads(message.encode("utf-8", "replace")))
    except JSONDecodeError:
        return "", {}, NO_JSON
    kind = text_of(event.get("type")) or ""
    if kind in known:
        return kind, event, None
    shown = event.get("type")
    if shown is None:
        return kind, event, missing("type")
    text = f"Invalid value: '{shown}'. Supported values are: {SUPPORTED}."
    return kind, event, EventError(text, "invalid_value", "type")
