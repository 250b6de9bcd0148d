"""Mistral's changes to OpenAI's objects: embeddings, and models with their capabilities."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json


def edit_embeddings(payload: dict[str, Json]) -> None:
    payload["id"] = "0055944ccb01401f872b6d65d250760b"
    payload["usage"]["completion_tokens"] = 0
    payload["usage"] |= dict.fromkeys(
        (
            "prompt_audio_seconds",
            "request_count",
            "prompt_tokens_details",
            "completion_tokens_details",
            "service_tier",
            "prompt_token_details",
        )
    )


CAPABILITIES: Final = {
    "codestral": ("completion_chat", "completion_fim", "function_calling"),
    "mistral-embed": (),
    "codestral-embed": (),
    "mistral-moderation": ("moderation",),
    "mistral-ocr": ("ocr", "vision"),
    "magistral": ("completion_chat", "function_calling", "reasoning", "vision"),
    "voxtral": ("completion_chat", "audio", "audio_transcription"),
}
"""The capabilities of a model, by the beginning of its name; the longest beginning counts."""
CHAT_CAPABILITIES: Final = ("completion_chat", "function_calling", "vision")
ALL_CAPABILITIES: Final = (
    "completion_chat", "function_calling", "reasoning", "completion_fim", "fine_tuning", "vision", "ocr",
    "classification", "moderation", "audio", "audio_transcription",
)  # fmt: skip


def edit_model(payload: dict[str, Json]) -> None:
    """Add the model's type and capabilities: Mistral's SDK distinguishes models by their type and requires
    capabilities (`ModelCapabilities`, mistralai 3.7)."""
    starts = [start for start in CAPABILITIES if payload["id"].startswith(start)]
    able = CAPABILITIES[max(starts, key=len)] if starts else CHAT_CAPABILITIES
    payload |= {
        "owned_by": "mistralai",
        "capabilities": {name: name in able for name in ALL_CAPABILITIES},
        "name": payload["id"],
        "description": None,
        "max_context_length": 131072,
        "aliases": [],
        "deprecation": None,
        "default_model_temperature": 0.3,
        "type": "base",
    }
