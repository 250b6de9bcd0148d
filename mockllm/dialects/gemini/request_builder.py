"""A generateContent request in Google's words, from neutral ones: the way back of `generate_request`."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Format, Tool, ToolChoice
from mockllm.dialects.gemini.model_families import DEFAULT_MODEL
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, tool_schema, without_empty

_ROLES: Final = {"assistant": "model"}


def build_request(wish: NeutralRequest, base: str) -> WireRequest:
    """`base` is what stands before `/models/` in the path. A stream is asked for as server-sent events."""
    config = without_empty(
        {
            "candidateCount": wish.n,
            "maxOutputTokens": wish.max_tokens,
            "stopSequences": list(wish.stop),
            **_format(wish.response_format),
        }
    )
    body = without_empty(
        {
            "systemInstruction": None if wish.system is None else {"parts": [{"text": wish.system}]},
            "tools": [{"functionDeclarations": [_tool(tool) for tool in wish.tools]}] if wish.tools else None,
            "toolConfig": _choice(wish.tool_choice),
            "generationConfig": config or None,
            "contents": [_content(turn) for turn in wish.turns],
        }
    )
    method = "streamGenerateContent?alt=sse" if wish.stream else "generateContent"
    key = {} if wish.api_key is None else {"x-goog-api-key": wish.api_key}
    path = f"{base}/models/{wish.model or DEFAULT_MODEL}:{method}"
    return WireRequest(path, {"content-type": "application/json", **key}, body)


def _content(turn: dict[str, Json]) -> Json:
    """A turn that has no parts is one of a role and its text."""
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


def _format(wanted: Format | None) -> dict[str, Json]:
    if wanted is None:
        return {}
    if wanted.kind == "text":
        return {"responseMimeType": "text/plain"}
    return {"responseMimeType": "application/json", "responseJsonSchema": wanted.schema}
