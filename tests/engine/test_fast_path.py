"""The fast path: the same responses and the same counts as without it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.engine import engine
from tests.language.virtual_server import (
    ClientRequest,
    VirtualServer,
    chat_request,
    claude_request,
    models_request,
    respond_all,
)

SCENARIO = """
rules:
  - {name: third, match: {user: {contains: count}}, every: 3, reply: third}
  - {name: one, match: {user: {contains: one}}, reply: "one of many"}
  - {name: drawn, match: {user: {contains: drawn}}, choose: [a, b, c]}
  - {name: lax, match: {user: {contains: lax}}, reply: {text: lax, usage: {input_tokens: 3}}}
  - {name: lit, match: {user: lamp}, sets_state: {lamp: true}, reply: lit}
  - {name: out, match: {user: "off"}, sets_state: {lamp: null}, reply: out}
  - {name: dark, match: {user: dark}, requires_state: {lamp: null}, reply: dark}
  - {name: early, match: {user: early}, during: {from: 1s}, reply: early}
  - {name: steps, match: {user: {contains: steps}}, sequence: [first, second, {reply: third, times: 2}], then: cycle}
  - {name: own, match: {user: {contains: mine}}, per: conversation, sequence: [one, two, "{{ model }} three"]}
  - {name: ends, match: {user: {contains: ends}}, per: "header:x-who", sequence: [one, two], then: error}
  - {name: broken, match: {user: {contains: broken}}, sequence: [{error: overloaded}, two], then: cycle}
  - {name: alone, match: {user: {contains: alone}}, per: conversation, reply: alone}
  - {name: named, match: {user: {regex: "named (?P<who>[A-Z]+)"}}, reply: "Hello {{ match.who }}"}
  - {name: absent, match: {user: {contains: absent}}, reply: "Hello {{ query.absent }}"}
  - {name: told, match: {user: {contains: told}}, reply: "{{ user }} by {{ model }}{{ query.more }}"}
  - {name: blank, match: {user: {contains: blank}}, reply: "{{ query.none | default('') }}"}
  - {name: rest, reply: rest}
modifiers:
  - {name: steps-quota, match: {user: few steps}, limit: {strategy: after-n, requests: 9}}
  - {name: few, match: {user: mine too}, limit: {strategy: token-bucket, requests: 20, tokens: 400}}
  - {name: quota, match: {user: limited}, limit: {strategy: after-n, requests: 9}}
  - {name: bucket, match: {user: {contains: metered}}, limit: {strategy: token-bucket, requests: 40, tokens: 900}}
  - {name: window, match: {user: metered}, limit: {strategy: sliding-window, requests: 30, window: 5m}}
  - {name: queue, match: {user: queued}, limit: {strategy: leaky-bucket, requests: 9}}
  - {name: mine, match: {user: metered own}, headers: {x-ratelimit-limit-requests: "7"}}
  - {name: by-address, match: {user: by address}, limit: {strategy: fixed-window, requests: 5}, per: ip}
  - {name: lottery, match: {user: lottery}, limit: {strategy: random, probability: 0.5}}
  - {name: machine, match: {user: loaded}, load: {concurrency: 3, max_inflight: 9}}
  - {name: by-client, match: {user: many steps}, per: ip, headers: {x-steps: "1"}}
  - {name: all, headers: {x-all: "1"}}
  - {name: some, match: {model: gpt-4o}, pace: {itl: 10ms}}
  - {name: now-and-then, match: {user: {contains: one}}, every: 5, headers: {x-fifth: "1"}}
  - {name: jittery, match: {user: {contains: lax}}, pace: {jitter: 10ms}}
"""
USERS = ("one", "one more", "count", "drawn", "lax", "hello", "count one")
IN_TURN = ("steps", "many steps", "few steps", "mine", "mine too", "ends", "broken", "alone")
TEMPLATES = ("named ANN", "named BO", "absent", "told", "blank", "mine", "mine else")
DECIDED = ("lamp", "off", "dark", "early", "limited", "loaded", "queued", "by address", "lottery")
LIMITED = ("metered", "metered own", "limited")


def requested(random: Random) -> Iterator[ClientRequest]:
    for _ in range(1200):
        users = random.choice((USERS, DECIDED, LIMITED, IN_TURN, TEMPLATES))
        user, session = random.choice(users), random.choice((None, None, "a"))
        more: dict[str, Any] = {"stream": True} if random.random() < 0.4 else {}
        if random.random() < 0.1:
            more["surprise"] = 1
        if random.random() < 0.1:
            more["temperature"] = "hot"
        ask = chat_request if random.random() < 0.7 else claude_request
        yield ask(user, session=session, **more)


def received(game: VirtualServer, requests: Iterator[ClientRequest]) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for ask in requests:
        answer = game.respond(ask).planned
        fields = (
            answer.responder_id,
            answer.modifiers,
            answer.notes,
            answer.unmatched,
            answer.error,
            answer.faults,
        )
        steps = answer.plan.steps if answer.plan.streamed else ()
        waits = tuple(step for step in steps if type(step).__name__ == "Wait")
        found.append((sent_bytes(answer.plan), answer.plan.head.headers, waits, *fields))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_fast_path_responds_and_counts_like_a_decision(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    short = received(game := VirtualServer(SCENARIO), requested(Random(seed)))
    assert any(path is not None for path in game.engine._fast_paths.values())
    monkeypatch.setattr(engine, "build_fast_path", lambda *fields, **more: None)
    assert received(VirtualServer(SCENARIO), requested(Random(seed))) == short


def test_fast_paths_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_FAST_PATHS", 1)
    game = VirtualServer(SCENARIO)
    for user in USERS * 3:
        game.respond(chat_request(user))
        assert len(game.engine._fast_paths) <= 1


def test_states_draws_and_loads_have_no_fast_path() -> None:
    game = VirtualServer(SCENARIO)
    for user in ("lamp", "loaded", "dark", "by address", "lottery"):
        for _ in range(3):
            game.respond(chat_request(user))
    assert set(game.engine._fast_paths.values()) == {None}


def test_non_generating_calls_are_refused_on_both_paths() -> None:
    received = respond_all(
        "rules: [{match: {api: models}, reply: x}]", models_request(), models_request(), models_request()
    )
    assert [each.status for each in received] == [400] * 3


def test_cached_from_reproduces_the_response() -> None:
    """Its root, its second and its request's tokens are all that differs."""
    game = VirtualServer(SCENARIO)
    alike = 0
    for ask in requested(Random(7)):
        request = game.engine.read(
            ask.method, ask.path, ask.query, ask.headers, ask.body, ask.client, ask.now
        )
        answer = game.engine.respond(request)
        if answer.cached_from is not None:
            again = answer.cached_from.refilled(answer.id_seed, int(request.now), request.input_tokens)
            assert again == replace(answer, cached_from=None)
            alike += 1
    assert alike > 10


def test_limits_that_charge_at_once_have_a_fast_path() -> None:
    game = VirtualServer(SCENARIO)
    statuses = [game.respond(chat_request("limited")).planned.status for _ in range(12)]
    assert statuses == [200] * 9 + [429] * 3
    assert None not in game.engine._fast_paths.values()


def test_turns_of_a_conversation_need_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversation that is new gets the steps that another conversation had before."""
    rules = "rules: [{per: conversation, sequence: [one, two], then: cycle}]"
    game = VirtualServer(rules)
    first = [game.respond(chat_request("a")).planned for _ in range(8)]
    monkeypatch.setattr(engine.Engine, "_decide_and_plan", None)
    again = [game.respond(chat_request("b")).planned for _ in range(8)]
    texts = [[b"one" in sent_bytes(each.plan) for each in planned] for planned in (first, again)]
    assert texts == [[True, False] * 4] * 2
    assert [each.seed_token for each in again] == [each.seed_token for each in first]
    assert [each.seed_token for each in again][:2] == ["0", "0@1,r0:1:1"]


def test_a_template_that_was_rendered_needs_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    game = VirtualServer("rules: [{reply: 'by {{ model }}, {{ user }}'}]")
    first = [game.respond(chat_request("a")).planned for _ in range(3)]
    monkeypatch.setattr(engine.Engine, "_decide_and_plan", None)
    assert b"gpt-4o, a" in sent_bytes(game.respond(chat_request("a")).planned.plan)
    assert len({sent_bytes(each.plan) for each in first}) == 3


def test_cached_message_is_sent_without_a_look_at_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call of Anthropic's messages stores its response, though no request forbids it."""
    game = VirtualServer("rules: [{reply: Hello.}]")
    for _ in range(3):
        game.respond(claude_request())
    monkeypatch.setattr(engine.Engine, "_store_and_finish", None)
    assert game.respond(claude_request()).text == "Hello."
