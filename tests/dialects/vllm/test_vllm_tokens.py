"""vLLM's parameters of length: as many tokens as a request says, in the stream and in the usage."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from tests.language.virtual_server import ClientResponse, raw_request, respond_once

PATHS = ("/vllm/v1/chat/completions", "/vllm/v1/completions")
both = pytest.mark.parametrize("path", PATHS, ids=["chat", "completions"])
CONTINUOUS: Json = {"include_usage": True, "continuous_usage_stats": True}


def response(path: str, text: str = "Forty-two.", **fields: Any) -> ClientResponse:
    body = {"model": "m", **fields}
    body |= {"prompt": "hi"} if path == PATHS[1] else {"messages": [{"role": "user", "content": "hi"}]}
    return respond_once(f"rules: [{{reply: {text!r}}}]", raw_request(path, body))


def payloads(sent: ClientResponse) -> list[Any]:
    return [event.json for event in sent.events if event.data != "[DONE]"]


def usages(sent: ClientResponse) -> list[Any]:
    return [payload["usage"] for payload in payloads(sent)]


def chunks(sent: ClientResponse) -> list[str]:
    choices = [payload["choices"][0] for payload in payloads(sent) if payload["choices"]]
    texts = [choice["text"] if "text" in choice else choice["delta"].get("content") for choice in choices]
    return [text for text in texts if text]


@both
def test_ignore_eos_fills_the_maximum_exactly(path: str) -> None:
    sent = response(path, max_tokens=1000, ignore_eos=True)
    assert sent.json["usage"]["completion_tokens"] == 1000
    assert sent.json["choices"][0]["finish_reason"] == "length"


@both
def test_ignore_eos_streams_a_chunk_for_each_token(path: str) -> None:
    sent = response(
        path, max_tokens=1000, ignore_eos=True, stream=True, stream_options={"include_usage": True}
    )
    assert len(chunks(sent)) == 1000
    assert payloads(sent)[-1]["usage"]["completion_tokens"] == 1000


@both
@pytest.mark.parametrize(
    "text", ["Yes.", "A sentence of several words stands here. " * 20, "Ja, größer! " * 30]
)
@pytest.mark.parametrize("count", [1, 3, 57, 400])
def test_ignore_eos_holds_for_any_text_and_count(path: str, text: str, count: int) -> None:
    sent = response(path, text, max_tokens=count, ignore_eos=True, stream=True, stream_options=CONTINUOUS)
    assert len(chunks(sent)) == count
    assert usages(sent)[-1]["completion_tokens"] == count


@both
def test_min_tokens_lengthens_a_short_reply(path: str) -> None:
    sent = response(path, min_tokens=30, max_tokens=90)
    assert sent.json["usage"]["completion_tokens"] == 30
    assert sent.json["choices"][0]["finish_reason"] == "stop"


def test_min_tokens_leaves_a_longer_reply() -> None:
    text = "one two three four five six"
    assert response(PATHS[0], text, min_tokens=3).text == text


def test_stop_counts_behind_min_tokens() -> None:
    sent = response(PATHS[0], "one two three two four", min_tokens=3, stop=["two"])
    assert sent.text == "one two three "
    assert sent.json["choices"][0]["stop_reason"] == "two"


def test_ignore_eos_still_ends_at_a_stop_sequence() -> None:
    assert response(PATHS[0], "one two three", ignore_eos=True, max_tokens=50, stop=["two"]).text == "one "


def test_ignore_eos_without_a_maximum_ends_with_the_reply() -> None:
    assert response(PATHS[0], "one two", ignore_eos=True).text == "one two"


def test_completion_without_a_maximum_has_16_tokens() -> None:
    sent = response(PATHS[1], "word " * 40)
    assert (sent.json["usage"]["completion_tokens"], sent.json["choices"][0]["finish_reason"]) == (
        16,
        "length",
    )


def test_calls_are_not_lengthened() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "min_tokens": 50}
    sent = respond_once("rules: [{reply: {tool_calls: [{name: f}]}}]", raw_request(PATHS[0], body))
    assert sent.choice["message"]["content"] is None
    assert "leave tool calls as written" in sent.notes


@both
def test_continuous_usage_counts_up(path: str) -> None:
    sent = response(path, max_tokens=4, ignore_eos=True, stream=True, stream_options=CONTINUOUS)
    counts = [usage["completion_tokens"] for usage in usages(sent)]
    assert counts == sorted(counts)
    assert {1, 2, 3, 4} <= set(counts)
    assert all(
        usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] for usage in usages(sent)
    )


@both
def test_continuous_usage_of_the_end_is_that_of_the_last_chunk(path: str) -> None:
    sent = response(path, "one two", stream=True, stream_options=CONTINUOUS)
    assert [usage["completion_tokens"] for usage in usages(sent)][-3:] == [2, 2, 2]


def test_min_tokens_lengthens_a_text_behind_thinking() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "min_tokens": 9, "stop": "one"}
    rule = "rules: [{reply: {thinking: Hm hm., text: one two}}]"
    sent = respond_once(rule, raw_request(PATHS[0], body))
    assert sent.json["usage"]["completion_tokens"] >= 9


def test_min_tokens_of_a_reply_without_text_holds() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "min_tokens": 2, "stop": "x"}
    sent = respond_once("rules: [{reply: {thinking: One two three four five.}}]", raw_request(PATHS[0], body))
    assert sent.status == 200


def test_continuous_usage_counts_choices_apart() -> None:
    sent = response(PATHS[0], "one two", n=2, stream=True, stream_options=CONTINUOUS)
    last = {event.json["choices"][0]["index"]: event.json["usage"] for event in sent.events[:-2]}
    assert [last[index]["completion_tokens"] for index in (0, 1)] == [2, 2]


def test_continuous_usage_needs_include_usage() -> None:
    sent = response(PATHS[0], stream=True, stream_options={"continuous_usage_stats": True})
    assert not any("usage" in payload for payload in payloads(sent))


def test_continuous_usage_of_an_empty_reply_is_its_count() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    rule = "rules: [{reply: {text: '', usage: {output_tokens: 7}}}]"
    sent = respond_once(rule, raw_request(PATHS[0], {**body, "stream_options": CONTINUOUS}))
    assert usages(sent)[-1]["completion_tokens"] == 7


@both
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"min_tokens": -1}, "min_tokens must be greater than or equal to 0, got -1."),
        ({"min_tokens": 9, "max_tokens": 3}, "min_tokens must be less than or equal to max_tokens=3, got 9."),
        ({"max_tokens": 131_073}, "is too large: 131073. This model's maximum context length is 131072"),
        (
            {"min_tokens": 200_000},
            "This model's maximum context length is 131072 tokens. However, your request",
        ),
    ],
    ids=["negative", "more than the maximum", "maximum too large", "minimum too large"],
)
def test_impossible_length_is_refused(path: str, fields: dict[str, Any], message: str) -> None:
    sent = response(path, **fields)
    assert sent.status == 400
    assert message in sent.message
    assert sent.json["error"]["type"] == "BadRequestError"
    assert sent.json["error"]["code"] == 400


def test_maximum_may_have_both_names_and_the_model_be_absent() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2, "max_completion_tokens": 2}
    sent = respond_once("rules: [{reply: one two three}]", raw_request(PATHS[0], {**body, "top_k": 3}))
    assert (sent.status, sent.text) == (200, "one two")


def test_unvalidated_length_is_bounded() -> None:
    body = {"model": "m", "prompt": "hi", "max_tokens": 10**9, "ignore_eos": True}
    sent = respond_once("validation: off\nrules: [{reply: x}]", raw_request(PATHS[1], body))
    assert sent.json["usage"]["completion_tokens"] == 131_072
