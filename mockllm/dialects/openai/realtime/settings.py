"""The settings of a realtime or transcription session, and their changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.dialects.audio import DEFAULT_THRESHOLD, VoiceDetector
from mockllm.dialects.openai.realtime.client_events import EventError, missing, not_text, wrong_type
from mockllm.dialects.openai.realtime.conversation import readable

VAD: Final[dict[str, Json]] = {
    "type": "server_vad",
    "threshold": DEFAULT_THRESHOLD,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
DETECTIONS: Final[Mapping[str, dict[str, Json]]] = {
    "server_vad": VAD,
    "semantic_vad": {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    },
}
"""The kinds of turn detection with their defaults (`RealtimeAudioInputTurnDetection` of the openai package)."""
BOTH_MODALITIES: Final = (["text", "audio"], ["audio", "text"])
DETECTION_TYPE: Final = "session.audio.input.turn_detection.type"
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
    """Return settings with changes, which may be deep inside. Turn detection is replaced, with its defaults."""
    result = dict(value)
    for name, change in changes.items():
        before = result.get(name)
        if name == "turn_detection" and type(change) is dict:
            result[name] = {**DETECTIONS.get(text_of(change.get("type")) or "", VAD), **change}
        elif isinstance(before, dict) and isinstance(change, dict):
            result[name] = merged(before, change)
        else:
            result[name] = change
    return result


def update_error(event: dict[str, Json], type: Json) -> EventError | None:
    """Return what is wrong with a client's change of the settings of a session of this type."""
    if "session" not in event:
        return missing("session")
    changes = event["session"]
    if not isinstance(changes, dict):
        return wrong_type(changes, "session", "an object")
    return modalities_error(changes, "session") or _settings_error(changes, type)


def modalities_error(settings: dict[str, Json], path: str) -> EventError | None:
    """Return what is wrong with settings that request both text and audio. The message is that of public reports."""
    modalities = settings.get("output_modalities")
    if modalities not in BOTH_MODALITIES:
        return None
    message = f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and ['audio']."
    return EventError(message, "invalid_value", f"{path}.output_modalities")


def _settings_error(changes: dict[str, Json], type: Json) -> EventError | None:
    """Return what is wrong with changes of the settings of a session of this type. A transcription session stays one,
    a format has a name, that of PCM a rate, and the kind of turn detection is known. The refusal of a format without
    a rate is the service's (https://github.com/openai/openai-openapi/issues/513)."""
    if type == TRANSCRIPTION and changes.get("type", TRANSCRIPTION) != TRANSCRIPTION:
        message = "Passing a realtime session update event to a transcription session is not allowed."
        return EventError(message, "invalid_value", "session.type")
    audio = object_of(changes.get("audio"))
    for side in ("input", "output"):
        format, path = object_of(object_of(audio.get(side)).get("format")), f"session.audio.{side}.format"
        if (error := not_text(format.get("type"), f"{path}.type")) is not None:
            return error
        if format.get("type") == "audio/pcm" and format.get("rate") is None:
            return missing(f"{path}.rate")
    kind = object_of(object_of(audio.get("input")).get("turn_detection")).get("type")
    if kind is None or text_of(kind) in DETECTIONS:
        return None
    message = f"Invalid value: '{kind}'. Supported values are: 'server_vad' and 'semantic_vad'."
    return EventError(message, "invalid_value", DETECTION_TYPE)


def set_detector(detector: VoiceDetector, detection: dict[str, Json]) -> None:
    """Set how speech is found. Semantic VAD has none of these settings, and uses the defaults."""
    detector.silence_ms = _milliseconds(detection.get("silence_duration_ms"), 500)
    detector.padding_ms = _milliseconds(detection.get("prefix_padding_ms"), 300)
    threshold = detection.get("threshold")
    detector.threshold, detector.idle_at = DEFAULT_THRESHOLD, None
    if isinstance(threshold, int | float):
        detector.threshold = min(1.0, max(0.0, threshold))


def idle_timeout(detection: dict[str, Json]) -> int | None:
    """Return the milliseconds of silence after a response that make a response. None: no silence does. Semantic VAD
    has no such timeout."""
    timeout = detection.get("idle_timeout_ms")
    served = detection.get("type") == "server_vad" and type(timeout) is int and timeout > 0
    return timeout if served else None


def response_body(
    settings: dict[str, Json], session: dict[str, Json], items: Iterable[dict[str, Json]]
) -> dict[str, Json]:
    """Return the body of a request for a response: its own settings, otherwise those of the session. The member
    `realtime` has what other protocols do not have."""
    output = object_of(object_of(settings.get("audio")).get("output"))
    limit = settings.get("max_output_tokens") or session["max_output_tokens"]
    return {
        "model": session["model"],
        "instructions": settings.get("instructions") or session["instructions"],
        "input": [readable(item) for item in items],
        "tools": settings.get("tools") or session["tools"],
        "tool_choice": settings.get("tool_choice") or session["tool_choice"],
        "max_output_tokens": limit if type(limit) is int else None,
        "realtime": {
            "output_modalities": settings.get("output_modalities") or session["output_modalities"],
            "voice": output.get("voice") or object_of(object_of(session["audio"]).get("output")).get("voice"),
            "metadata": settings.get("metadata"),
        },
    }


def _milliseconds(value: Json, default: int) -> int:
    return value if type(value) is int and value >= 0 else default
