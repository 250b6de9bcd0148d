"""The log probabilities of Cohere's chat, where a request includes them."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from tests.language.virtual_server import raw_request, respond_once

SCENARIO = """
rules:
  - {match: {user: call}, reply: {text: I look., tool_calls: [{name: look, arguments: {a: 1}}]}}
  - {reply: {thinking: Hm., text: Hello wonderful you.}, pace: {chunk_size: 2 tokens}}
"""


def ask(user: str = "hi", **fields: Json) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": user}], **fields}
    return respond_once(SCENARIO, raw_request("/cohere/v2/chat", body))


def test_body_has_an_entry_for_each_token() -> None:
    entries = ask(logprobs=True).json["logprobs"]
    assert all(list(entry) == ["text", "token_ids", "logprobs"] for entry in entries)
    assert "".join(entry["text"] for entry in entries) == "Hello wonderful you."
    assert entries[0]["text"] == "Hello"
    assert all(len(entry["token_ids"]) == len(entry["logprobs"]) > 0 for entry in entries)
    assert all(each < 0 for entry in entries for each in entry["logprobs"])


def test_stream_has_an_entry_for_each_text() -> None:
    deltas = [event.json for event in ask(logprobs=True, stream=True).events if event.name == "content-delta"]
    listed = [each for each in deltas if "logprobs" in each]
    assert [each["logprobs"]["text"] for each in listed] == [
        each["delta"]["message"]["content"]["text"] for each in deltas[1:]
    ]
    assert len(listed) > 1
    whole = ask(logprobs=True).json["logprobs"]
    for name in ("token_ids", "logprobs"):
        streamed = [number for each in listed for number in each["logprobs"][name]]
        assert streamed == [number for entry in whole for number in entry[name]]


def test_tokens_are_those_that_detokenize_reads() -> None:
    numbers = [number for entry in ask(logprobs=True).json["logprobs"] for number in entry["token_ids"]]
    body: Json = {"model": "m", "tokens": numbers}
    text = respond_once(SCENARIO, raw_request("/cohere/v1/detokenize", body)).json["text"]
    assert text == "Hello wonderful you."


@pytest.mark.parametrize("fields", [{}, {"logprobs": False}, {"logprobs": None}])
@pytest.mark.parametrize("stream", [False, True])
def test_others_have_no_probabilities(fields: dict[str, Json], *, stream: bool) -> None:
    answer = ask(stream=stream, **fields)
    events = [event.json for event in answer.events if event.data != "[DONE]"] if stream else [answer.json]
    assert not any("logprobs" in each for each in events)


@pytest.mark.parametrize("stream", [False, True])
def test_tool_plan_has_no_probabilities(*, stream: bool) -> None:
    answer = ask("call", logprobs=True, stream=stream)
    events = [event.json for event in answer.events if event.data != "[DONE]"] if stream else [answer.json]
    assert not any("logprobs" in each for each in events)
