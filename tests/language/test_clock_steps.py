"""Limits, time windows and sessions where the wall clock is set forward or back: only the monotonic clock counts."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import NOW, ClientRequest, VirtualServer, chat_request

STEPS = pytest.mark.parametrize("step", [-3600.0, 3600.0], ids=["an hour back", "an hour forward"])
LIMITED = """
modifiers:
  - limit: {requests: 1, window: 60s, strategy: %s}
rules:
  - reply: ok
"""


def at(seconds: float, step: float = 0.0, **more: str) -> ClientRequest:
    """Return a request so many seconds after the start, on a wall clock that was set by `step`."""
    return chat_request(now=NOW + seconds + step, monotonic=50.0 + seconds, **more)


@STEPS
@pytest.mark.parametrize("strategy", ["fixed-window", "sliding-window", "token-bucket"])
def test_limit_ignores_steps_of_the_wall_clock(step: float, strategy: str) -> None:
    server = VirtualServer(LIMITED % strategy)
    assert server.respond(at(0)).status == 200
    refused = server.respond(at(1, step))
    assert (refused.status, refused.headers["retry-after"]) == (429, "59")
    assert server.respond(at(61, step)).status == 200


@STEPS
def test_window_ignores_steps_of_the_wall_clock(step: float) -> None:
    server = VirtualServer("rules: [{during: {to: 10s}, reply: early}, {reply: late}]")
    times = [at(0), at(9, step), at(11, step)]
    assert [server.respond(each).text for each in times] == ["early", "early", "late"]


@STEPS
def test_session_ignores_steps_of_the_wall_clock(step: float) -> None:
    server = VirtualServer("rules: [{times: 1, reply: first}, {reply: again}]")
    server.engine.state.unused_timeout = 10.0
    times = [at(0, session="a"), at(9, step, session="a"), at(20, step, session="a")]
    assert [server.respond(each).text for each in times] == ["first", "again", "first"]
    assert server.engine.state.sessions()["a"].last_used == NOW + 20 + step
