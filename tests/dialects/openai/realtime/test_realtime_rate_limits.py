"""The event of a realtime session that reports the rate limits, after a response begins."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.realtime import RateLimitsUpdatedEvent

from mockllm.dialects.openai.realtime.rate_limits import seconds
from tests.dialects.openai.realtime.test_realtime_session import RealtimeSocket, names

LIMITED = """
modifiers:
  - match: {api: realtime}
    limit: {strategy: token-bucket, requests: 4, tokens: 600, window: 1m}
rules:
  - {match: {user: error}, error: server_error}
  - {match: {user: whole}, http: {body: Hi.}}
  - {reply: Hi.}
"""
REQUESTS_ONLY = """
modifiers:
  - match: {api: realtime}
    limit: {strategy: token-bucket, requests: 4, window: 1m}
rules: [{reply: Hi.}]
"""


def reported(events: list[Any]) -> dict[str, tuple[float, float, float]]:
    """Return limit, remaining and reset of each limit."""
    (event,) = [event for event in events if event["type"] == "rate_limits.updated"]
    read = RateLimitsUpdatedEvent.model_validate(event)
    return {str(each.name): (each.limit, each.remaining, each.reset_seconds) for each in read.rate_limits}  # type: ignore[misc]


def responded(socket: RealtimeSocket, text: str = "hi") -> list[Any]:
    socket.add(text)
    return socket.respond()


def test_event_follows_the_begin_of_the_response() -> None:
    events = responded(RealtimeSocket())
    assert names(events)[:3] == ["response.created", "rate_limits.updated", "response.output_item.added"]
    assert len({event["event_id"] for event in events}) == len(events)
    assert reported(events) == {"requests": (10000, 9999, 0.006), "tokens": (2000000, 1999975, 0.0)}


def test_event_has_the_limits_of_the_scenario() -> None:
    socket = RealtimeSocket(rules=LIMITED)
    first, second = reported(responded(socket)), reported(responded(socket))
    assert (first["requests"][:2], second["requests"][:2]) == ((4, 3), (4, 2))
    assert first["tokens"][0] == 600
    assert second["tokens"][1] < first["tokens"][1] < 600
    assert 0 < first["requests"][2] <= 60


def test_limit_that_the_scenario_lacks_is_the_usual_one() -> None:
    found = reported(responded(RealtimeSocket(rules=REQUESTS_ONLY)))
    assert (found["requests"][:2], found["tokens"][0]) == ((4, 3), 2000000)


def test_failed_response_has_the_event_too() -> None:
    events = responded(RealtimeSocket(rules=LIMITED), "error")
    assert names(events) == ["response.created", "rate_limits.updated", "response.done"]
    assert reported(events)["requests"][:2] == (4, 3)


def test_response_of_another_form_has_no_event() -> None:
    socket = RealtimeSocket(rules=LIMITED.replace("{body: Hi.}", "{body: {type: other}}"))
    assert "rate_limits.updated" not in names(responded(socket, "whole"))


def test_cancelled_response_has_its_items() -> None:
    socket = RealtimeSocket()
    socket.held.add("response.create")
    responded(socket)
    done = socket.send({"type": "response.cancel"}, after=9.0)[-1]
    assert (done["type"], done["response"]["status"]) == ("response.done", "cancelled")
    assert done["response"]["output"][0]["content"][0]["transcript"] == "hi! Turn 1."


@pytest.mark.parametrize(
    ("text", "expected"),
    [("6ms", 0.006), ("0s", 0.0), ("1.2s", 1.2), ("1m11.339s", 71.339), ("2h0m3s", 7203.0)],
)
def test_duration_of_a_header_is_read_in_seconds(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("value", ["none", "-1", "1.5.5s", "٣", "9" * 5000, "{{ user }}"])
def test_header_that_is_no_number_leaves_the_usual_limit(value: str) -> None:
    names = [f"x-ratelimit-{word}-requests" for word in ("limit", "remaining", "reset")]
    headers = ", ".join(f"{name}: '{value}'" for name in names)
    found = reported(responded(RealtimeSocket(rules=f"rules: [{{reply: Hi., headers: {{{headers}}}}}]")))
    assert found["requests"] == (10000, 9999, 0.006)
