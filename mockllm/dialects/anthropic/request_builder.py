"""A messages request, written in Anthropic's words from neutral ones: the way back of `messages_request`."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.schema import subschemas
from mockllm.core.request.request import Format, Tool, ToolChoice
from mockllm.dialects.anthropic.model_families import DEFAULT_MODEL
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, tool_schema, without_empty

VERSION: Final = "2023-06-01"
MAX_TOKENS: Final = 1024
"""What is asked for where nothing is said: this provider wants it said."""


def build_request(wish: NeutralRequest) -> WireRequest:
    body = {
        "model": wish.model or DEFAULT_MODEL,
        "max_tokens": MAX_TOKENS if wish.max_tokens is None else wish.max_tokens,
        **without_empty(
            {
                "system": wish.system,
                "tools": [_tool(tool) for tool in wish.tools],
                "tool_choice": _choice(wish.tool_choice),
                "output_config": _format(wish.response_format),
                "stream": wish.stream,
                "stop_sequences": list(wish.stop),
            }
        ),
        "messages": wish.turns,
    }
    key = {} if wish.api_key is None else {"x-api-key": wish.api_key}
    headers = {"content-type": "application/json", "anthropic-version": VERSION, **key}
    return WireRequest("/v1/messages", headers, body)


def _tool(tool: Tool) -> Json:
    return without_empty(
        {"name": tool.name, "description": tool.description, "input_schema": tool_schema(tool)}
    )


def _choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return None
    return {"type": "tool", "name": choice.names[0]} if choice.mode == "named" else {"type": choice.mode}


def _format(wanted: Format | None) -> Json:
    """Only a schema can be asked for."""
    if wanted is None or wanted.kind != "schema":
        return None
    return {"format": {"type": "json_schema", "schema": _closed(wanted.schema)}}


def _closed(schema: Json) -> Json:
    """The schema with its objects closed, as this provider's SDKs send it: others are refused."""
    made = loads(dumps(schema))
    for _, place in subschemas(made) if type(made) is dict else ():
        if place.get("type") == "object":
            place.setdefault("additionalProperties", False)
    return made
