"""The notes on parts of a reply that a protocol has no form for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import VirtualServer, raw_request

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
