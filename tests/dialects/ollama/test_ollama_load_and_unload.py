"""Requests that load a model or unload it: they have no messages, or no prompt."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import raw_request, respond_once

RULES = "rules: [{reply: hello}]"
CHAT: dict[str, Any] = {"message": {"role": "assistant", "content": ""}}
GENERATE: dict[str, Any] = {"response": ""}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("path", "body", "content", "reason"),
    [
        ("/api/chat", {"messages": []}, CHAT, "load"),
        ("/api/chat", {"messages": [], "keep_alive": "5m"}, CHAT, "load"),
        ("/api/chat", {"messages": [], "keep_alive": 0}, CHAT, "unload"),
        ("/api/generate", {}, GENERATE, "load"),
        ("/api/generate", {"prompt": "", "keep_alive": "0s"}, GENERATE, "unload"),
    ],
)
def test_request_without_content_loads_the_model(
    path: str, body: dict[str, Any], content: dict[str, Any], reason: str, stream: bool
) -> None:
    response = respond_once(RULES, raw_request(path, {"model": "llama3.2", "stream": stream, **body}))
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    shown = response.json
    assert shown.pop("created_at")
    assert shown == {"model": "llama3.2", **content, "done": True, "done_reason": reason}


def test_request_with_content_and_keep_alive_is_a_reply() -> None:
    body = {"model": "m", "prompt": "hi", "keep_alive": 0, "stream": False}
    assert respond_once(RULES, raw_request("/api/generate", body)).json["response"] == "hello"


def test_error_of_a_rule_is_the_response_to_a_load() -> None:
    response = respond_once("rules: [{error: model_not_found}]", raw_request("/api/generate", {"model": "m"}))
    assert response.status == 404
