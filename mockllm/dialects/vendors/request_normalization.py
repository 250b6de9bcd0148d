"""What vendors' clients say that OpenAI would refuse, put in OpenAI's words.

Only the check sees these: rules, journals and readers see what was sent.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.request_helpers import object_of

MISTRALS_PARTS: Final = ("document_url", "reference", "thinking", "file", "audio_url", "input_audio")
"""Parts of a message that OpenAI has in another form, or not at all."""


SCHEMAS: Final = ("parameters", "schema", "strict")


def any_schema(body: dict[str, Json]) -> dict[str, Json]:
    """Who takes any schema: without those of the request."""
    made = dict(body)
    if type(made.get("tools")) is list:
        made["tools"] = [_without_schema(tool, "function") for tool in made["tools"]]
    if made.get("response_format") is not None:
        made["response_format"] = _without_schema(made["response_format"], "json_schema")
    return made


def _without_schema(said: Json, name: str) -> Json:
    """What a member of this name describes, but for its schema."""
    held = object_of(said).get(name)
    if type(held) is not dict:
        return said
    return {**said, name: {key: value for key, value in held.items() if key not in SCHEMAS}}


def mistrals(body: dict[str, Json]) -> dict[str, Json]:
    """Mistral: any schema, a tool choice `any`, images by their bare address, and parts of its own."""
    made = any_schema(body)
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
