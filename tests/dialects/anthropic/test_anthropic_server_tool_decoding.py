"""Server tools of Anthropic's responses in provider-neutral form: what a reply says is decoded again, and
replayed."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.dialects.anthropic.messages import MESSAGES
from mockllm.dialects.anthropic.server_tool_decoder import ServerToolCollector
from mockllm.dialects.decoded_response import DecodedServerTool
from tests.language.virtual_server import VirtualServer, claude_request, raw_request

PAGE = {"url": "https://a.example", "title": "A", "page_age": None}
RAN = {"stderr": "", "return_code": 0, "files": ["file_1"]}
WORDS: list[tuple[str, Any]] = [
    ("web_search", {"query": "q", "sources": [PAGE]}),
    ("web_search", {"query": "q", "sources": [], "error": "unavailable"}),
    ("web_fetch", {"url": "https://a.example", "title": "A", "text": "hello"}),
    ("code_interpreter", {"code": "print(1)", "logs": "1", **RAN}),
    ("bash", {"command": "ls", "stdout": "a", **RAN}),
    ("text_editor", {"command": "view", "path": "a.txt", "text": "hi", "old": "", "new": ""}),
    ("text_editor", {"command": "create", "path": "a.txt", "text": "hi", "old": "", "new": ""}),
    ("text_editor", {"command": "str_replace", "path": "a.txt", "text": "", "old": "a", "new": "b"}),
    ("tool_search", {"query": "q", "tools": ["f"], "by": "words"}),
    ("tool_search", {"query": "q.*", "tools": [], "by": "regex"}),
    ("advisor", {"text": "Yes."}),
    ("mcp", {"server": "deep", "tool": "ask", "arguments": {"q": 1}, "output": "42"}),
    ("mcp", {"server": "deep", "tool": "ask", "arguments": {}, "error": "broken"}),
    ("mcp_tools", {"server": "deep", "tools": [{"name": "ask", "input_schema": {"type": "object"}}]}),
    ("web_search", {"query": "q", "sources": [], "pending": True}),
]
EXPECTED = tuple(DecodedServerTool(kind, words) for kind, words in WORDS)


def rules() -> str:
    tools = dumps([{kind: words} for kind, words in WORDS]).decode()
    return f"rules: [{{reply: {{server_tools: {tools}, text: Done.}}}}]"


@pytest.mark.parametrize("stream", [False, True])
def test_server_tools_are_decoded_as_they_were_written(stream: bool) -> None:
    response = VirtualServer(rules()).respond(claude_request(stream=stream))
    decoded = MESSAGES.decode(response.planned.plan)
    assert decoded is not None
    assert decoded.server_tools == EXPECTED
    assert (decoded.text, decoded.calls) == ("Done.", ())
    assert decoded.chunks is None or "".join(decoded.chunks) == "Done."


@pytest.mark.parametrize("stream", [False, True])
def test_recorded_server_tools_are_replayed_as_a_reply(stream: bool) -> None:
    recorded = VirtualServer(rules()).respond(claude_request(stream=stream))
    headers = {"content-type": recorded.headers["content-type"]}
    replay = {"as": "reply", "frames": [{"data": recorded.bytes.decode()}], "headers": headers}
    server = VirtualServer(f"rules: [{{replay: {dumps(replay).decode()}}}]")
    again = server.respond(claude_request())
    types = [block["type"] for block in VirtualServer(rules()).respond(claude_request()).json["content"]]
    assert [block["type"] for block in again.json["content"]] == types
    other = server.respond(raw_request("/v1/responses", {"model": "m", "input": "hi"}))
    assert other.json["output"][0]["action"]["query"] == "q"


def collected(*blocks: Any) -> list[tuple[str, Any]]:
    collector = ServerToolCollector()
    for index, block in enumerate(blocks):
        collector.add(index, block)
    return [(tool.kind, tool.words) for tool in collector.decoded()]


def test_result_of_an_earlier_use_is_for_both() -> None:
    found = {
        "type": "web_search_tool_result",
        "tool_use_id": "s",
        "content": [{"url": "u", "title": "t"}, "odd"],
    }
    page = {"url": "u", "title": "t", "page_age": None}
    assert collected(found) == [("web_search", {"query": "", "sources": [page]})]
    result = {"type": "mcp_tool_result", "tool_use_id": "s", "content": "plain"}
    assert collected(result) == [("mcp", {"server": "", "tool": "mcp", "arguments": {}, "output": "plain"})]


@pytest.mark.parametrize(
    "block",
    [
        *("odd", {"type": "text"}, {"type": ["odd"]}, {"type": "server_tool_use", "name": "odd"}),
        {"type": "server_tool_use", "name": 7, "id": "s"},
    ],
)
def test_other_blocks_are_no_server_tools(block: Any) -> None:
    assert collected(block) == []


@pytest.mark.parametrize(
    "name", ["web_search", "web_fetch", "code_execution", "tool_search_tool_regex", "advisor"]
)
@pytest.mark.parametrize(
    "content", [None, 7, "odd", [7], {}, {"content": 7, "return_code": "x", "error_code": 7}]
)
def test_odd_contents_are_decoded(name: str, content: Any) -> None:
    use = {"type": "server_tool_use", "name": name, "id": "s", "input": content}
    result = {"type": "advisor_tool_result", "tool_use_id": "s", "content": content}
    assert len(collected(use, result)) == 1


def test_odd_ids_are_decoded() -> None:
    use = {"type": "server_tool_use", "name": "advisor", "id": ["s"], "input": {}}
    result = {"type": "advisor_tool_result", "tool_use_id": ["s"], "content": {"text": "Yes."}}
    assert collected(use, result) == [("advisor", {"text": "Yes."})]


def test_input_that_is_no_json_is_ignored() -> None:
    collector = ServerToolCollector()
    collector.add(0, {"type": "server_tool_use", "name": "web_search", "id": "s", "input": {}})
    assert collector.add_input(0, "{")
    assert not collector.add_input(1, "{")
    (tool,) = collector.decoded()
    assert tool.words == {"query": "", "sources": [], "pending": True}
