"""Writes a messages request from a neutral one; the inverse of `messages_request`."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.schema import subschemas
from mockllm.core.request.request import Format, Tool, ToolChoice
from mockllm.dialects.anthropic.models import DEFAULT_MODEL
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, tool_schema, without_empty

VERSION: Final = "2023-06-01"
MAX_TOKENS: Final = 1024
"""The default of `max_tokens`, which this provider requires."""


def build_request(request: NeutralRequest) -> WireRequest:
    body = {
        "model": request.model or DEFAULT_MODEL,
        "max_tokens": MAX_TOKENS if request.max_tokens is None else request.max_tokens,
        **without_empty(
            {
                "system": request.system,
                "tools": [_tool(tool) for tool in request.tools],
                "tool_choice": _choice(request.tool_choice),
                "output_config": _format(request.response_format),
                "stream": request.stream,
                "stop_sequences": list(request.stop),
            }
        ),
        "messages": request.turns,
    }
    key = {} if request.api_key is None else {"x-api-key": request.api_key}
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


def _format(format_: Format | None) -> Json:
    """Return the format; this provider only has schemas."""
    if format_ is None or format_.kind != "schema":
        return None
    return {"format": {"type": "json_schema", "schema": _with_closed_objects(format_.schema)}}


def _with_closed_objects(schema: Json) -> Json:
    """Return the schema with closed objects, as this provider's SDKs send it; open objects are refused."""
    closed = loads(dumps(schema))
    for _, subschema in subschemas(closed) if type(closed) is dict else ():
        if subschema.get("type") == "object":
            subschema.setdefault("additionalProperties", False)
    return closed
