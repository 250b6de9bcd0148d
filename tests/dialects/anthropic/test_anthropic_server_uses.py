"""Refusals of conversations whose uses of server tools lack their results, or results their uses."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import MINIMAL, messages, of_bytes
from tests.language.virtual_server import VirtualServer, claude_request

HI: Any = {"role": "user", "content": "hi"}


def use(id: str = "s1", name: str = "web_search", **more: Any) -> dict[str, Any]:
    return {"type": "server_tool_use", "id": id, "name": name, "input": {}, **more}


def found(id: str = "s1", tool: str = "web_search") -> dict[str, Any]:
    return {"type": f"{tool}_tool_result", "tool_use_id": id, "content": []}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


CALL: Any = {"type": "tool_use", "id": "t1", "name": "get", "input": {}}
RESULT: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]}
MCP: Any = {"type": "mcp_tool_use", "id": "m1", "name": "ask", "server_name": "deep", "input": {}}
MCP_RESULT: Any = {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": False, "content": []}

ACCEPTED: list[Any] = [
    pytest.param([HI, assistant(use(), found())], id="a use and its result"),
    pytest.param([HI, assistant(use())], id="a paused turn"),
    pytest.param([HI, assistant(use()), assistant(found())], id="a turn that went on"),
    pytest.param([HI, assistant(use(), CALL), RESULT], id="a use beside a call"),
    pytest.param(
        [HI, assistant(use(), CALL), RESULT, assistant(found()), HI], id="the result after the call's"
    ),
    pytest.param([HI, assistant(MCP, MCP_RESULT), HI], id="a call of an MCP server"),
    pytest.param(
        [HI, assistant(use(name="tool_search_tool_bm25"), found(tool="tool_search")), HI], id="a tool search"
    ),
    pytest.param([HI, assistant(use(), found()), {"role": "system", "content": "x"}], id="a system message"),
]
MISSING = "tool use with id `s1` was found without a corresponding"
REFUSED: list[Any] = [
    pytest.param(
        [HI, assistant(use()), HI],
        f"messages.1: `web_search` {MISSING} `web_search_tool_result` block",
        id="no result",
    ),
    pytest.param(
        [HI, assistant(use(name="tool_search_tool_regex")), HI],
        f"messages.1: `tool_search_tool_regex` {MISSING} `tool_search_tool_result` block",
        id="no result of a tool search",
    ),
    pytest.param(
        [HI, assistant(MCP), HI],
        "messages.1: `ask` tool use with id `m1` was found without a corresponding `mcp_tool_result` block",
        id="no result of an MCP server",
    ),
    pytest.param(
        [HI, assistant(found())],
        "messages.1.content.0: unexpected `tool_use_id` found in `web_search_tool_result` blocks: s1. Each "
        "`web_search_tool_result` block must have a corresponding `server_tool_use` block before it.",
        id="no use",
    ),
    pytest.param(
        [HI, assistant({"type": "text", "text": "a"}, MCP_RESULT)],
        "messages.1.content.1: unexpected `tool_use_id` found in `mcp_tool_result` blocks: m1. Each "
        "`mcp_tool_result` block must have a corresponding `mcp_tool_use` block before it.",
        id="no use of an MCP server",
    ),
]


@pytest.mark.parametrize("turns", ACCEPTED)
def test_conversation_with_server_tools_is_accepted(turns: list[Any]) -> None:
    assert MESSAGES.check(messages({**MINIMAL, "messages": turns})) is None


@pytest.mark.parametrize(("turns", "message"), REFUSED)
def test_conversation_without_pairs_is_refused(turns: list[Any], message: str) -> None:
    failure = MESSAGES.check(messages({**MINIMAL, "messages": turns}))
    assert failure is not None
    assert failure.message == message


@pytest.mark.parametrize(("turns", "message"), REFUSED)
def test_conversation_that_grows_is_refused_equally(turns: list[Any], message: str) -> None:
    """Bodies that continue known ones are checked by their new messages alone."""
    for count in (1, 2, len(turns)):
        body = {**MINIMAL, "max_tokens": 7 + len(message), "messages": turns[:count]}
        failure = MESSAGES.check(of_bytes(dumps(body)))
    assert failure is not None
    assert failure.message == message


def test_strict_server_accepts_its_own_blocks() -> None:
    rules = "rules: [{reply: {server_tools: [{web_search: a}, {bash: ls}, {mcp: {server: a, tool: b}}], text: Hi.}}]"
    server = VirtualServer(rules)
    turns = [HI]
    for _ in range(3):
        response = server.respond(claude_request(messages=turns))
        assert response.status == 200
        turns += [assistant(*response.json["content"]), HI]
