"""OpenRouter's chat requests in OpenAI's form, which the check of a request knows. From recordings of 2026."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.dialects.vendors.request_edits import with_messages, with_texts_for, without_schemas

OWN_TOOLS: Final = "openrouter:"
"""The prefix of the types of tools that OpenRouter itself executes."""


def openai_request(body: dict[str, Json]) -> dict[str, Json]:
    """Return OpenAI's form of a request to OpenRouter: any schema, without its own tools, and videos as texts. Of the
    kinds of output only OpenAI's stay: the call itself checks them all."""
    result = without_schemas(body)
    if type(result.get("modalities")) is list:
        result["modalities"] = [word for word in result["modalities"] if word in ("text", "audio")]
    if type(result.get("tools")) is list:
        tools = [tool for tool in result["tools"] if not _is_own_tool(tool)]
        if result["tools"] and not tools:
            result = {name: value for name, value in result.items() if name not in ("tools", "tool_choice")}
        else:
            result["tools"] = tools
    return with_messages(result, lambda entry: with_texts_for(entry, ("video_url",)))


def _is_own_tool(tool: Json) -> bool:
    return (text_of(object_of(tool).get("type")) or "").startswith(OWN_TOOLS)
