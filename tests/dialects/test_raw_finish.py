"""`finish_reason: {raw: …}` in every protocol: a word that no table has, streamed and whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wire_events import PROTOCOLS, wire_events

PLACES = {
    "openai-chat": "choices.0.finish_reason",
    "openai-completions": "choices.0.finish_reason",
    "openai-responses": "response.incomplete_details.reason",
    "anthropic-messages": "delta.stop_reason",
    "gemini-generate": "candidates.0.finishReason",
    "bedrock-converse": "stopReason",
    "bedrock-invoke": "delta.stop_reason",
    "ollama-native_chat": "done_reason",
    "cohere-chat": "delta.finish_reason",
    "groq-chat": "choices.0.finish_reason",
}
RAW: dict[str, Any] = {"text": "one", "finish_reason": {"raw": "UNEXPECTED"}}


@pytest.mark.parametrize("call", [*PROTOCOLS, "groq-chat"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_raw_finish_reason_is_sent_unchanged(call: str, stream: bool) -> None:
    found = wire_events(call, {"reply": RAW}, stream=stream)
    path = PLACES[call] if stream else PLACES[call].removeprefix("delta.").removeprefix("response.")
    assert found.column(path)[-1] == "UNEXPECTED"


@pytest.mark.parametrize("fault", ["content_filter", "length_stop", "refusal", "empty_answer"])
def test_fault_replaces_raw_finish_reason(fault: str) -> None:
    assert b"UNEXPECTED" not in wire_events("openai-chat", {"reply": RAW, "faults": [fault]}).body


def test_titan_has_raw_finish_reason() -> None:
    path = "/model/amazon.titan-text-express-v1/invoke"
    for stream in (True, False):
        target = path + "-with-response-stream" * stream
        found = wire_events("bedrock-invoke", {"reply": RAW}, path=target, body={"inputText": "hi"})
        assert b"UNEXPECTED" in found.body or found.column("completionReason")[-1] == "UNEXPECTED"


def test_raw_finish_reason_of_calls() -> None:
    reply = {"tool_calls": [{"name": "look"}], "finish_reason": {"raw": "tool_use"}}
    found = wire_events("openai-chat", {"reply": reply}, stream=False)
    assert found.column("choices.0.finish_reason") == ["tool_use"]


def test_gemini_numbers_know_no_raw_finish_reason() -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    path = "/v1beta/models/gemini-2.5-flash:generateContent?$alt=json;enum-encoding=int"
    found = wire_events("gemini-generate", {"reply": RAW}, path=path, body=body)
    assert found.column("candidates.0.finishReason") == ["UNEXPECTED"]


def test_recorded_finish_reason_of_no_word_is_raw() -> None:
    recorded = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "content": [{"type": "text", "text": "one"}],
        "stop_reason": "brand_new",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    frames = [{"data": json.dumps(recorded)}]
    replay = {"frames": frames, "headers": {"content-type": "application/json"}, "as": "reply"}
    found = wire_events("openai-chat", {"replay": replay}, stream=False)
    assert found.column("choices.0.finish_reason") == ["brand_new"]
