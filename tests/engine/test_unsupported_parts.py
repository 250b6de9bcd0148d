"""The notes on parts of a reply that a protocol has no form for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - reply: {tool_calls: [{name: look, arguments: {}}]}
"""


@pytest.mark.parametrize(
    ("path", "body", "call"),
    [
        ("/v1/completions", {"model": "m", "prompt": "Hi."}, "completions of openai"),
        ("/ollama/api/generate", {"model": "m", "prompt": "Hi.", "stream": False}, "generate of ollama"),
    ],
)
def test_note_names_tool_calls_that_are_left_out(path: str, body: Any, call: str) -> None:
    response = VirtualServer(RULES).respond(raw_request(path, body))
    (note,) = response.planned.notes
    assert note == (
        f"tool_calls left out: {call} has none; their tokens count in the usage and towards max_tokens"
    )


def test_sent_tool_calls_have_no_note() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi."}], "tools": []}
    response = VirtualServer(RULES).respond(raw_request("/v1/chat/completions", body))
    assert not [note for note in response.planned.notes if "left out" in note]


CHOICES = """
rules:
  - match: {user: varied}
    reply: {choices: ["one two {{ user }}", "four five six seven eight nine ten"]}
  - match: {user: alone}
    reply: {choices: [one two three]}
  - reply: {choices: [one two three, four five six seven eight nine ten]}
"""
OUTPUT = re.compile(rb'"(?:output_tokens|completion_tokens|eval_count)": ?(\d+)')
LEFT_OUT = "choices left out after the first: the call has one"


def output_tokens(response: ClientResponse) -> int:
    return int(OUTPUT.findall(response.bytes)[-1])


@pytest.mark.parametrize("user", ["hi", "varied"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/messages", "/api/chat", "/cohere/v2/chat", "/v1/responses"])
def test_other_choices_are_left_out_and_not_billed(path: str, user: str, *, stream: bool) -> None:
    messages = [{"role": "user", "content": user}]
    turns = {"input": user} if path == "/v1/responses" else {"messages": messages}
    server = VirtualServer(CHOICES)
    for _ in range(3):  # the last response comes from the response cache
        response = server.respond(
            raw_request(path, {"model": "m", "max_tokens": 50, "stream": stream, **turns})
        )
        assert [note for note in response.planned.notes if "left out" in note] == [LEFT_OUT]
        assert output_tokens(response) == 3


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_choices_that_a_call_has_get_no_note(path: str) -> None:
    user = "alone" if path == "/v1/messages" else "hi"
    body = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": user}]}
    server = VirtualServer(CHOICES)
    server.respond(raw_request("/v1/messages", {**body, "messages": [{"role": "user", "content": "hi"}]}))
    response = server.respond(raw_request(path, body))
    assert not [note for note in response.planned.notes if "left out" in note]
    assert output_tokens(response) == (3 if user == "alone" else 10)
