"""The note on tools that a rule calls by names and that the request does not offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.language.virtual_server import VirtualServer, raw_request

RULES = """
rules:
  - {match: {user: one}, reply: {tool_calls: [{name: find_ordr, arguments: {}}]}}
  - match: {user: two}
    reply: {choices: [{tool_calls: [{name: look}]}, {parts: [{tool_calls: [{name: b}, {name: a}]}]}]}
  - {match: {user: generated}, reply: {tool_calls: from_schema}}
  - {match: {user: template}, reply: {tool_calls: [{name: "{{ model }}"}]}}
"""


def chat(user: str, *tools: object) -> Any:
    listed = [
        {"type": "function", "function": {"name": name}} if type(name) is str else name for name in tools
    ]
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": user}]}
    return raw_request("/v1/chat/completions", body | ({"tools": listed} if tools else {}))


def notes(server: VirtualServer, request: Any) -> Sequence[str]:
    return server.respond(request).planned.notes


@pytest.mark.parametrize(
    ("user", "tools", "text"),
    [
        ("one", ["find_order"], 'calls "find_ordr", but the request offers "find_order"'),
        ("two", ["look", "c"], 'calls "a", "b", but the request offers "look", "c"'),
        ("one", [*"abcdef"], 'calls "find_ordr", but the request offers "a", "b", "c", "d", "e" …'),
    ],
)
def test_call_of_unoffered_tool_has_note(user: str, tools: list[str], text: str) -> None:
    server = VirtualServer(RULES)
    for _ in range(4):  # planned, cached, and from the cache
        assert notes(server, chat(user, *tools)) == (text,)


@pytest.mark.parametrize(
    ("user", "tools"),
    [
        ("one", []), ("one", ["find_ordr"]), ("generated", ["find_order"]), ("template", ["find_order"]),
    ],
)  # fmt: skip
def test_other_call_has_no_note(user: str, tools: list[str]) -> None:
    server = VirtualServer(RULES)
    for _ in range(4):
        assert notes(server, chat(user, *tools)) == ()


def test_tool_that_an_item_adds_is_offered() -> None:
    function = {"type": "function", "name": "find_ordr", "parameters": {"type": "object", "properties": {}}}
    added = {"type": "additional_tools", "role": "developer", "tools": [function]}
    items = [added, {"role": "user", "content": "one"}]
    body = {"model": "m", "input": items, "tools": [function | {"name": "other"}]}
    server = VirtualServer(RULES)
    assert notes(server, raw_request("/v1/responses", body)) == ()
    (note,) = notes(server, raw_request("/v1/responses", body | {"input": "one"}))
    assert note == 'calls "find_ordr", but the request offers "other"'
    searching = {"input": "one", "tools": [*body["tools"], {"type": "web_search"}]}
    assert notes(server, raw_request("/v1/responses", body | searching)) == ()


def test_unoffered_tool_and_unknown_field_have_notes() -> None:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "one"}], "colour": 1}
    body["tools"] = [{"type": "function", "function": {"name": "find_order"}}]
    request = raw_request("/v1/chat/completions", body)
    assert len(notes(VirtualServer(RULES), request)) == 2
