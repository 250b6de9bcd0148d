"""OpenAI's form of vendor requests that OpenAI would refuse.

Only the check uses this form; rules, journals and readers get the request as it was sent.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.request_helpers import object_of

MISTRAL_PARTS: Final = ("document_url", "reference", "thinking", "file", "audio_url", "input_audio")
"""Parts of a message that OpenAI has in another form, or not at all."""


SCHEMA_MEMBERS: Final = ("parameters", "schema", "strict")


def without_schemas(body: dict[str, Json]) -> dict[str, Json]:
    """Return the request without its schemas, for vendors that accept any schema."""
    result = dict(body)
    if type(result.get("tools")) is list:
        result["tools"] = [_without_schema(tool, "function") for tool in result["tools"]]
    if result.get("response_format") is not None:
        result["response_format"] = _without_schema(result["response_format"], "json_schema")
    return result


def _without_schema(value: Json, name: str) -> Json:
    """Return the object without the schema of the member `name`."""
    member = object_of(value).get(name)
    if type(member) is not dict:
        return value
    return {**value, name: {key: value for key, value in member.items() if key not in SCHEMA_MEMBERS}}


def mistral(body: dict[str, Json]) -> dict[str, Json]:
    """Normalize a request to Mistral: any schema, a tool choice `any`, images by their bare URL, and
    Mistral's own parts."""
    result = without_schemas(body)
    if result.get("tool_choice") == "any":
        result["tool_choice"] = "required"
    messages = result.get("messages")
    if type(messages) is list:
        result["messages"] = [_message(entry) for entry in messages]
    return result


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
    return {"type": "text", "text": ""} if part.get("type") in MISTRAL_PARTS else part
