"""Requests with a plain JSON body, for tests of matching and templates."""

from __future__ import annotations

import json
from typing import Any

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.request.messages import MediaPart, MessagePart, ResultPart
from mockllm.core.request.request import Message, Request, TextPart, Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice


class JsonRequest(Request):
    """A request whose `messages` are pairs of role and text. A list of texts is a list of tool results."""

    dialect = "openai"
    api = "chat"
    generates = True

    @cached_property
    def model(self) -> str | None:
        model = self.fields.get("model")
        return model if isinstance(model, str) else None

    @cached_property
    def stream(self) -> bool:
        return self.fields.get("stream") is True

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return tuple(Message(role, _parts(role, text)) for role, text in self.fields.get("messages") or ())

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(Tool(name) for name in self.fields.get("tools") or ())

    @cached_property
    def tool_choice(self) -> ToolChoice:
        names = self.fields.get("tool_choice")
        return ToolChoice("named", tuple(names)) if names else ToolChoice()

    @cached_property
    def response_format(self) -> Format:
        name = self.fields.get("schema_name")
        return Format("schema", name) if name else Format()


def _parts(role: str, text: Json) -> tuple[MessagePart, ...]:
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
    fields = {"method": "POST", "path": "/v1/chat/completions", "provider": "openai", **rest}
    return JsonRequest(headers=headers or {}, raw=content, **fields)
