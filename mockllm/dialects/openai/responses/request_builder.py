"""Writes a responses request from a neutral one; the inverse of `request`."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Format, Tool, ToolChoice
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, tool_schema, without_empty
from mockllm.dialects.openai.model_families import DEFAULT_MODEL


def build_request(request: NeutralRequest) -> WireRequest:
    """Return the request; this protocol has no `stop` and no number of choices."""
    format = _format(request.response_format)
    body = {
        "model": request.model or DEFAULT_MODEL,
        "input": request.turns,
        **without_empty(
            {
                "instructions": request.system,
                "tools": [_tool(tool) for tool in request.tools],
                "tool_choice": _choice(request.tool_choice),
                "text": None if format is None else {"format": format},
                "stream": request.stream,
                "max_output_tokens": request.max_tokens,
            }
        ),
    }
    key = {} if request.api_key is None else {"authorization": f"Bearer {request.api_key}"}
    return WireRequest("/v1/responses", {"content-type": "application/json", **key}, body)


def _tool(tool: Tool) -> Json:
    described = {"name": tool.name, "description": tool.description, "parameters": tool_schema(tool)}
    return {"type": "function", **without_empty(described), "strict": False}


def _choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return None
    if choice.mode == "named":
        return {"type": "function", "name": choice.names[0]}
    return "required" if choice.mode == "any" else choice.mode


def _format(format: Format | None) -> Json:
    if format is None:
        return None
    if format.kind == "schema":
        return {"type": "json_schema", "name": format.name or "answer", "schema": format.schema}
    return {"type": "json_object" if format.kind == "json" else "text"}
