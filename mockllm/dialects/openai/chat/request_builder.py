"""A chat completions request, written in OpenAI's words from neutral ones: the way back of `request`."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Format, Tool, ToolChoice
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, parameters, said
from mockllm.dialects.openai.model_families import DEFAULT_MODEL


def build_request(wish: NeutralRequest) -> WireRequest:
    """A stream is asked for with its usage, so that what it counted can be told."""
    system = [] if wish.system is None else [{"role": "system", "content": wish.system}]
    body = {
        "model": wish.model or DEFAULT_MODEL,
        **said(
            {
                "tools": [_tool(tool) for tool in wish.tools],
                "tool_choice": _choice(wish.tool_choice),
                "response_format": _format(wish.response_format),
                "stream": wish.stream,
                "stream_options": {"include_usage": True} if wish.stream else None,
                "max_completion_tokens": wish.max_tokens,
                "stop": list(wish.stop),
                "n": wish.n,
            }
        ),
        "messages": system + wish.turns,
    }
    key = {} if wish.api_key is None else {"authorization": f"Bearer {wish.api_key}"}
    return WireRequest("/v1/chat/completions", {"content-type": "application/json", **key}, body)


def _tool(tool: Tool) -> Json:
    return {
        "type": "function",
        "function": said(
            {"name": tool.name, "description": tool.description, "parameters": parameters(tool)}
        ),
    }


def _choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return None
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.names[0]}}
    return "required" if choice.mode == "any" else choice.mode


def _format(wanted: Format | None) -> Json:
    if wanted is None:
        return None
    if wanted.kind == "schema":
        described = {"name": wanted.name or "answer", "schema": wanted.schema}
        return {"type": "json_schema", "json_schema": described}
    return {"type": "json_object" if wanted.kind == "json" else "text"}
