"""The transcript of an item of the user: its events, or the event of one that failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, read_object
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep, Plan

TRANSCRIBED: Final = "conversation.item.input_audio_transcription"
"""The events of a transcript, before their last part."""
ERROR_FIELDS: Final = ("type", "code", "message", "param")
"""What `ConversationItemInputAudioTranscriptionFailedEvent` of the openai package has of an error."""
_WORD: Final = re.compile(r"\s*\S+")


def transcript_of(plan: Plan) -> str | None:
    """Return the words of a response to a request for a transcript; None where it is an error."""
    return None if plan.head.status >= 400 else sent_bytes(plan).decode("utf-8", "replace")


def transcript_steps(
    plan: Plan, id: str, payload: Callable[[str, dict[str, Json]], bytes], *, by_word: bool
) -> Iterator[EventStep]:
    """Yield the events of a transcript of the item with this id. `payload` writes an event with a new id."""
    place: dict[str, Json] = {"item_id": id, "content_index": 0}
    transcript = transcript_of(plan)
    if transcript is None:
        error = object_of(read_object(sent_bytes(plan)).get("error"))
        details = {name: error.get(name) for name in ERROR_FIELDS}
        yield EventStep(payload(f"{TRANSCRIBED}.failed", {**place, "error": details}), 0, "error")
        return
    for number, word in enumerate(_WORD.findall(transcript) if by_word else (), 1):
        yield EventStep(payload(f"{TRANSCRIBED}.delta", {**place, "delta": word}), number, "chunk")
    usage = {"type": "duration", "seconds": 1.0}
    members = {**place, "transcript": transcript, "usage": usage}
    yield EventStep(payload(f"{TRANSCRIBED}.completed", members), 0, "body")
