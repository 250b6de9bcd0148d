"""What responses of Anthropic's messages report of the request: edits of the context, and the container."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.reply.reply import Choice, Reply, Text, Usage
from mockllm.dialects.anthropic.context_edits import applied_edits
from tests.dialects.anthropic.messages_requests import encode_body, encode_stream, messages
from tests.language.virtual_server import VirtualServer, claude_request, raw_request

REPLY = Reply((Choice((Text(("a",)),)),), Usage(1, 1))
WORDS = "one two three four five six seven eight"


def history(uses: int, name: str = "get") -> list[Any]:
    turns: list[Any] = [{"role": "user", "content": "go"}]
    for number in range(uses):
        thought = {"type": "thinking", "thinking": WORDS, "signature": "s"}
        call = {"type": "tool_use", "id": f"t{number}", "name": name, "input": {"words": WORDS}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": WORDS}
        turns += [{"role": "assistant", "content": [thought, call]}, {"role": "user", "content": [result]}]
    return turns


def cleared(edit: Any, turns: Any, tokens: int = 200_000) -> Any:
    return applied_edits({"edits": [edit]}, turns, tokens)


USES: Any = {"type": "clear_tool_uses_20250919"}
THOUGHTS: Any = {"type": "clear_thinking_20251015"}


def test_old_tool_results_are_cleared_beyond_the_trigger() -> None:
    (edit,) = cleared(USES, history(5))
    assert (edit["type"], edit["cleared_tool_uses"]) == ("clear_tool_uses_20250919", 2)
    assert edit["cleared_input_tokens"] > 10
    assert cleared(USES, history(5), 100_000) == ()


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"keep": {"type": "tool_uses", "value": 1}}, 4),
        ({"trigger": {"type": "tool_uses", "value": 4}}, 2),
        ({"trigger": {"type": "tool_uses", "value": 5}}, None),
        ({"trigger": {"type": "input_tokens", "value": 300_000}}, None),
        ({"clear_at_least": {"type": "input_tokens", "value": 10_000}}, None),
        ({"exclude_tools": ["get"]}, None),
        ({"exclude_tools": "odd", "keep": "odd", "trigger": "odd"}, 2),
    ],
)
def test_settings_of_an_edit_decide_what_is_cleared(more: Any, count: int | None) -> None:
    edits = cleared({**USES, **more}, history(5))
    assert [edit["cleared_tool_uses"] for edit in edits] == ([] if count is None else [count])


@pytest.mark.parametrize(
    ("inputs", "more"), [(True, True), (["get"], True), (["other"], False), (False, False)]
)
def test_inputs_are_cleared_only_where_the_edit_says_so(inputs: Any, more: bool) -> None:
    plain = cleared(USES, history(5))[0]["cleared_input_tokens"]
    both = cleared({**USES, "clear_tool_inputs": inputs}, history(5))[0]["cleared_input_tokens"]
    assert (both > plain) is more


def test_thinking_of_old_turns_is_cleared() -> None:
    (edit,) = cleared(THOUGHTS, history(4), 10)
    assert edit["cleared_thinking_turns"] == 3
    (edit,) = cleared({**THOUGHTS, "keep": {"type": "thinking_turns", "value": 2}}, history(4), 10)
    assert edit["cleared_thinking_turns"] == 2
    assert cleared({**THOUGHTS, "keep": "all"}, history(4)) == ()
    assert cleared({**THOUGHTS, "keep": {"type": "all"}}, history(4)) == ()
    assert cleared(THOUGHTS, history(1)) == ()


@pytest.mark.parametrize(
    "management", ["odd", {}, {"edits": "odd"}, {"edits": ["odd", {"type": "compact_20260112"}]}]
)
def test_odd_context_management_applies_nothing(management: Any) -> None:
    assert applied_edits(management, history(5), 200_000) == ()


@pytest.mark.parametrize("turns", ["odd", ["odd", {"content": "x"}, {"content": ["odd"]}]])
def test_odd_messages_have_nothing_to_clear(turns: Any) -> None:
    assert applied_edits({"edits": [USES, THOUGHTS]}, turns, 200_000) == ()


def test_odd_ids_are_no_problem() -> None:
    turns = history(5)
    for turn in turns[1:]:
        turn["content"][-1].update(id=["odd"], tool_use_id=["odd"])
    assert cleared(USES, turns, 200_000)[0]["cleared_tool_uses"] == 2


def test_result_of_blocks_counts_its_tokens() -> None:
    turns = history(4)
    turns[2]["content"][0]["content"] = [{"type": "text", "text": WORDS}]
    assert cleared(USES, turns)[0]["cleared_tool_uses"] == 1


def test_response_reports_edits_and_counts_without_them() -> None:
    management: Any = {"edits": [{**USES, "trigger": {"type": "tool_uses", "value": 1}}]}
    server, turns = VirtualServer("rules: [{reply: Hi.}]"), history(5)
    plain = server.respond(claude_request(messages=turns)).json
    edited = server.respond(claude_request(messages=turns, context_management=management)).json
    (edit,) = edited["context_management"]["applied_edits"]
    assert "context_management" not in plain
    saved = plain["usage"]["input_tokens"] - edited["usage"]["input_tokens"]
    assert saved == edit["cleared_input_tokens"]
    body = {"model": "claude-sonnet-4-5", "messages": turns, "context_management": management}
    counted = server.respond(raw_request("/v1/messages/count_tokens", body)).json
    assert counted == {
        "input_tokens": edited["usage"]["input_tokens"],
        "context_management": {"original_input_tokens": plain["usage"]["input_tokens"]},
    }


def test_beta_header_alone_reports_no_edits() -> None:
    server = VirtualServer("rules: [{reply: Hi.}]")
    sent = claude_request(stream=True, headers={"anthropic-beta": "context-management-2025-06-27"})
    (last,) = [event.json for event in server.respond(sent).events if event.name == "message_delta"]
    assert last["context_management"] == {"applied_edits": []}


def test_cached_response_does_not_repeat_another_requests_edits() -> None:
    server = VirtualServer("rules: [{reply: Hi.}]")
    tools = [{"type": "code_execution_20250825", "name": "code_execution"}]
    for _ in range(3):
        assert "container" not in server.respond(claude_request(tools=tools)).json
        for id in ("container_1", "container_2"):
            body = server.respond(claude_request(tools=tools, container=id)).json
            assert body["container"]["id"] == id


@pytest.mark.parametrize(
    ("container", "id", "skills"),
    [
        ("container_1", "container_1", None),
        ({"id": "container_1"}, "container_1", None),
        (
            {"skills": [{"type": "anthropic", "skill_id": "pdf"}, "odd"]},
            None,
            [{"type": "anthropic", "skill_id": "pdf", "version": "latest"}],
        ),
        (7, None, None),
    ],
)
def test_requested_container_is_reported(container: Any, id: str | None, skills: Any) -> None:
    body = encode_body(REPLY, container=container)["container"]
    assert body["id"] == id or (id is None and body["id"].startswith("container_01"))
    assert body.get("skills") == skills
    assert body["expires_at"] == "2025-11-08T08:53:20.000000Z"
    assert encode_stream(REPLY, container=container)[-2]["delta"]["container"] == body


def test_request_without_messages_has_no_edits() -> None:
    assert messages({"context_management": {"edits": [USES]}}).applied_edits == ()
