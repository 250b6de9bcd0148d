"""`error_event` with `after: {events: N}`: the first N events of the stream, then the error once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.language.virtual_server import VirtualServer, raw_request, respond_once

MESSAGES = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def events(path: str, body: dict[str, Any], setting: str = "", chunks: str = "[a, b]") -> list[str]:
    response = respond_once(
        f"rules: [{{reply: {{chunks: {chunks}}}{setting}}}]", raw_request(path, {**body, "stream": True})
    )
    return re.findall(r"(?m)^event: (.*)$", response.bytes.decode())


@pytest.mark.parametrize(
    ("path", "body", "opening", "failing"),
    [
        ("/v1/messages", MESSAGES, 3, ["error"]),
        ("/v1/responses", {"model": "gpt-4o", "input": "hi"}, 4, ["error", "response.failed"]),
    ],
)
def test_error_follows_each_event_of_the_opening(
    path: str, body: dict[str, Any], opening: int, failing: list[str]
) -> None:
    usual = events(path, body)
    for count in range(opening + 1):
        setting = f", faults: [{{error_event: {{after: {{events: {count}}}}}}}]"
        assert events(path, body, setting) == [*usual[:count], *failing]


def test_error_comes_once_in_a_stream_without_chunks() -> None:
    setting = ", faults: [{error_event: {after: {events: 2}}}]"
    assert events("/v1/messages", MESSAGES, setting, chunks="[]") == ["message_start", "error"]


@pytest.mark.parametrize("count", [1, 3])
def test_scripted_error_of_a_stream_is_noted(count: int) -> None:
    """Also where the response cache has the response."""
    server = VirtualServer("rules: [{reply: {chunks: [Hel, {error: overloaded}]}}]")
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    for _ in range(count):
        streamed = server.respond(raw_request("/v1/chat/completions", {**body, "stream": True}))
    whole = server.respond(raw_request("/v1/chat/completions", body))
    assert streamed.planned.notes == ("an error ends the stream: overloaded",)
    assert (whole.status, whole.planned.notes) == (503, ())
