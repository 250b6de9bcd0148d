"""Mistral's chat requests in OpenAI's form, which the check of a request knows. From recordings of 2026."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.dialects.vendors.request_edits import with_messages, with_texts_for, without_schemas

OWN_PARTS: Final = ("document_url", "reference", "thinking", "file", "audio_url", "input_audio")
"""Parts of a message that OpenAI has in another form, or not at all."""


def openai_request(body: dict[str, Json]) -> dict[str, Json]:
    """Return OpenAI's form of a request to Mistral. It accepts any schema, and a tool choice `any`. Tools and calls
    need no type. A list of calls may be empty, and an image a bare URL."""
    result = without_schemas(body)
    if result.get("tool_choice") == "any":
        result["tool_choice"] = "required"
    if type(result.get("tools")) is list:
        result["tools"] = [_typed(tool) for tool in result["tools"]]
    return with_messages(result, _message)


def _typed(value: Json) -> Json:
    """Return a tool or a call with its type."""
    return {**value, "type": value.get("type") or "function"} if type(value) is dict else value


def _message(entry: dict[str, Json]) -> dict[str, Json]:
    calls = entry.get("tool_calls")
    if type(calls) is list:
        entry = {**entry, "tool_calls": [_typed(call) for call in calls] or None}
    content = entry.get("content")
    if type(content) is list:
        entry = {**entry, "content": [_part(part) for part in content]}
    return with_texts_for(entry, OWN_PARTS)


def _part(part: Json) -> Json:
    url = object_of(part).get("image_url")
    return {**part, "image_url": {"url": url}} if type(url) is str else part
