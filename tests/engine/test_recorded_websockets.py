"""Replays of WebSockets: for handshakes alone, in the recorded times or by the scenario's pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from mockllm.core.rendering.plan import WaitStep
from mockllm.core.rendering.websocket_session import PlayMessages, WebSocketSession
from tests.language.virtual_server import NOW, VirtualServer

TALK = """
      messages:
        - {at: 0s, data: one}
        - {at: 10s, data: two}
        - three
"""
RULE = """
rules:
  - match: {path: /v1/responses}
    replay:
      headers: {x-a: b}
"""


def planned(rules: str, method: str = "GET", **headers: str) -> Any:
    engine = VirtualServer(rules).engine
    return engine.respond(
        engine.read(method, "/v1/responses", "", headers, b'{"model":"m","input":"x"}', "", NOW)
    )


def opening_waits(rules: str) -> list[float]:
    plan = planned(rules, upgrade="websocket").plan
    assert (plan.head.status, ("x-a", "b") in plan.head.headers) == (101, True)
    (action,) = cast(WebSocketSession, plan.delivery.websocket_factory()).opening()
    assert isinstance(action, PlayMessages)
    return [step.seconds for step in action.plan.steps if isinstance(step, WaitStep)]


@pytest.mark.parametrize(
    ("timing", "waits"),
    [
        ("", [10.0]),
        ("      timing: 2x\n", [5.0]),
        ("      timing: none\n", []),
        ("      timing: none\n    pace: {ttft: 1s, itl: 3s}\n", [1.0, 3.0, 3.0]),
    ],
)
def test_waits_are_recorded_or_the_scenarios(timing: str, waits: list[float]) -> None:
    rules = RULE + TALK.lstrip("\n") + timing
    assert opening_waits(rules) == waits


def test_turns_are_the_same_for_the_next_socket() -> None:
    engine = VirtualServer(RULE + TALK.lstrip("\n")).engine
    head = ("GET", "/v1/responses", "", {"upgrade": "websocket"}, b"", "", NOW)
    first, second = (engine.respond(engine.read(*head)).plan for _ in range(2))
    factories = [
        cast(Callable[[], WebSocketSession], plan.delivery.websocket_factory) for plan in (first, second)
    ]
    one, two = (new_session().opening() for new_session in factories)
    assert one == two


def test_request_that_opens_no_socket_is_refused() -> None:
    got = planned(RULE + TALK.lstrip("\n"), "POST")
    assert got.plan.head.status == 400
    assert "it replays the messages of a WebSocket, and this request opens none" in got.notes[0]


def test_replay_of_frames_is_not_for_handshakes() -> None:
    got = planned(RULE + "      frames: [x]\n", upgrade="websocket")
    assert (got.plan.head.status, got.responder_id) == (101, "openai:handshake")
