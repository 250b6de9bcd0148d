"""max_tokens and stop cut texts; scripts, json, calls and replies with a finish_reason are sent as written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    cases,
    chat_request,
    claude_request,
    respond_all,
    respond_once,
)

BOTH = (chat_request, claude_request)


def reply(key: str, sent: ClientRequest | None = None, **more: Any) -> ClientResponse:
    return respond_once(f"rules: [{{reply: {key}}}]", sent, **more)


# --- max_tokens and stop -------------------------------------------------------------------------


@pytest.mark.parametrize("build_request", BOTH)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_max_tokens_cuts_texts(stream: bool, build_request: Any) -> None:
    response = reply("one two three four", build_request(max_tokens=2, stream=stream))
    assert response.text == "one two"
    assert response.notes == ""
    if not stream:
        assert (response.json.get("stop_reason") or response.choice["finish_reason"]) in (
            "length",
            "max_tokens",
        )


def test_max_tokens_cuts_generated_texts() -> None:
    response = reply("{text: {tokens: 500}}", chat_request(max_tokens=3))
    assert (response.text, response.json["usage"]["completion_tokens"]) == ("Lorem ipsum dolor", 3)


def test_stop_cuts_texts() -> None:
    assert reply("one two STOP three", chat_request(stop="STOP")).text == "one two "
    response = reply("one two STOP three", claude_request(stop_sequences=["three", "STOP"]))
    assert (response.text, response.json["stop_reason"], response.json["stop_sequence"]) == (
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


@cases("key, text, reported", AS_WRITTEN)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("limit", [{"max_tokens": 1}, {"stop": ["one"]}], ids=["max_tokens", "stop"])
def test_max_tokens_leaves_scripts_and_notes_it(
    key: str, text: str, reported: str, stream: bool, limit: dict[str, Any]
) -> None:
    responses = reply(key, chat_request(stream=stream, **limit))
    assert responses.text == text
    assert reported in responses.notes


def test_max_tokens_without_cut_notes_nothing() -> None:
    assert reply("{chunks: [one]}", chat_request(max_tokens=100, stop=["x"])).notes == ""


def test_max_tokens_note_is_repeated() -> None:
    responses = respond_all(
        "rules: [{reply: {chunks: [one, ' two', ' three']}}]", *[chat_request(max_tokens=1, stream=True)] * 3
    )
    assert all("a chunk script" in each.notes for each in responses)
