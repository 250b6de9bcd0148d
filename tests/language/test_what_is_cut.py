"""max_tokens and stop cut texts; scripts, json, calls and replies with a finish_reason are sent as written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.playing import Ask, Heard, chat, claude, first, play, table

BOTH = (chat, claude)


def reply(word: str, asked: Ask | None = None, **more: Any) -> Heard:
    return first(f"rules: [{{reply: {word}}}]", asked, **more)


# --- max_tokens and stop -------------------------------------------------------------------------


@pytest.mark.parametrize("asking", BOTH)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_max_tokens_cuts_texts(stream: bool, asking: Any) -> None:
    heard = reply("one two three four", asking(max_tokens=2, stream=stream))
    assert heard.text == "one two"
    assert heard.notes == ""
    if not stream:
        assert (heard.json.get("stop_reason") or heard.choice["finish_reason"]) in ("length", "max_tokens")


def test_max_tokens_cuts_made_texts() -> None:
    heard = reply("{text: {tokens: 500}}", chat(max_tokens=3))
    assert (heard.text, heard.json["usage"]["completion_tokens"]) == ("Lorem ipsum dolor", 3)


def test_stop_cuts_texts() -> None:
    assert reply("one two STOP three", chat(stop="STOP")).text == "one two "
    heard = reply("one two STOP three", claude(stop_sequences=["three", "STOP"]))
    assert (heard.text, heard.json["stop_reason"], heard.json["stop_sequence"]) == (
        "one two ",
        "stop_sequence",
        "STOP",
    )


AS_WRITTEN = [
    ("a script", "{chunks: [one, ' two', ' three']}", "one two three", "a chunk script"),
    ("json", "{json: {a: one}}", '{"a":"one"}', "json"),
    ("tool calls", "{text: one two, tool_calls: [{name: f}]}", "one two", "tool calls"),
    (
        "parts with a script",
        "{parts: [{chunks: [one, ' two', ' three']}]}",
        "one two three",
        "scripts, json and tool calls",
    ),
    (
        "a finish_reason of its own",
        "{text: one two three, finish_reason: stop}",
        "one two three",
        "its own finish_reason",
    ),
]


@table("word, text, told", AS_WRITTEN)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("limit", [{"max_tokens": 1}, {"stop": ["one"]}], ids=["max_tokens", "stop"])
def test_what_is_sent_as_written_and_noted(
    word: str, text: str, told: str, stream: bool, limit: dict[str, Any]
) -> None:
    heard = reply(word, chat(stream=stream, **limit))
    assert heard.text == text
    assert told in heard.notes


def test_nothing_is_noted_where_nothing_would_be_cut() -> None:
    assert reply("{chunks: [one]}", chat(max_tokens=100, stop=["x"])).notes == ""


def test_the_note_comes_each_time() -> None:
    heard = play(
        "rules: [{reply: {chunks: [one, ' two', ' three']}}]", *[chat(max_tokens=1, stream=True)] * 3
    )
    assert all("a chunk script" in each.notes for each in heard)
