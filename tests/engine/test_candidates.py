"""Claims: what is remembered of them is what was found."""

from __future__ import annotations

import pytest

from mockllm.engine import candidates
from tests.language.virtual_server import VirtualServer, chat_request

SCENARIO = """
rules:
  - {name: once, match: {user: {contains: one}}, times: 1, reply: once}
  - {name: mine, match: {user: {contains: two}}, per: api_key, reply: mine}
  - {name: case, match: {user: {regex: "case \\\\d"}}, reply: case}
  - {name: all, reply: all}
modifiers:
  - {name: a, match: {user: {contains: one}}, headers: {x-a: "1"}}
  - {name: b, match: {model: gpt-*}, headers: {x-b: "1"}}
"""
REQUESTED = {
    "one": ("once", {"x-a", "x-b"}),
    "one more": ("all", {"x-a", "x-b"}),
    "two": ("mine", {"x-b"}),
    "case 3": ("case", {"x-b"}),
    "case": ("all", {"x-b"}),
    "three": ("all", {"x-b"}),
}


@pytest.mark.parametrize("known", [10_000, 1], ids=["remembered", "hardly remembered"])
def test_cached_candidates_equal_found_ones(known: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MAX_CACHED_MATCHES", known)
    game = VirtualServer(SCENARIO)
    for turn in range(3):
        for user, (rule, headers) in REQUESTED.items():
            received = game.respond(chat_request(user))
            assert received.rule == ("all" if rule == "once" and turn else rule), user
            assert {name for name in received.headers if name in ("x-a", "x-b")} == headers
