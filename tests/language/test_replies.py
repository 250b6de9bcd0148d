"""Replies in all their forms: streaming, non-streaming and truncated."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    chat_request,
    claude_request,
    diagnostics_of,
    respond_once,
    response_texts,
)

BOTH = (chat_request, claude_request)


def reply(key: str, sent: ClientRequest | None = None, **more: Any) -> ClientResponse:
    return respond_once(f"rules: [{{reply: {key}}}]", sent, **more)


# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("build_request", BOTH)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("Hello there", "Hello there"),
        ("{text: Hello there}", "Hello there"),
        (r'"line one\nline two"', "line one\nline two"),
        ('""', ""),
        ("{text: {tokens: 3, of: Hello world}}", "Hello world Hello"),
        ("{text: {tokens: 0}}", ""),
        ("{json: {a: [1, null, true]}}", '{"a":[1,null,true]}'),
        ("{json: [1, 2]}", "[1,2]"),
        ("{json: null}", "null"),
        ("{chunks: [Hel, lo]}", "Hello"),
        ("{chunks: []}", ""),
        ("{parts: [{text: a}, {chunks: [b, c]}, {json: {d: 1}}]}", 'abc{"d":1}'),
        ("{parts: [one, {text: two}, three]}", "onetwothree"),
    ],
)
def test_reply_text_is_sent(key: str, text: str, stream: bool, build_request: Any) -> None:
    response = reply(key, build_request(stream=stream))
    assert (response.status, response.text) == (200, text)


@pytest.mark.parametrize("build_request", BOTH)
def test_tokens_text_has_exact_number_of_chunks(build_request: Any) -> None:
    response = reply("{text: {tokens: 500}}", build_request(stream=True))
    assert len(response.chunks) == 500
    assert response.text.startswith("Lorem ipsum dolor sit amet")
    whole = reply("{text: {tokens: 500}}", build_request())
    assert whole.text == response.text
    usage = whole.json["usage"]
    assert (usage.get("completion_tokens") or usage["output_tokens"]) == 500


@pytest.mark.parametrize(
    ("letters", "message"), [(100_000, ""), (100_001, "expected at most 100000 characters")]
)
def test_text_to_repeat_has_maximum_length(letters: int, message: str) -> None:
    mistakes = diagnostics_of(f"rules: [{{reply: {{text: {{tokens: 1, of: {'a' * letters}}}}}}}]")
    assert message in "".join(mistakes) if message else not mistakes


def test_tokens_text_is_cut_by_chunk_size() -> None:
    yaml = "rules: [{reply: {text: {tokens: 10, of: Hello}}, pace: {chunk_size: 4 tokens}}]"
    assert respond_once(yaml, chat_request(stream=True)).chunks == [
        "Hello Hello Hello Hello",
        " Hello Hello Hello Hello",
        " Hello Hello",
    ]
    yaml = yaml.replace("4 tokens", "11 characters")
    assert respond_once(yaml, chat_request(stream=True)).chunks[:2] == ["Hello Hello", " Hello Hell"]


def test_sentences_text_has_number_of_sentences() -> None:
    message = response_texts("rules: [{reply: {text: {sentences: [2, 5]}}}]", *[chat_request()] * 40)
    assert {text.count(".") for text in message} == {2, 3, 4, 5}
    assert len(set(message)) == 40
    assert reply("{text: {sentences: 3}}").text.count(".") == 3


def test_file_text_is_unchanged() -> None:
    files = {
        "a.yaml": "rules: [{reply: {text: {file: texts/answer.md}}}]",
        "texts/answer.md": "# {{ user }}\n${x}\n",
    }
    for stream in (True, False):
        assert respond_once(files, chat_request(stream=stream)).text == "# {{ user }}\n${x}\n"


def test_generated_text_is_accepted_for_every_text() -> None:
    responses = reply("{thinking: {tokens: 2, of: hm}, text: {tokens: 1, of: yes}}", claude_request())
    assert [block.get("thinking") or block["text"] for block in responses.json["content"]] == ["hm hm", "yes"]


# --- scripts -------------------------------------------------------------------------------------

SCRIPT = """{chunks: [Hel, {wait: 200ms}, lo, {raw: "data: {\\"broken\\": \\n\\n"}, {comment: keep alive}, !!str "!"]}"""


@pytest.mark.parametrize("build_request", BOTH)
def test_script_streams_chunks_waits_raw_and_comments(build_request: Any) -> None:
    responses = reply(SCRIPT, build_request(stream=True))
    assert responses.chunks == ["Hel", "lo", "!"]
    assert responses.chunk_times == [0, 0.2, 0.2]
    assert b'data: {"broken": \n\n: keep alive\n\n' in responses.bytes
    assert responses.notes == ""


@pytest.mark.parametrize("build_request", BOTH)
def test_script_non_streaming_adds_waits_and_notes_rest(build_request: Any) -> None:
    responses = reply(SCRIPT, build_request())
    assert (responses.text, responses.took) == ("Hello!", 0.2)
    assert b"broken" not in responses.bytes
    assert responses.notes == "raw bytes and comments are for streams: left out of the non-streaming response"


@pytest.mark.parametrize("build_request", BOTH)
def test_script_error_breaks_stream(build_request: Any) -> None:
    response = reply(
        "{chunks: [Hel, lo, {error: {type: overloaded, message: no more}}, never]}",
        build_request(stream=True),
    )
    assert (response.status, response.chunks) == (200, ["Hel", "lo"])
    last = response.events[-1].json
    assert last["error"]["message"] == "no more"
    assert response.planned.error == "overloaded"


@pytest.mark.parametrize("build_request", BOTH)
def test_script_error_is_non_streaming_response(build_request: Any) -> None:
    response = reply("{chunks: [Hel, lo, {error: {type: overloaded, status: 531}}]}", build_request())
    assert (response.status, response.planned.error) == (531, "overloaded")


@pytest.mark.parametrize("build_request", BOTH)
def test_script_after_error_sends_nothing(build_request: Any) -> None:
    responses = reply(
        "{chunks: [a, {error: overloaded}], tool_calls: [{name: f}]}", build_request(stream=True)
    )
    assert b'"f"' not in responses.bytes
    responses = reply("{parts: [{chunks: [a, {error: overloaded}]}, {text: b}]}", build_request(stream=True))
    assert responses.chunks == ["a"]


@pytest.mark.parametrize("build_request", BOTH)
def test_text_beside_chunks_is_for_non_streaming(build_request: Any) -> None:
    key = "{text: whole, chunks: [in, {wait: 1s}, pieces, {error: overloaded}]}"
    assert reply(key, build_request(stream=True)).chunks == ["in", "pieces"]
    whole = reply(key, build_request())
    assert (whole.status, whole.text, whole.took) == (200, "whole", 1.0)


# --- thinking, calls, refusals, parts ------------------------------------------------------------


def test_thinking_is_sent_if_protocol_has_it() -> None:
    key = "{thinking: 'let me see', text: yes}"
    assert [block["type"] for block in reply(key, claude_request()).json["content"]] == ["thinking", "text"]
    assert "let me see" not in reply(key, chat_request()).bytes.decode()
    events = [event.json for event in reply(key, claude_request(stream=True)).events]
    message = [
        event["delta"].get("thinking") or event["delta"].get("text")
        for event in events
        if "text" in str(event.get("delta"))
    ]
    assert message[0] is not None
    assert [event["content_block"]["type"] for event in events if "content_block" in event] == [
        "thinking",
        "text",
    ]


def test_thinking_signature_is_sent() -> None:
    response = reply("{thinking: {text: hm, signature: c2ln}, text: x}", claude_request())
    assert response.json["content"][0]["signature"] == "c2ln"


def test_thinking_signature_may_be_a_template() -> None:
    response = reply(
        "{thinking: {text: hm, signature: '{{ model }}'}, text: x}", claude_request(model="claude-x")
    )
    assert response.json["content"][0]["signature"] == "claude-x"


CALLS = "{tool_calls: [{name: get_weather, arguments: {city: Paris}}, {name: now}]}"


@pytest.mark.parametrize("build_request", BOTH)
def test_tool_calls(build_request: Any) -> None:
    assert reply(CALLS, build_request()).calls == [("get_weather", {"city": "Paris"}), ("now", {})]


def test_tool_calls_have_own_finish_reason() -> None:
    assert reply(CALLS, chat_request()).choice["finish_reason"] == "tool_calls"
    assert reply(CALLS, claude_request()).json["stop_reason"] == "tool_use"


def streamed_arguments(responses: ClientResponse) -> str:
    result = ""
    for event in responses.events:
        if event.data.startswith("{"):
            for choice in event.json.get("choices", []):
                for call in choice["delta"].get("tool_calls", []):
                    result += call["function"]["arguments"]
            result += event.json.get("delta", {}).get("partial_json", "")
    return result


@pytest.mark.parametrize("build_request", BOTH)
def test_arguments_are_streamed_in_chunks(build_request: Any) -> None:
    response = reply(
        "{tool_calls: [{name: f, arguments: {city: Paris, days: [1, 2]}}]}", build_request(stream=True)
    )
    assert json.loads(streamed_arguments(response)) == {"city": "Paris", "days": [1, 2]}


@pytest.mark.parametrize("build_request", BOTH)
def test_arguments_raw_text_is_streamed(build_request: Any) -> None:
    response = reply("""{tool_calls: [{name: f, arguments: '{"city": '}]}""", build_request(stream=True))
    assert streamed_arguments(response) == '{"city": '


def test_arguments_raw_text_non_streaming_is_unchanged() -> None:
    response = reply("""{tool_calls: [{name: f, arguments: '{"city": '}]}""")
    assert response.choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"city": '


@pytest.mark.parametrize("build_request", BOTH)
def test_call_id_is_generated_or_set(build_request: Any) -> None:
    assert b'"call_mine"' in reply("{tool_calls: [{name: f, id: call_mine}]}", build_request()).bytes
    result = reply("{tool_calls: [{name: f}, {name: f}]}", build_request()).json
    calls = result["choices"][0]["message"]["tool_calls"] if "choices" in result else result["content"]
    assert len({call["id"] for call in calls}) == 2


def test_refusal_is_sent() -> None:
    response = reply("{refusal: I cannot}")
    assert response.choice["message"]["refusal"] == "I cannot"
    assert response.choice["message"]["content"] is None
    assert reply("{refusal: I cannot}", claude_request()).json["stop_reason"] == "refusal"


def test_reply_order_is_thinking_text_calls() -> None:
    key = "{tool_calls: [{name: f}], text: said, thinking: first}"
    assert [block["type"] for block in reply(key, claude_request()).json["content"]] == [
        "thinking",
        "text",
        "tool_use",
    ]


def test_parts_have_explicit_order() -> None:
    key = "{parts: [{tool_calls: [{name: f}]}, {text: said}, {thinking: last}, {refusal: no}]}"
    assert [block["type"] for block in reply(key, claude_request()).json["content"]][:3] == [
        "tool_use",
        "text",
        "thinking",
    ]
    message = reply(key, chat_request()).choice["message"]
    assert (message["content"], message["refusal"], len(message["tool_calls"])) == ("said", "no", 1)


def test_part_can_have_several_calls() -> None:
    responses = reply(
        "{parts: [{tool_calls: [{name: f}, {name: g}]}, and, {tool_calls: [{name: h}]}]}", claude_request()
    )
    blocks = [block.get("name", block["type"]) for block in responses.json["content"]]
    assert blocks == ["f", "g", "text", "h"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("{parts: [{text: a}], text: b}", "parts allow no other content"),
        ("{json: 1, text: b}", "json replaces text and chunks"),
        ("{json: 1, chunks: [b]}", "json replaces text and chunks"),
        ("{parts: [{text: a, refusal: b}]}", "a part is one of"),
        ("{parts: [7]}", 'expected a text or a mapping, found 7; write "7"'),
        ("{choices: [true]}", 'expected a text or a mapping, found true; write "true"'),
        ("{parts: [{tool_call: {name: f}}]}", 'did you mean "tool_calls"?'),
        ("{txt: a}", 'did you mean "text"?'),
        ("{finish_reason: stopped}", "stop"),
    ],
)
def test_reply_with_error_has_diagnostic(key: str, message: str) -> None:
    (result,) = diagnostics_of(f"rules: [{{reply: {key}}}]")
    assert message in result


# --- choices -------------------------------------------------------------------------------------


def test_n_without_choices_repeats_the_reply() -> None:
    responses = reply("Hello there", chat_request(n=3))
    assert [choice["message"]["content"] for choice in responses.json["choices"]] == ["Hello there"] * 3
    streamed = reply("Hello there", chat_request(n=2, stream=True))
    expected_message = ["", ""]
    for event in streamed.events[:-1]:
        for choice in event.json["choices"]:
            expected_message[choice["index"]] += choice["delta"].get("content") or ""
    assert expected_message == ["Hello there"] * 2


def test_choice_can_be_bare_text() -> None:
    responses = reply('{choices: ["{{ user }}!", {text: b}]}', chat_request(n=2))
    assert [choice["message"]["content"] for choice in responses.json["choices"]] == ["hi!", "b"]


def test_choices_can_differ() -> None:
    responses = reply(
        "{choices: [{text: a}, {refusal: b}, {text: c, finish_reason: length}]}", chat_request(n=2)
    )
    assert [choice["message"]["content"] for choice in responses.json["choices"]] == ["a", None, "c"]
    assert [choice["finish_reason"] for choice in responses.json["choices"]][2] == "length"


# --- model, finish_reason, usage, extras ---------------------------------------------------------


@pytest.mark.parametrize("build_request", BOTH)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_model_is_requested_one_or_set(stream: bool, build_request: Any) -> None:
    assert b'"asked-1"' in reply("x", build_request(model="asked-1", stream=stream)).bytes
    responses = reply("{text: x, model: other-2}", build_request(model="asked-1", stream=stream))
    assert b'"other-2"' in responses.bytes
    assert b"asked-1" not in responses.bytes


FINISH = [
    ("stop", "stop", "end_turn"),
    ("length", "length", "max_tokens"),
    ("tool_calls", "tool_calls", "tool_use"),
    ("content_filter", "content_filter", "refusal"),
]


@pytest.mark.parametrize(("key", "openai", "anthropic"), FINISH)
def test_finish_reason_is_translated(key: str, openai: str, anthropic: str) -> None:
    assert reply(f"{{text: x, finish_reason: {key}}}").choice["finish_reason"] == openai
    assert reply(f"{{text: x, finish_reason: {key}}}", claude_request()).json["stop_reason"] == anthropic


def test_usage_is_counted() -> None:
    usage = reply("one two three").json["usage"]
    assert usage["completion_tokens"] == 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_usage_partly_set_counts_rest() -> None:
    usage = reply("{text: x, usage: {input_tokens: 10, output_tokens: 15}}").json["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (10, 15, 25)
    usage = reply("{text: x, usage: {output_tokens: 15}}").json["usage"]
    assert usage["prompt_tokens"] == reply("x").json["usage"]["prompt_tokens"]
    assert usage["completion_tokens"] == 15


def test_usage_details_follow_provider() -> None:
    key = "{text: x, usage: {input_tokens: 100, cached_tokens: 30, cache_write_tokens: 20, output_tokens: 9, reasoning_tokens: 4}}"
    openai = reply(key).json["usage"]
    assert openai["prompt_tokens"] == 100
    assert openai["prompt_tokens_details"]["cached_tokens"] == 30
    assert openai["completion_tokens_details"]["reasoning_tokens"] == 4
    anthropic = reply(key, claude_request()).json["usage"]
    assert (
        anthropic["input_tokens"],
        anthropic["cache_read_input_tokens"],
        anthropic["cache_creation_input_tokens"],
    ) == (50, 30, 20)


def test_extras_are_added_for_one_dialect() -> None:
    key = "{text: x, extras: {openai: {service_tier: flex, brand_new: 1}}}"
    assert reply(key).json["brand_new"] == 1
    assert "brand_new" not in reply(key, claude_request()).json
