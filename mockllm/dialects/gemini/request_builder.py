"""Writes a generateContent request from a neutral one; the inverse of `generate_request`."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.gemini.generate_request import DEFAULT_MODEL
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, tool_schema, without_empty

_ROLES: Final = {"assistant": "model"}


def build_request(request: NeutralRequest, base: str) -> WireRequest:
    """Return the request; `base` is the path before `/models/`. A streaming request selects server-sent events."""
    config = without_empty(
        {
            "candidateCount": request.n,
            "maxOutputTokens": request.max_tokens,
            "stopSequences": list(request.stop),
            **_format(request.response_format),
        }
    )
    body = without_empty(
        {
            "systemInstruction": None if request.system is None else {"parts": [{"text": request.system}]},
            "tools": [{"functionDeclarations": [_tool(tool) for tool in request.tools]}]
            if request.tools
            else None,
            "toolConfig": _choice(request.tool_choice),
            "generationConfig": config or None,
            "contents": [_content(turn) for turn in request.turns],
        }
    )
    method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
    path = f"{base}/models/{request.model or DEFAULT_MODEL}:{method}"
    return WireRequest(path, request.headers("x-goog-api-key"), body)


def _content(turn: dict[str, Json]) -> Json:
    """Return a turn; a turn without parts has a role and a text."""
    if "parts" in turn:
        return turn
    role = turn.get("role")
    return {"role": _ROLES.get(role, role), "parts": [{"text": turn.get("content")}]}  # type: ignore[arg-type]


def _tool(tool: Tool) -> Json:
    return without_empty(
        {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool_schema(tool)}
    )


def _choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return None
    mode = "ANY" if choice.mode == "named" else choice.mode.upper()
    config = without_empty({"mode": mode, "allowedFunctionNames": list(choice.names)})
    return {"functionCallingConfig": config}


def _format(format_: Format | None) -> dict[str, Json]:
    if format_ is None:
        return {}
    if format_.kind == "text":
        return {"responseMimeType": "text/plain"}
    return {"responseMimeType": "application/json", "responseJsonSchema": format_.schema}
