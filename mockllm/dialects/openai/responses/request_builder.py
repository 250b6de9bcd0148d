"""A responses request, written in OpenAI's words from neutral ones: the way back of `request`."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Format, Tool, ToolChoice
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, parameters, said
from mockllm.dialects.openai.model_families import DEFAULT_MODEL


def build_request(wish: NeutralRequest) -> WireRequest:
    """This protocol has no word for `stop` and for several choices."""
    format = _format(wish.response_format)
    body = {
        "model": wish.model or DEFAULT_MODEL,
        "input": wish.turns,
        **said(
            {
                "instructions": wish.system,
                "tools": [_tool(tool) for tool in wish.tools],
                "tool_choice": _choice(wish.tool_choice),
                "text": None if format is None else {"format": format},
                "stream": wish.stream,
                "max_output_tokens": wish.max_tokens,
            }
        ),
    }
    key = {} if wish.api_key is None else {"authorization": f"Bearer {wish.api_key}"}
    return WireRequest("/v1/responses", {"content-type": "application/json", **key}, body)


def _tool(tool: Tool) -> Json:
    described = {"name": tool.name, "description": tool.description, "parameters": parameters(tool)}
    return {"type": "function", **said(described), "strict": False}


def _choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return None
    if choice.mode == "named":
        return {"type": "function", "name": choice.names[0]}
    return "required" if choice.mode == "any" else choice.mode


def _format(wanted: Format | None) -> Json:
    if wanted is None:
        return None
    if wanted.kind == "schema":
        return {"type": "json_schema", "name": wanted.name or "answer", "schema": wanted.schema}
    return {"type": "json_object" if wanted.kind == "json" else "text"}
