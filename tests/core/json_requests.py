"""Requests with a plain JSON body, for tests of matching and templates."""

from __future__ import annotations

import json
from typing import Any

from mockllm.core.json.codec import Json
from mockllm.core.lazy import lazy
from mockllm.core.request.messages import MediaPart, Part, ResultPart
from mockllm.core.request.request import Message, Request, TextPart, Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice


class JsonRequest(Request):
    """A request whose `messages` are pairs of role and text. A list of texts is a list of tool results."""

    dialect = "openai"
    api = "chat"
    generates = True

    @lazy
    def model(self) -> str | None:
        model = self.fields.get("model")
        return model if isinstance(model, str) else None

    @lazy
    def stream(self) -> bool:
        return self.fields.get("stream") is True

    @lazy
    def messages(self) -> tuple[Message, ...]:
        return tuple(Message(role, _parts(role, text)) for role, text in self.fields.get("messages") or ())

    @lazy
    def tools(self) -> tuple[Tool, ...]:
        return tuple(Tool(name) for name in self.fields.get("tools") or ())

    @lazy
    def tool_choice(self) -> ToolChoice:
        names = self.fields.get("tool_choice")
        return ToolChoice("named", tuple(names)) if names else ToolChoice()

    @lazy
    def response_format(self) -> Format:
        name = self.fields.get("schema_name")
        return Format("schema", name) if name else Format()


def _parts(role: str, text: Json) -> tuple[Part, ...]:
    if text is None:
        return (MediaPart("image"),)
    if role == "tool":
        return tuple(ResultPart(f"id-{each}", "get_weather", each) for each in text)
    return (TextPart(text),)


def json_request(
    body: Json = None,
    *,
    raw: bytes | None = None,
    headers: dict[str, str] | None = None,
    **rest: Any,
) -> JsonRequest:
    """Return a POST to /v1/chat/completions with the body as JSON (or `raw` bytes)."""
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    facts = {"method": "POST", "path": "/v1/chat/completions", "provider": "openai", **rest}
    return JsonRequest(headers=headers or {}, raw=content, **facts)
