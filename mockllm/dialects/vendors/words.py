"""What vendors' clients say that OpenAI would refuse, put in OpenAI's words.

Only the check sees these: rules, journals and readers see what was sent.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json import Json

MISTRALS_PARTS: Final = ("document_url", "reference", "thinking", "file", "audio_url", "input_audio")
"""Parts of a message that OpenAI has in another form, or not at all."""


def mistrals(body: dict[str, Json]) -> dict[str, Json]:
    """Mistral: a tool choice `any`, images by their bare address, and parts of its own."""
    made = dict(body)
    if made.get("tool_choice") == "any":
        made["tool_choice"] = "required"
    messages = made.get("messages")
    if type(messages) is list:
        made["messages"] = [_message(entry) for entry in messages]
    return made


def _message(entry: Json) -> Json:
    content = entry.get("content") if type(entry) is dict else None
    if type(content) is not list:
        return entry
    return {**entry, "content": [_part(part) for part in content]}


def _part(part: Json) -> Json:
    if type(part) is not dict:
        return part
    if part.get("type") == "image_url" and type(part.get("image_url")) is str:
        return {**part, "image_url": {"url": part["image_url"]}}
    return {"type": "text", "text": ""} if part.get("type") in MISTRALS_PARTS else part
