"""Blocks of thinking whose text the provider has encrypted: `redacted_thinking`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import ClientResponse, VirtualServer, load_scenario_files, raw_request

RULES = """
rules:
  - match: {user: mine}
    reply: {redacted_thinking: EmwKAh, text: Yes.}
  - match: {user: ordered}
    reply: {parts: [{thinking: Hm.}, {redacted_thinking: true}, {text: Yes.}, {redacted_thinking: "{{ user }}"}]}
  - match: {user: both}
    reply: {thinking: Hm., redacted_thinking: true, text: Yes.}
  - reply: {redacted_thinking: true, text: Yes.}
"""
MARKED = "redacted_thinking left out"


def ask(
    user: str, path: str = "/v1/messages", server: VirtualServer | None = None, **more: Any
) -> ClientResponse:
    turns: Any = [{"role": "user", "content": user}]
    body = {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": turns, **more}
    return (server or VirtualServer(RULES)).respond(raw_request(path, body))


def streamed_blocks(response: ClientResponse) -> list[Any]:
    starts = [event.json for event in response.events if event.name == "content_block_start"]
    return [start["content_block"] for start in starts]


@pytest.mark.parametrize(
    ("user", "types"),
    [
        ("mine", ["redacted_thinking", "text"]),
        ("ordered", ["thinking", "redacted_thinking", "text", "redacted_thinking"]),
        ("both", ["thinking", "redacted_thinking", "text"]),
        ("hi", ["redacted_thinking", "text"]),
    ],
)
def test_block_is_in_body_and_stream(user: str, types: list[str]) -> None:
    body = ask(user).json
    assert [block["type"] for block in body["content"]] == types
    response = ask(user, stream=True)
    streamed = streamed_blocks(response)
    assert [block["type"] for block in streamed] == types
    redacted = [block for block in body["content"] if block["type"] == "redacted_thinking"]
    assert redacted == [block for block in streamed if block["type"] == "redacted_thinking"]
    assert all(set(block) == {"type", "data"} and block["data"] for block in redacted)
    assert not [note for note in response.planned.notes if MARKED in note]


def test_data_is_that_of_the_scenario() -> None:
    assert ask("mine").json["content"][0]["data"] == "EmwKAh"
    assert ask("ordered").json["content"][3]["data"] == "ordered"


def test_block_is_accepted_in_the_next_request() -> None:
    server = VirtualServer("validation: strict" + RULES)
    content = ask("both", server=server).json["content"]
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": "b"},
    ]
    thinking = {"type": "enabled", "budget_tokens": 1024}
    response = ask("b", server=server, messages=turns, thinking=thinking, max_tokens=2000)
    assert response.status == 200


def test_client_that_declines_thinking_gets_no_block() -> None:
    content = ask("both", thinking={"type": "disabled"}).json["content"]
    assert [block["type"] for block in content] == ["text"]


def test_converse_has_the_block() -> None:
    turns = [{"role": "user", "content": [{"text": "mine"}]}]
    response = VirtualServer(RULES).respond(raw_request("/model/m/converse", {"messages": turns}))
    content = response.json["output"]["message"]["content"]
    assert content[0] == {"reasoningContent": {"redactedContent": "EmwKAh"}}
    assert not [note for note in response.planned.notes if MARKED in note]


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("/v1/chat/completions", "chat of openai"),
        ("/api/chat", "chat of ollama"),
        ("/cohere/v2/chat", "chat of cohere"),
    ],
)
def test_other_protocols_leave_it_out_with_a_note(path: str, call: str) -> None:
    response = ask("hi", path, stream=False)
    assert f"{MARKED}: {call} has none" in response.planned.notes
    assert b"Yes." in response.bytes


@pytest.mark.parametrize("value", ["false", "[a]", "{data: a}", "3"])
def test_other_value_is_a_mistake(value: str) -> None:
    found = load_scenario_files(f"rules: [{{reply: {{redacted_thinking: {value}}}}}]").diagnostics
    assert "redacted_thinking" in str(found[0])
