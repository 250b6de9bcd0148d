"""How long the audio of a realtime response lasts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockllm.core.json.codec import loads
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.dialects.audio import BYTES_PER_MS

AUDIO_DELTA: Final = "response.output_audio.delta"


def playback_ms(messages: Iterable[bytes], format: str) -> int:
    """Return the milliseconds that the audio of messages lasts. Four characters of base64 are three bytes."""
    size = 0
    for message in messages:
        event = object_of(loads(message))
        if event.get("type") == AUDIO_DELTA:
            size += len(text_of(event.get("delta")) or "") * 3 // 4
    return size // BYTES_PER_MS[format]
