"""The seed that a response states reproduces the response."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mockllm.engine.seed_token import read_seed_token, token_of
from tests.language.virtual_server import (
    NOW,
    ClientRequest,
    ClientResponse,
    VirtualServer,
    chat_request,
    claude_request,
)

RULES = """
rules:
  - {name: seldom, match: {user: gamble}, chance: 10%, reply: "won {{ model }}"}
  - name: chosen
    match: {user: choose}
    choose: [one, two, {weight: 2, reply: three}]
  - name: steps
    match: {user: steps}
    per: api_key
    sequence: [{reply: first, times: 2}, second, third]
    then: fall_through
  - name: made
    match: {user: made}
    reply: {tool_calls: [{name: look, arguments: from_schema}]}
  - {name: rest, fallback: true, reply: {text: {sentences: [1, 6]}}}
modifiers:
  - name: paced
    match: {stream: true}
    pace: {ttft: [100ms, 2s], itl: {lognormal: {median: 20ms, p99: 200ms}}, jitter: 10ms}
  - {name: late, match: {user: late}, chance: 30%, delay: [1s, 5s]}
  - {name: cut, match: {user: cut}, every: 3, faults: [malformed]}
  - {name: out, match: {user: out}, chance: 50%, error: overloaded}
"""
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    },
}
SEEDS = [0, 7, -3, 10**18]


def whole(received: ClientResponse) -> object:
    """All of a response: its content, its times, and its head."""
    return (
        received.status,
        received.headers,
        received.timed_bytes,
        received.delay,
        received.rule,
        received.modifiers,
    )


def replayed(requested: ClientRequest, seed: str) -> ClientRequest:
    """The same request with that seed, in a separate session."""
    return replace(
        requested, headers={**requested.headers, "x-mockllm-seed": seed, "x-mockllm-session": "again"}
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("user", ["gamble", "choose", "steps", "late", "cut", "out", "hi"])
@pytest.mark.parametrize("say", [chat_request, claude_request])
@pytest.mark.covering
def test_a_token_reproduces_any_response(say, user: str, seed: int) -> None:  # type: ignore[no-untyped-def]
    game = VirtualServer(RULES, seed=seed)
    for number in range(12):
        game.respond(chat_request("noise", key=str(number)))
        requested = say(user, key="a", stream=number % 2 == 0)
        first = game.respond(requested)
        stated = token_of(first.planned.seed_token, first.planned.id_seed)
        assert whole(VirtualServer(RULES).respond(replayed(requested, stated))) == whole(first), (
            number,
            stated,
        )


def test_a_token_reproduces_fake_data() -> None:
    game = VirtualServer(RULES, seed=5)
    requested = chat_request("made", tools=[TOOL])
    reported = [game.respond(requested) for _ in range(5)]
    assert len({str(each.calls) for each in reported}) > 1
    for each in reported:
        again = VirtualServer(RULES).respond(replayed(requested, each.planned.seed_token))
        assert again.bytes == each.bytes


def test_a_cached_response_has_a_token_by_number() -> None:
    game = VirtualServer("rules: [{reply: hi}]", seed=3)
    reported = [game.respond(chat_request()) for _ in range(5)]
    last = reported[4].planned
    assert last.seed_token == ""
    assert token_of("", last.id_seed) == "3@4"
    assert token_of("", b"3||0|") == "3"
    assert (
        VirtualServer("rules: [{reply: hi}]").respond(replayed(chat_request(), "3@4")).bytes
        == reported[4].bytes
    )


def test_the_first_position_is_the_seed_alone() -> None:
    assert VirtualServer(RULES, seed=9).respond(chat_request()).planned.seed_token == "9"
    assert VirtualServer("rules: []").respond(chat_request()).planned.seed_token == "0"


def test_a_reproduced_request_is_counted() -> None:
    game = VirtualServer(RULES)
    texts = [
        game.respond(replayed(chat_request("steps"), seed)).text for seed in ("0@2,r0:2:2", "0", "0", "0")
    ]
    assert texts == ["second", "first", "second", "third"]


def test_a_reproduced_response_of_a_blocked_rule_has_its_token() -> None:
    game = VirtualServer("rules: [{name: a, times: 1, reply: a}, {name: b, reply: b}]", seed=7)
    game.respond(chat_request())
    again = game.respond(replace(chat_request(), headers={"x-mockllm-seed": "7@0,r0:0:0"}))
    assert (again.text, again.planned.seed_token) == ("a", "7@0,r0:0:0")


def test_a_reproduced_request_meets_present_limits() -> None:
    rules = """
    rules: [{reply: hi}]
    modifiers: [{limit: {strategy: fixed-window, requests: 1, window: 1m}}]
    """
    game = VirtualServer(rules)
    first, second = (game.respond(replayed(chat_request(), "0@5")) for _ in range(2))
    assert (first.status, second.status) == (200, 429)


def test_a_reproduced_refusal_stays_a_refusal() -> None:
    game = VirtualServer("rules: [{match: {user: hi}, chance: 50%, reply: hi}]")
    lost = [game.respond(chat_request("hi")) for _ in range(20)]
    assert {each.status for each in lost} == {200, 404}
    for each in lost:
        assert (
            VirtualServer("rules: [{match: {user: hi}, chance: 50%, reply: hi}]")
            .respond(replayed(chat_request("hi"), each.planned.seed_token))
            .status
            == each.status
        )
    assert game.respond(replayed(chat_request("hi", temperature="x"), "0@9,r0:1:1")).status == 400


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7", (7, None)),
        ("-7", (-7, None)),
        ("7@0", (7, (0, {}))),
        ("7@3,r0:1:2,m12:3:4", (7, (3, {("r", 0): (1, 2), ("m", 12): (3, 4)}))),
        *(
            (text, None)
            for text in ("", "x", "7@", "@1", "7@1,", "7@1,x0:1:1", "7@1,r0:1", "1" * 20, "7 ", "٧")
        ),
    ],
)
def test_read_seed_token_accepts_tokens_only(text: str, found: object) -> None:
    assert read_seed_token(text) == found


def test_the_time_is_the_requests_own() -> None:
    game = VirtualServer(RULES)
    first = game.respond(chat_request("hi", now=NOW + 5))
    assert VirtualServer(RULES).respond(chat_request("hi", now=NOW + 5)).bytes == first.bytes
    assert VirtualServer(RULES).respond(chat_request("hi", now=NOW + 9)).bytes != first.bytes
