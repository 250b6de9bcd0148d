"""Server tools in replies: which protocols have them, approvals of MCP calls, and mistakes in files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.language.virtual_server import (
    VirtualServer,
    chat_request,
    claude_request,
    diagnostics_of,
    raw_request,
)

RULES = """
rules:
  - name: all
    match: {model: all}
    reply:
      server_tools:
        - web_search: {open: "https://a.example"}
        - web_search: {open: "https://a.example", find: rain}
        - web_search: {query: q, sources: ["https://a.example"]}
        - file_search: {query: q, results: [{filename: a.txt}]}
        - code_interpreter: {code: x, logs: "1", images: ["https://a.example/1.png"], container: c}
        - mcp_tools: {server: deep, tools: [{name: ask}]}
        - mcp: {server: deep, tool: ask, arguments: "{", output: plain}
        - mcp: {server: deep, tool: ask, error: broken}
        - computer: {actions: [{type: wait}]}
        - computer: {actions: [{type: wait}, {type: screenshot}], id: call_1}
  - name: approved
    match: {model: approve}
    reply:
      parts:
        - First.
        - server_tools: [{mcp: {server: deep, tool: ask, approval: true}}]
        - Last.
  - name: twice
    match: {model: twice}
    reply:
      parts:
        - server_tools:
            - mcp_tools: {server: deep, tools: [{name: ask}]}
            - mcp: {server: deep, tool: ask, approval: true}
        - Middle.
        - server_tools: [{mcp: {server: deep, tool: tell, approval: true}}]
        - End.
  - name: same
    match: {model: same}
    reply:
      parts:
        - server_tools:
            - mcp: {server: deep, tool: ask, arguments: {n: 1}, approval: true}
            - mcp: {server: deep, tool: ask, arguments: {n: 2}, approval: true}
        - End.
  - name: search
    reply:
      thinking: Hm.
      server_tools: [{web_search: weather}, {file_search: q}, {code_interpreter: x}]
      text: Sunny.
"""


def items(*sent: Any, model: str = "approve", **fields: Any) -> list[Any]:
    body = {"model": model, "input": list(sent), **fields}
    output: list[Any] = VirtualServer(RULES).respond(raw_request("/v1/responses", body)).json["output"]
    return output


USER: Any = {"role": "user", "content": "go"}
REQUESTED: Any = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "server_label": "deep",
    "name": "ask",
    "arguments": "",
}
YES: Any = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}


def types(output: list[Any]) -> list[str]:
    return [item["type"] for item in output]


def test_items_come_behind_thinking_and_before_text() -> None:
    output = items(USER, model="m")
    assert types(output) == [
        *("reasoning", "web_search_call", "file_search_call", "code_interpreter_call", "message")
    ]
    assert output[3]["container_id"].startswith("cntr_")


INCLUDE = ["web_search_call.action.sources", "file_search_call.results", "code_interpreter_call.outputs"]


@pytest.mark.parametrize("include", [[], INCLUDE])
def test_all_server_tools_have_their_items(include: list[str]) -> None:
    output = items(USER, model="all", include=include)
    assert [output[place]["action"]["type"] for place in range(3)] == ["open_page", "find_in_page", "search"]
    assert ("sources" in output[2]["action"]) is bool(include)
    assert (output[3]["results"] is None) is (output[4]["outputs"] is None) is (not include)
    assert [item.get("status") for item in output[5:]] == [None, "completed", "failed", *["completed"] * 2]
    assert (output[6]["arguments"], output[6]["output"], output[7]["output"]) == ("{", "plain", None)
    assert output[8]["action"] == {"type": "wait"}
    assert (output[9]["call_id"], len(output[9]["actions"])) == ("call_1", 2)


def test_failed_mcp_call_streams_its_failure() -> None:
    body = {"model": "all", "input": "go", "stream": True}
    events = VirtualServer(RULES).respond(raw_request("/v1/responses", body)).events
    names = [event.name for event in events]
    assert names.count("response.mcp_call.failed") == names.count("response.mcp_call.completed") == 1


def test_open_approval_ends_the_reply() -> None:
    assert types(items(USER)) == ["message", "mcp_approval_request"]


@pytest.mark.parametrize(
    "history",
    [
        [USER, REQUESTED, YES],
        [USER, YES],
        [USER, REQUESTED, YES, {"type": "reasoning", "summary": []}],
    ],
)
def test_approved_call_is_made(history: list[Any]) -> None:
    output = items(*history)
    assert types(output) == ["mcp_call", "message"]
    assert (output[0]["approval_request_id"], output[0]["output"]) == ("mcpr_1", "")


def test_rejected_call_is_left_out() -> None:
    assert types(items(USER, REQUESTED, {**YES, "approve": False})) == ["message"]


def test_second_approval_continues_behind_the_first_call() -> None:
    second = {**REQUESTED, "id": "mcpr_2", "name": "tell"}
    history = [USER, REQUESTED, YES]
    assert types(items(*history, model="twice")) == ["mcp_call", "message", "mcp_approval_request"]
    approved = [*history, second, {**YES, "approval_request_id": "mcpr_2"}]
    output = items(*approved, model="twice")
    assert types(output) == ["mcp_call", "message"]
    assert (output[0]["name"], output[1]["content"][0]["text"]) == ("tell", "End.")


ONE: Any = {**REQUESTED, "arguments": '{"n":1}'}
TWO: Any = {**REQUESTED, "id": "mcpr_2", "arguments": '{"n":2}'}
YES_TWO: Any = {**YES, "approval_request_id": "mcpr_2"}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([ONE, YES], [("mcp_call", "mcpr_1", 1), ("mcp_approval_request", None, 2)]),
        ([YES], [("mcp_call", "mcpr_1", 1), ("mcp_approval_request", None, 2)]),
        ([ONE, {**YES, "approve": False}], [("mcp_approval_request", None, 2)]),
        ([ONE, YES, TWO, YES_TWO], [("mcp_call", "mcpr_2", 2), ("message", None, None)]),
        ([ONE, TWO, YES_TWO, YES], [("mcp_call", "mcpr_2", 2), ("message", None, None)]),
        ([ONE, YES, TWO, {**YES_TWO, "approve": False}], [("message", None, None)]),
        (
            [ONE, {**YES, "approve": False}, YES],
            [("mcp_call", "mcpr_1", 1), ("mcp_approval_request", None, 2)],
        ),
    ],
)
def test_two_calls_of_one_tool_have_own_approvals(history: list[Any], expected: list[Any]) -> None:
    output = items(USER, *history, model="same")
    assert [
        (each["type"], each.get("approval_request_id"), json.loads(each.get("arguments", "{}")).get("n"))
        for each in output
    ] == expected


@pytest.mark.parametrize(
    "history",
    [
        [USER, REQUESTED, YES, USER],
        [USER, {**REQUESTED, "name": "other"}, YES],
        [USER, REQUESTED, {**YES, "approval_request_id": 7}],
        [REQUESTED],
    ],
)
def test_other_approval_does_not_count(history: list[Any]) -> None:
    assert types(items(*history)) == ["message", "mcp_approval_request"]


def test_approval_is_not_cached_across_requests() -> None:
    game = VirtualServer(RULES)
    for _ in range(3):
        for history, first in (([USER], "message"), ([USER, REQUESTED, YES], "mcp_call")):
            body = {"model": "approve", "input": history}
            assert types(game.respond(raw_request("/v1/responses", body)).json["output"])[0] == first


@pytest.mark.parametrize("stream", [False, True])
def test_protocols_without_server_tools_leave_them_out(stream: bool) -> None:
    game = VirtualServer(RULES)
    response = game.respond(chat_request(stream=stream))
    assert response.text == "Sunny."
    assert "server_tools left out: chat of openai has none" in response.notes


@pytest.mark.parametrize("stream", [False, True])
def test_one_rule_has_server_tools_in_two_protocols(stream: bool) -> None:
    game = VirtualServer(RULES)
    search = {"model": "m", "input": "hi", "stream": stream}
    assert game.respond(raw_request("/v1/responses", search)).notes == ""
    claude = game.respond(claude_request(stream=stream))
    assert claude.text == "Sunny."
    assert "server_tools left out: messages of anthropic has no file_search" in claude.notes


def test_tools_of_other_providers_are_left_out_of_responses() -> None:
    rules = (
        "rules: [{reply: {text: Hi., server_tools: [{bash: ls}, {web_fetch: a.example}, {advisor: Yes.}]}}]"
    )
    response = VirtualServer(rules).respond(raw_request("/v1/responses", {"model": "m", "input": "go"}))
    assert types(response.json["output"]) == ["web_search_call", "message"]
    assert response.json["output"][0]["action"] == {"type": "open_page", "url": "a.example"}
    assert "server_tools left out: responses of openai has no advisor, bash" in response.notes


def test_reply_that_states_everything_follows_the_request() -> None:
    """The uses of server tools depend on the history, also where nothing else does."""
    game = VirtualServer("""
validation: off
rules:
  - stream: false
    reply: {model: m, usage: {input_tokens: 1, output_tokens: 1}, server_tools: [{advisor: Yes.}], text: So.}
""")
    use = {"type": "server_tool_use", "id": "s", "name": "advisor", "input": {}}
    for _ in range(3):
        assert len(game.respond(claude_request()).json["content"]) == 3
        turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [use]}]
        assert len(game.respond(claude_request(messages=turns)).json["content"]) == 2


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("{}", "a server tool is one of web_search"),
        ("{web_search: a, file_search: b}", "a server tool is one of web_search"),
        ("{web_search: {}}", "a web search has one of query and open"),
        ("{web_search: {query: a, open: b}}", "a web search has one of query and open"),
        ("{mcp: {server: a}}", "tool"),
    ],
)
def test_mistakes_are_named(tool: str, words: str) -> None:
    (mistake,) = diagnostics_of(f"rules: [{{reply: {{server_tools: [{tool}]}}}}]")
    assert words in mistake
