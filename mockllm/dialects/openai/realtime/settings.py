"""The settings of a realtime or transcription session, and their changes."""

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


TRANSCRIPTION: Final = "transcription"
"""The type of a session that has transcripts and no responses, and the `intent` in the query that begins one."""
SESSION_SECONDS: Final = 3600
"""How long a session lasts, as it says."""


def new_session(id: str, model: str, second: int, type: str = "realtime") -> dict[str, Json]:
    """Return the settings of a new session. The members are those of `RealtimeSessionCreateResponse` and
    `RealtimeTranscriptionSessionCreateResponse` of the openai package."""
    ends = second + SESSION_SECONDS
    if type == TRANSCRIPTION:
        audio = {"input": {**AUDIO["input"], "transcription": {"model": "gpt-4o-transcribe"}}}
        named = {"type": type, "object": "realtime.transcription_session", "id": id}
        return {**named, "expires_at": ends, "audio": audio, "include": None}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "You are a helpful assistant.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": ends,
        "audio": AUDIO,
        "include": None,
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
