"""Thinking that a protocol has no form for: it is left out with a note, and its tokens count."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import respond_once
from tests.wire_events import wire_events

NOTE = "thinking left out: {} has none; its tokens count in the usage and towards max_tokens"
REPLY = {"reply": {"thinking": "Let me see, said the oracle.", "text": "Yes."}}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("openai-chat", "chat of openai"),
        ("openai-completions", "completions of openai"),
        ("gemini-compatible_chat", "chat of gemini"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_thinking_without_form_is_noted(call: str, name: str, stream: bool) -> None:
    found = wire_events(call, REPLY, stream=stream)
    assert found.notes == NOTE.format(name)
    assert b"oracle" not in found.body


@pytest.mark.parametrize(
    "call", ["anthropic-messages", "groq-chat", "mistral-chat", "cohere-chat", "openai-responses"]
)
def test_thinking_with_form_is_not_noted(call: str) -> None:
    assert wire_events(call, REPLY).notes == ""


def test_reply_without_thinking_is_not_noted() -> None:
    assert wire_events("openai-chat", {"reply": "Yes."}).notes == ""


def test_tokens_of_left_out_thinking_count() -> None:
    """In the usage, and for the rule's limit of the output."""
    counted = respond_once("rules: [{reply: {thinking: Let me see. Or not., text: Yes.}}]").json["usage"]
    assert counted["completion_tokens"] > counted["completion_tokens_details"]["reasoning_tokens"] > 0
