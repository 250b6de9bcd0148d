"""Replies in all their forms: what of them streams, what whole answers say, and what is cut."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.language.playing import Ask, Heard, chat, claude, first, mistakes, texts

BOTH = (chat, claude)


def reply(word: str, asked: Ask | None = None, **more: Any) -> Heard:
    return first(f"rules: [{{reply: {word}}}]", asked, **more)


# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("asking", BOTH)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("word", "text"),
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
def test_what_is_said(word: str, text: str, stream: bool, asking: Any) -> None:
    heard = reply(word, asking(stream=stream))
    assert (heard.status, heard.text) == (200, text)


@pytest.mark.parametrize("asking", BOTH)
def test_a_made_text_is_exactly_that_many_chunks_worth(asking: Any) -> None:
    heard = reply("{text: {tokens: 500}}", asking(stream=True))
    assert len(heard.chunks) == 500
    assert heard.text.startswith("Lorem ipsum dolor sit amet")
    whole = reply("{text: {tokens: 500}}", asking())
    assert whole.text == heard.text
    usage = whole.json["usage"]
    assert (usage.get("completion_tokens") or usage["output_tokens"]) == 500


def test_a_made_text_of_more_tokens_a_chunk() -> None:
    yaml = "rules: [{reply: {text: {tokens: 10, of: Hello}}, pace: {chunk_size: 4 tokens}}]"
    assert first(yaml, chat(stream=True)).chunks == [
        "Hello Hello Hello Hello",
        " Hello Hello Hello Hello",
        " Hello Hello",
    ]
    yaml = yaml.replace("4 tokens", "11 characters")
    assert first(yaml, chat(stream=True)).chunks[:2] == ["Hello Hello", " Hello Hell"]


def test_made_sentences() -> None:
    said = texts("rules: [{reply: {text: {sentences: [2, 5]}}}]", *[chat()] * 40)
    assert {text.count(".") for text in said} == {2, 3, 4, 5}
    assert len(set(said)) == 40
    assert reply("{text: {sentences: 3}}").text.count(".") == 3


def test_a_text_of_a_file_is_as_it_is() -> None:
    files = {
        "a.yaml": "rules: [{reply: {text: {file: texts/answer.md}}}]",
        "texts/answer.md": "# {{ user }}\n${x}\n",
    }
    for stream in (True, False):
        assert first(files, chat(stream=stream)).text == "# {{ user }}\n${x}\n"


def test_texts_are_made_wherever_a_text_stands() -> None:
    heard = reply("{thinking: {tokens: 2, of: hm}, text: {tokens: 1, of: yes}}", claude())
    assert [block.get("thinking") or block["text"] for block in heard.json["content"]] == ["hm hm", "yes"]


# --- scripts -------------------------------------------------------------------------------------

SCRIPT = """{chunks: [Hel, {wait: 200ms}, lo, {raw: "data: {\\"broken\\": \\n\\n"}, {comment: keep alive}, !!str "!"]}"""


@pytest.mark.parametrize("asking", BOTH)
def test_a_script_gives_exact_chunks_with_waits_raw_bytes_and_comments(asking: Any) -> None:
    heard = reply(SCRIPT, asking(stream=True))
    assert heard.chunks == ["Hel", "lo", "!"]
    assert heard.moments == [0, 0.2, 0.2]
    assert b'data: {"broken": \n\n: keep alive\n\n' in heard.bytes
    assert heard.notes == ""


@pytest.mark.parametrize("asking", BOTH)
def test_in_a_whole_answer_waits_add_up_and_raw_and_comments_are_left_out_and_noted(asking: Any) -> None:
    heard = reply(SCRIPT, asking())
    assert (heard.text, heard.took) == ("Hello!", 0.2)
    assert b"broken" not in heard.bytes
    assert heard.notes == "raw bytes and comments are for streams: left out of the non-streaming response"


@pytest.mark.parametrize("asking", BOTH)
def test_an_error_in_a_script_breaks_the_stream(asking: Any) -> None:
    heard = reply(
        "{chunks: [Hel, lo, {error: {type: overloaded, message: no more}}, never]}", asking(stream=True)
    )
    assert (heard.status, heard.chunks) == (200, ["Hel", "lo"])
    last = heard.events[-1].json
    assert last["error"]["message"] == "no more"
    assert heard.answer.error == "overloaded"


@pytest.mark.parametrize("asking", BOTH)
def test_and_makes_the_whole_answer_that_error(asking: Any) -> None:
    heard = reply("{chunks: [Hel, lo, {error: {type: overloaded, status: 531}}]}", asking())
    assert (heard.status, heard.answer.error) == (531, "overloaded")


@pytest.mark.parametrize("asking", BOTH)
def test_behind_an_error_nothing_is_said(asking: Any) -> None:
    heard = reply("{chunks: [a, {error: overloaded}], tool_calls: [{name: f}]}", asking(stream=True))
    assert b'"f"' not in heard.bytes
    heard = reply("{parts: [{chunks: [a, {error: overloaded}]}, {text: b}]}", asking(stream=True))
    assert heard.chunks == ["a"]


@pytest.mark.parametrize("asking", BOTH)
def test_with_text_beside_chunks_each_has_its_own(asking: Any) -> None:
    word = "{text: whole, chunks: [in, {wait: 1s}, pieces, {error: overloaded}]}"
    assert reply(word, asking(stream=True)).chunks == ["in", "pieces"]
    whole = reply(word, asking())
    assert (whole.status, whole.text, whole.took) == (200, "whole", 1.0)


# --- thinking, calls, refusals, parts ------------------------------------------------------------


def test_thinking_is_shown_where_the_protocol_shows_it() -> None:
    word = "{thinking: 'let me see', text: yes}"
    assert [block["type"] for block in reply(word, claude()).json["content"]] == ["thinking", "text"]
    assert "let me see" not in reply(word, chat()).bytes.decode()
    events = [event.json for event in reply(word, claude(stream=True)).events]
    said = [
        event["delta"].get("thinking") or event["delta"].get("text")
        for event in events
        if "text" in str(event.get("delta"))
    ]
    assert said[0] is not None
    assert [event["content_block"]["type"] for event in events if "content_block" in event] == [
        "thinking",
        "text",
    ]


def test_a_signature_of_ones_own() -> None:
    heard = reply("{thinking: {text: hm, signature: c2ln}, text: x}", claude())
    assert heard.json["content"][0]["signature"] == "c2ln"


CALLS = "{tool_calls: [{name: get_weather, arguments: {city: Paris}}, {name: now}]}"


@pytest.mark.parametrize("asking", BOTH)
def test_tool_calls(asking: Any) -> None:
    assert reply(CALLS, asking()).calls == [("get_weather", {"city": "Paris"}), ("now", {})]


def test_tool_calls_end_with_their_own_finish_reason() -> None:
    assert reply(CALLS, chat()).choice["finish_reason"] == "tool_calls"
    assert reply(CALLS, claude()).json["stop_reason"] == "tool_use"


def streamed_arguments(heard: Heard) -> str:
    found = ""
    for event in heard.events:
        if event.data.startswith("{"):
            for choice in event.json.get("choices", []):
                for call in choice["delta"].get("tool_calls", []):
                    found += call["function"]["arguments"]
            found += event.json.get("delta", {}).get("partial_json", "")
    return found


@pytest.mark.parametrize("asking", BOTH)
def test_arguments_are_streamed_in_pieces(asking: Any) -> None:
    heard = reply("{tool_calls: [{name: f, arguments: {city: Paris, days: [1, 2]}}]}", asking(stream=True))
    assert json.loads(streamed_arguments(heard)) == {"city": "Paris", "days": [1, 2]}


@pytest.mark.parametrize("asking", BOTH)
def test_arguments_may_be_a_raw_text_that_is_no_json(asking: Any) -> None:
    heard = reply("""{tool_calls: [{name: f, arguments: '{"city": '}]}""", asking(stream=True))
    assert streamed_arguments(heard) == '{"city": '


def test_a_raw_text_stands_in_a_whole_answer_as_it_is() -> None:
    heard = reply("""{tool_calls: [{name: f, arguments: '{"city": '}]}""")
    assert heard.choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"city": '


@pytest.mark.parametrize("asking", BOTH)
def test_a_call_has_a_made_id_or_ones_own(asking: Any) -> None:
    assert b'"call_mine"' in reply("{tool_calls: [{name: f, id: call_mine}]}", asking()).bytes
    made = reply("{tool_calls: [{name: f}, {name: f}]}", asking()).json
    calls = made["choices"][0]["message"]["tool_calls"] if "choices" in made else made["content"]
    assert len({call["id"] for call in calls}) == 2


def test_a_refusal() -> None:
    heard = reply("{refusal: I cannot}")
    assert heard.choice["message"]["refusal"] == "I cannot"
    assert heard.choice["message"]["content"] is None
    assert reply("{refusal: I cannot}", claude()).json["stop_reason"] == "refusal"


def test_the_order_is_thinking_text_calls() -> None:
    word = "{tool_calls: [{name: f}], text: said, thinking: first}"
    assert [block["type"] for block in reply(word, claude()).json["content"]] == [
        "thinking",
        "text",
        "tool_use",
    ]


def test_parts_have_an_order_of_their_own() -> None:
    word = "{parts: [{tool_calls: [{name: f}]}, {text: said}, {thinking: last}, {refusal: no}]}"
    assert [block["type"] for block in reply(word, claude()).json["content"]][:3] == [
        "tool_use",
        "text",
        "thinking",
    ]
    message = reply(word, chat()).choice["message"]
    assert (message["content"], message["refusal"], len(message["tool_calls"])) == ("said", "no", 1)


def test_a_part_may_hold_several_calls() -> None:
    heard = reply("{parts: [{tool_calls: [{name: f}, {name: g}]}, and, {tool_calls: [{name: h}]}]}", claude())
    blocks = [block.get("name", block["type"]) for block in heard.json["content"]]
    assert blocks == ["f", "g", "text", "h"]


@pytest.mark.parametrize(
    ("word", "said"),
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
def test_mistakes_in_a_reply(word: str, said: str) -> None:
    (found,) = mistakes(f"rules: [{{reply: {word}}}]")
    assert said in found


# --- choices -------------------------------------------------------------------------------------


def test_n_without_choices_repeats_the_reply() -> None:
    heard = reply("Hello there", chat(n=3))
    assert [choice["message"]["content"] for choice in heard.json["choices"]] == ["Hello there"] * 3
    streamed = reply("Hello there", chat(n=2, stream=True))
    said = ["", ""]
    for event in streamed.events[:-1]:
        for choice in event.json["choices"]:
            said[choice["index"]] += choice["delta"].get("content") or ""
    assert said == ["Hello there"] * 2


def test_a_choice_may_be_a_bare_text() -> None:
    heard = reply('{choices: ["{{ user }}!", {text: b}]}', chat(n=2))
    assert [choice["message"]["content"] for choice in heard.json["choices"]] == ["hi!", "b"]


def test_choices_that_differ() -> None:
    heard = reply("{choices: [{text: a}, {refusal: b}, {text: c, finish_reason: length}]}", chat(n=2))
    assert [choice["message"]["content"] for choice in heard.json["choices"]] == ["a", None, "c"]
    assert [choice["finish_reason"] for choice in heard.json["choices"]][2] == "length"


# --- model, finish_reason, usage, extras ---------------------------------------------------------


@pytest.mark.parametrize("asking", BOTH)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_model_that_was_asked_for_or_ones_own(stream: bool, asking: Any) -> None:
    assert b'"asked-1"' in reply("x", asking(model="asked-1", stream=stream)).bytes
    heard = reply("{text: x, model: other-2}", asking(model="asked-1", stream=stream))
    assert b'"other-2"' in heard.bytes
    assert b"asked-1" not in heard.bytes


FINISH = [
    ("stop", "stop", "end_turn"),
    ("length", "length", "max_tokens"),
    ("tool_calls", "tool_calls", "tool_use"),
    ("content_filter", "content_filter", "refusal"),
]


@pytest.mark.parametrize(("word", "openai", "anthropic"), FINISH)
def test_finish_reason_in_neutral_words(word: str, openai: str, anthropic: str) -> None:
    assert reply(f"{{text: x, finish_reason: {word}}}").choice["finish_reason"] == openai
    assert reply(f"{{text: x, finish_reason: {word}}}", claude()).json["stop_reason"] == anthropic


def test_usage_is_counted() -> None:
    usage = reply("one two three").json["usage"]
    assert usage["completion_tokens"] == 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_usage_as_written_and_the_rest_counted() -> None:
    usage = reply("{text: x, usage: {input_tokens: 10, output_tokens: 15}}").json["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (10, 15, 25)
    usage = reply("{text: x, usage: {output_tokens: 15}}").json["usage"]
    assert usage["prompt_tokens"] == reply("x").json["usage"]["prompt_tokens"]
    assert usage["completion_tokens"] == 15


def test_usage_with_caches_and_reasoning_as_each_provider_counts() -> None:
    word = "{text: x, usage: {input_tokens: 100, cached_tokens: 30, cache_write_tokens: 20, output_tokens: 9, reasoning_tokens: 4}}"
    openai = reply(word).json["usage"]
    assert openai["prompt_tokens"] == 100
    assert openai["prompt_tokens_details"]["cached_tokens"] == 30
    assert openai["completion_tokens_details"]["reasoning_tokens"] == 4
    anthropic = reply(word, claude()).json["usage"]
    assert (
        anthropic["input_tokens"],
        anthropic["cache_read_input_tokens"],
        anthropic["cache_creation_input_tokens"],
    ) == (50, 30, 20)


def test_extras_are_added_to_one_dialects_answer() -> None:
    word = "{text: x, extras: {openai: {service_tier: flex, brand_new: 1}}}"
    assert reply(word).json["brand_new"] == 1
    assert "brand_new" not in reply(word, claude()).json
