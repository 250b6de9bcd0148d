"""Server tools as blocks of Anthropic's messages: each kind, uses without a result, and where a turn goes on."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.reply.reply import SERVER_TOOL, Choice, NativePart, Reply, Text, Usage
from mockllm.dialects.anthropic.server_tools import PendingUse, generated_block, pending_uses
from tests.dialects.anthropic.messages_requests import IDENTITY, encode_body, encode_stream
from tests.language.virtual_server import ClientRequest, VirtualServer, claude_request

ALL = """
rules:
  - match: {user: paused}
    sequence:
      - reply: {parts: [One moment., server_tools: [{web_search: rain}]], finish_reason: paused}
      - reply:
          server_tools: [{web_search: {query: rain, sources: ["https://a.example"]}}]
          text: It rains.
  - match: {user: both}
    sequence:
      - reply:
          server_tools: [{mcp: {server: deep, tool: ask}}, {web_search: {query: x, pending: true}}]
          tool_calls: [{name: f}]
      - reply: {server_tools: [{web_search: x}, {web_search: y}], text: So.}
  - reply:
      parts:
        - server_tools:
            - web_search: {query: q, sources: [{url: "https://b.example", title: B, page_age: 1 day ago}]}
            - web_search: {query: q, error: max_uses_exceeded}
            - web_search: {open: "https://a.example"}
            - web_fetch: {url: "https://a.example", text: hello, title: A}
            - web_fetch: {url: "https://a.example", error: url_not_accessible}
            - code_interpreter: {code: print(1), logs: "1", files: [file_1]}
            - code_interpreter: {code: x, error: unavailable}
            - bash: {command: ls, stdout: a, stderr: b, return_code: 2}
            - bash: {command: ls, error: unavailable}
            - text_editor: {command: create, path: a.txt, text: hi}
            - text_editor: {command: view, path: a.txt, text: hi}
            - text_editor: {command: str_replace, path: a.txt, old: hi, new: ho}
            - text_editor: {command: view, path: b.txt, error: file_not_found}
            - tool_search: {query: weather, tools: [get_weather]}
            - tool_search: {query: "wea.*", by: regex, error: unavailable}
            - advisor: Ship it.
            - advisor: {error: overloaded}
            - mcp: {server: deep, tool: ask, arguments: {q: 1}, output: {n: 42}}
            - mcp: {server: deep, tool: ask, arguments: "{", output: plain, approval: true}
            - mcp: {server: deep, tool: ask, error: broken}
            - mcp_tools: {server: deep, tools: [{name: ask}]}
            - file_search: x
        - text: Done.
          citations: ["https://a.example"]
"""
NAMES = [
    *("web_search", "web_search", "web_fetch", "web_fetch", "web_fetch", "code_execution", "code_execution"),
    *("bash_code_execution", "bash_code_execution", *["text_editor_code_execution"] * 4),
    *("tool_search_tool_bm25", "tool_search_tool_regex", "advisor", "advisor", "ask", "ask", "ask"),
]


def content(sent: ClientRequest) -> list[Any]:
    blocks: list[Any] = VirtualServer(ALL).respond(sent).json["content"]
    return blocks


def test_each_server_tool_has_a_use_and_a_result() -> None:
    blocks = content(claude_request())
    uses = [block for block in blocks if block["type"] in ("server_tool_use", "mcp_tool_use")]
    assert [use["name"] for use in uses] == NAMES
    for use in uses:
        result = blocks[blocks.index(use) + 1]
        assert (result["tool_use_id"], result["type"].endswith("_tool_result")) == (use["id"], True)
    assert len({use["id"] for use in uses}) == len(uses)
    assert {use["id"][:10] for use in uses} == {"srvtoolu_0", "mcptoolu_0"}
    assert [block["type"] for block in blocks[-2:]] == ["mcp_tool_listing", "text"]


def test_failed_uses_have_the_code_of_their_error() -> None:
    results = [block["content"] for block in content(claude_request()) if "tool_use_id" in block]
    codes = [each["error_code"] for each in results if isinstance(each, dict) and "error_code" in each]
    assert codes == [
        *("max_uses_exceeded", "url_not_accessible", "unavailable", "unavailable", "file_not_found"),
        *("unavailable", "overloaded"),
    ]


def test_results_have_the_content_of_the_scenario() -> None:
    blocks = content(claude_request())
    results = [block for block in blocks if "tool_use_id" in block]
    (page,) = results[0]["content"]
    assert (page["title"], page["page_age"], page["encrypted_content"][:4]) == ("B", "1 day ago", "EqkC")
    assert results[3]["content"]["retrieved_at"] == "2023-11-14T22:13:20+00:00"
    assert results[5]["content"]["content"] == [{"type": "code_execution_output", "file_id": "file_1"}]
    assert (results[7]["content"]["stderr"], results[7]["content"]["return_code"]) == ("b", 2)
    assert results[11]["content"]["lines"] == ["-hi", "+ho"]
    assert [(each["is_error"], each["content"][0]["text"]) for each in results[-3:]] == [
        (False, '{"n":42}'),
        (False, "plain"),
        (True, "broken"),
    ]


def test_usage_counts_searches_and_fetches_with_a_result() -> None:
    counts = {"web_search_requests": 1, "web_fetch_requests": 2}
    whole = VirtualServer(ALL).respond(claude_request()).json
    assert whole["usage"]["server_tool_use"] == counts
    events = VirtualServer(ALL).respond(claude_request(stream=True)).events
    (last,) = [event.json for event in events if event.name == "message_delta"]
    assert last["usage"]["server_tool_use"] == counts
    assert last["delta"]["container"]["id"].startswith("container_01")


def test_mcp_alone_is_not_counted() -> None:
    reply = Reply(
        (Choice((NativePart("anthropic", {"type": "mcp_tool_result", "tool_use_id": "m"}),)),), Usage(1, 1)
    )
    assert "server_tool_use" not in encode_body(reply)["usage"]


def test_stream_and_body_have_the_same_blocks() -> None:
    streamed = VirtualServer(ALL).respond(claude_request(stream=True)).events
    opened = [event.json["content_block"] for event in streamed if event.name == "content_block_start"]
    assert [block["type"] for block in opened] == [block["type"] for block in content(claude_request())]


def test_left_out_tools_are_named() -> None:
    assert "server_tools left out: messages of anthropic has no file_search" in (
        VirtualServer(ALL).respond(claude_request()).notes
    )


def test_paused_turn_goes_on_with_the_result() -> None:
    server = VirtualServer(ALL)
    first = server.respond(claude_request("paused")).json
    assert (first["stop_reason"], [block["type"] for block in first["content"]]) == (
        "pause_turn",
        ["text", "server_tool_use"],
    )
    turns = [{"role": "user", "content": "paused"}, {"role": "assistant", "content": first["content"]}]
    second = server.respond(claude_request(messages=turns)).json
    assert (second["stop_reason"], [block["type"] for block in second["content"]]) == (
        "end_turn",
        ["web_search_tool_result", "text"],
    )
    assert second["content"][0]["tool_use_id"] == first["content"][1]["id"]
    assert second["usage"]["server_tool_use"]["web_search_requests"] == 1


def test_use_beside_a_call_goes_on_after_the_calls_result() -> None:
    server = VirtualServer(ALL)
    first = server.respond(claude_request("both")).json
    assert [block["type"] for block in first["content"]] == [
        *("mcp_tool_use", "mcp_tool_result", "server_tool_use", "tool_use")
    ]
    result = {"type": "tool_result", "tool_use_id": first["content"][-1]["id"], "content": "1"}
    turns = [
        {"role": "user", "content": "both"},
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [result]},
    ]
    second = server.respond(claude_request(messages=turns)).json
    assert [block["type"] for block in second["content"]] == [
        *("web_search_tool_result", "server_tool_use", "web_search_tool_result", "text")
    ]
    assert second["content"][0]["tool_use_id"] == first["content"][2]["id"]


USE: Any = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
PENDING = (PendingUse("web_search", "s"),)


def turn(role: str, *blocks: Any) -> Any:
    return {"role": role, "content": list(blocks)}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([turn("assistant", USE)], PENDING),
        ([turn("assistant", USE, {"type": "web_search_tool_result", "tool_use_id": "s"})], ()),
        ([turn("assistant", USE), turn("user", {"type": "tool_result"})], PENDING),
        ([turn("assistant", USE), turn("user", {"type": "text"})], ()),
        ([turn("assistant", USE), {"role": "user", "content": "hi"}], ()),
        ([turn("assistant", USE), turn("user", "odd")], ()),
        ([turn("user", {"type": "tool_result"})], ()),
        ([turn("user", USE), turn("user", {"type": "tool_result"})], ()),
        (["odd"], ()),
    ],
)
def test_pending_uses_are_those_of_the_open_turn(messages: list[Any], expected: Any) -> None:
    assert pending_uses(messages) == expected


def test_supported_reply_is_supported_again() -> None:
    use = NativePart(SERVER_TOOL, {"kind": "advisor", "text": "Yes.", "error": None, "pending": False})
    reply = Reply((Choice((use, Text(("a",)))),), Usage(1, 1))
    assert len(encode_body(reply)["content"]) == 3
    assert len([event for event in encode_stream(reply) if event["type"] == "content_block_stop"]) == 3


@pytest.mark.parametrize("block", ["odd", {"type": "web_search_tool_result", "content": [{"url": "x"}]}])
def test_native_block_without_generated_members_stays(block: Any) -> None:
    assert generated_block(block, 0, IDENTITY) == block
