"""Writes a chat completions request from a neutral one; the inverse of `request`."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Format, Tool, ToolChoice
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, tool_schema, without_empty
from mockllm.dialects.openai.model_families import DEFAULT_MODEL


def build_request(request: NeutralRequest) -> WireRequest:
    """Return the request. A streaming request includes usage, so that clients can report the token counts."""
    system = [] if request.system is None else [{"role": "system", "content": request.system}]
    body = {
        "model": request.model or DEFAULT_MODEL,
        **without_empty(
            {
                "tools": [_tool(tool) for tool in request.tools],
                "tool_choice": _choice(request.tool_choice),
                "response_format": _format(request.response_format),
                "stream": request.stream,
                "stream_options": {"include_usage": True} if request.stream else None,
                "max_completion_tokens": request.max_tokens,
                "stop": list(request.stop),
                "n": request.n,
            }
        ),
        "messages": system + request.turns,
    }
    key = {} if request.api_key is None else {"authorization": f"Bearer {request.api_key}"}
    return WireRequest("/v1/chat/completions", {"content-type": "application/json", **key}, body)


def _tool(tool: Tool) -> Json:
    return {
        "type": "function",
        "function": without_empty(
            {"name": tool.name, "description": tool.description, "parameters": tool_schema(tool)}
        ),
    }


def _choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return None
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.names[0]}}
    return "required" if choice.mode == "any" else choice.mode


def _format(format: Format | None) -> Json:
    if format is None:
        return None
    if format.kind == "schema":
        described = {"name": format.name or "answer", "schema": format.schema}
        return {"type": "json_schema", "json_schema": described}
    return {"type": "json_object" if format.kind == "json" else "text"}
