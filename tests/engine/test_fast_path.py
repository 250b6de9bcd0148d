"""The short way: the same answers and the same counts as the long one, whoever goes which."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

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
  - {name: rest, reply: rest}
modifiers:
  - {name: quota, match: {user: limited}, limit: {strategy: after-n, requests: 9}}
  - {name: machine, match: {user: loaded}, load: {concurrency: 3, max_inflight: 9}}
  - {name: all, headers: {x-all: "1"}}
  - {name: some, match: {model: gpt-4o}, pace: {itl: 10ms}}
  - {name: now-and-then, match: {user: {contains: one}}, every: 5, headers: {x-fifth: "1"}}
  - {name: jittery, match: {user: {contains: lax}}, pace: {jitter: 10ms}}
"""
USERS = ("one", "one more", "count", "drawn", "lax", "hello", "count one")
DECIDED = ("lamp", "off", "dark", "early", "limited", "loaded")


def asked(random: Random) -> Iterator[ClientRequest]:
    for _ in range(300):
        user, session = random.choice(USERS + DECIDED), random.choice((None, "a"))
        more: dict[str, Any] = {"stream": True} if random.random() < 0.4 else {}
        if random.random() < 0.1:
            more["surprise"] = 1
        if random.random() < 0.1:
            more["temperature"] = "hot"
        ask = chat_request if random.random() < 0.7 else claude_request
        yield ask(user, session=session, **more)


def heard(game: VirtualServer, asks: Iterator[ClientRequest]) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for ask in asks:
        answer = game.respond(ask).planned
        facts = (answer.rule, answer.modifiers, answer.notes, answer.missed, answer.error, answer.faults)
        steps = answer.plan.steps if answer.plan.streamed else ()
        waits = tuple(step for step in steps if type(step).__name__ == "Wait")
        found.append((sent_bytes(answer.plan), sorted(answer.plan.head.headers), waits, *facts))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_fast_path_responds_and_counts_like_a_decision(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    short = heard(game := VirtualServer(SCENARIO), asked(Random(seed)))
    assert any(lane is not None for lane in game.engine._fast_paths.values())
    monkeypatch.setattr(engine, "build_fast_path", lambda *facts: None)
    assert heard(VirtualServer(SCENARIO), asked(Random(seed))) == short


def test_fast_paths_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_FAST_PATHS", 1)
    game = VirtualServer(SCENARIO)
    for user in USERS * 3:
        game.respond(chat_request(user))
        assert len(game.engine._fast_paths) <= 1


def test_states_limits_and_loads_have_no_fast_path() -> None:
    game = VirtualServer(SCENARIO)
    for user in ("lamp", "limited", "loaded", "dark"):
        for _ in range(3):
            game.respond(chat_request(user))
    assert set(game.engine._fast_paths.values()) == {None}


def test_non_generating_calls_are_refused_on_both_paths() -> None:
    heard = respond_all(
        "rules: [{match: {api: models}, reply: x}]", models_request(), models_request(), models_request()
    )
    assert [each.status for each in heard] == [400] * 3


def test_cached_from_reproduces_the_response() -> None:
    """Its root, its second and its request's tokens are all that differs."""
    game = VirtualServer(SCENARIO)
    alike = 0
    for ask in asked(Random(7)):
        request = game.engine.read(
            ask.method, ask.path, ask.query, ask.headers, ask.body, ask.client, ask.now
        )
        answer = game.engine.respond(request)
        if answer.cached_from is not None:
            assert isinstance(answer.seed_source, bytes)
            again = answer.cached_from.again(answer.seed_source, int(request.now), request.input_tokens)
            assert again == answer._replace(cached_from=None)
            alike += 1
    assert alike > 10
