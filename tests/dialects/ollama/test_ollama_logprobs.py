"""The log probabilities of Ollama's responses, where a request includes them."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from tests.language.virtual_server import raw_request, respond_once

SCENARIO = """
rules:
  - {match: {user: call}, reply: {tool_calls: [{name: look, arguments: {a: 1}}]}}
  - {reply: {thinking: Hm., text: Hello there you.}, pace: {chunk_size: 2 tokens}}
"""
CALLS = ("chat", "generate")


def body(**fields: Json) -> dict[str, Json]:
    return {"model": "m", "prompt": "hi", "messages": [{"role": "user", "content": "hi"}], **fields}


def ask(api: str, **fields: Json) -> Any:
    return respond_once(SCENARIO, raw_request(f"/api/{api}", body(**fields)))


@pytest.mark.parametrize("api", CALLS)
def test_body_has_each_token(api: str) -> None:
    answer = ask(api, logprobs=True, stream=False).json
    assert [entry["token"] for entry in answer["logprobs"]] == ["Hello", " there", " you", "."]
    assert all(list(entry) == ["token", "logprob", "bytes"] for entry in answer["logprobs"])
    assert all(bytes(entry["bytes"]).decode() == entry["token"] for entry in answer["logprobs"])
    assert all(entry["logprob"] < 0 for entry in answer["logprobs"])


@pytest.mark.parametrize("api", CALLS)
def test_alternatives_are_as_many_as_requested(api: str) -> None:
    for entry in ask(api, logprobs=True, top_logprobs=2, stream=False).json["logprobs"]:
        first, second = entry["top_logprobs"]
        assert (first["token"], first["logprob"]) == (entry["token"], entry["logprob"])
        assert second["logprob"] < first["logprob"]
        assert bytes(second["bytes"]).decode() == second["token"]


@pytest.mark.parametrize("api", CALLS)
def test_stream_has_the_tokens_of_each_line(api: str) -> None:
    whole = ask(api, logprobs=True, top_logprobs=1, stream=False).json["logprobs"]
    lines = [event.json for event in ask(api, logprobs=True, top_logprobs=1).events]
    assert [entry for line in lines for entry in line.get("logprobs", ())] == whole
    assert "logprobs" not in lines[-1]
    assert sum("logprobs" in line for line in lines) > 1


@pytest.mark.parametrize("fields", [{}, {"logprobs": False}, {"top_logprobs": 2}, {"logprobs": None}])
@pytest.mark.parametrize("stream", [False, True])
def test_others_have_no_probabilities(fields: dict[str, Json], *, stream: bool) -> None:
    answer = ask("chat", stream=stream, **fields)
    bodies = [event.json for event in answer.events] if stream else [answer.json]
    assert not any("logprobs" in each for each in bodies)


def test_calls_alone_have_no_probabilities() -> None:
    messages: Json = [{"role": "user", "content": "call"}]
    assert "logprobs" not in ask("chat", messages=messages, logprobs=True, stream=False).json


@pytest.mark.parametrize("api", CALLS)
@pytest.mark.parametrize("top", [-1, 21])
def test_wrong_number_of_alternatives_is_refused(api: str, top: int) -> None:
    answer = ask(api, logprobs=True, top_logprobs=top)
    assert (answer.status, answer.json["error"]) == (400, "top_logprobs must be between 0 and 20")
