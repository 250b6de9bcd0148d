"""Writes requests of OpenAI's protocols from neutral ones; the inverse of each protocol's `request`."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, tool_schema, without_empty
from mockllm.dialects.openai.model_families import DEFAULT_MODEL


def build_chat(request: NeutralRequest) -> WireRequest:
    """Return a chat completions request. A streaming request includes usage, so that clients can report the token
    counts."""
    system = [] if request.system is None else [{"role": "system", "content": request.system}]
    tools = [{"type": "function", "function": _function(tool)} for tool in request.tools]
    choice = _tool_choice(request.tool_choice)
    format = _format(request.response_format)
    if format is not None and format["type"] == "json_schema":
        format = {"type": format.pop("type"), "json_schema": format}
    settings = {
        "tools": tools,
        "tool_choice": {"type": "function", "function": choice} if isinstance(choice, dict) else choice,
        "response_format": format,
        **_stream(request),
        "max_completion_tokens": request.max_tokens,
        "stop": list(request.stop),
        "n": request.n,
    }
    body = {"model": request.model or DEFAULT_MODEL, **without_empty(settings)}
    return WireRequest(
        "/v1/chat/completions", request.headers(), {**body, "messages": system + request.turns}
    )


def build_responses(request: NeutralRequest) -> WireRequest:
    """Return a request of the responses protocol, which has no `stop` and no number of choices."""
    tools = [{"type": "function", **_function(tool), "strict": False} for tool in request.tools]
    choice = _tool_choice(request.tool_choice)
    format = _format(request.response_format)
    settings = {
        "instructions": request.system,
        "tools": tools,
        "tool_choice": {"type": "function", **choice} if isinstance(choice, dict) else choice,
        "text": None if format is None else {"format": format},
        "stream": request.stream,
        "max_output_tokens": request.max_tokens,
    }
    body = {"model": request.model or DEFAULT_MODEL, "input": request.turns, **without_empty(settings)}
    return WireRequest("/v1/responses", request.headers(), body)


def build_completions(request: NeutralRequest, default_model: str) -> WireRequest:
    """Return a legacy request with a prompt; the protocol has no system text, tools and response formats."""
    settings = {
        **_stream(request),
        "max_tokens": request.max_tokens,
        "stop": list(request.stop),
        "n": request.n,
    }
    body = {"model": request.model or default_model, "prompt": request.user, **without_empty(settings)}
    return WireRequest("/v1/completions", request.headers(), body)


def _stream(request: NeutralRequest) -> dict[str, Json]:
    return {"stream": request.stream, "stream_options": {"include_usage": True} if request.stream else None}


def _function(tool: Tool) -> dict[str, Json]:
    described = {"name": tool.name, "description": tool.description, "parameters": tool_schema(tool)}
    return without_empty(described)


def _tool_choice(choice: ToolChoice | None) -> Json:
    """Return a word, or the name of the tool to call."""
    if choice is None:
        return None
    if choice.mode == "named":
        return {"name": choice.names[0]}
    return "required" if choice.mode == "any" else choice.mode


def _format(format: Format | None) -> dict[str, Json] | None:
    """Return the format as the responses protocol has it."""
    if format is None:
        return None
    if format.kind == "schema":
        return {"type": "json_schema", "name": format.name or "answer", "schema": format.schema}
    return {"type": "json_object" if format.kind == "json" else "text"}
