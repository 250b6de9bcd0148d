"""The audio settings of a realtime session, and their changes."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json

VAD: Final[dict[str, Json]] = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
AUDIO: Final[dict[str, Json]] = {
    "input": {
        "format": {"type": "audio/pcm", "rate": 24000},
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": VAD,
    },
    "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0},
}


def merged(value: dict[str, Json], changes: dict[str, Json]) -> dict[str, Json]:
    """Return settings with changes, which may be deep inside."""
    result = dict(value)
    for name, change in changes.items():
        before = result.get(name)
        if isinstance(before, dict) and isinstance(change, dict) and name != "turn_detection":
            result[name] = merged(before, change)
        else:
            result[name] = change
    return result
