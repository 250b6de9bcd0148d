"""Checks of how retries end, in `gave_up` and `recovered`: cases that show each verdict, and the nearest others."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.plan import CutStep, Delivery, Plan, ResponseHead
from tests.core.verdicts.client_script import ClientScript, streamed, whole
from tests.core.verdicts.retry_scripts import WAIT, Play, at, mixed, pair

NO_ANSWER = Plan(ResponseHead(200, ()), (CutStep("reset", 0),), delivery=Delivery(sends_nothing=True))
CUT_BODY = Plan(ResponseHead(200, ()), (*whole(body="x").steps, CutStep("reset", 0)))
TOO_FEW_TRIES: dict[str, tuple[Play, list[int]]] = {
    "one try": (at(0), [1]),
    "two": (at(0, 0.5), [1, 2]),
    "three, as many as SDKs make": (at(0, 0.5, 1.5), []),
    "the third by the SDK's own count": (at(0, retry=2), []),
    "a 400": (at(0, status=400), []),
    "a success": (at(0, status=200), []),
    "a 503 that the server says not to try again": (at(0, response_headers={"x-should-retry": "false"}), []),
    "money has run out": (at(0, status=429, error="insufficient_quota"), []),
    "money has run out by the body's word": (
        at(0, status=429, body={"error": {"code": "insufficient_quota"}}),
        [],
    ),
    "a minute is to be waited": (at(0, response_headers={"retry-after": "60"}), [1]),
    "two minutes are": (at(0, response_headers={"retry-after": "120"}), []),
    "the connection broke before any answer": (
        at(0, status=200, left="reset", plan=NO_ANSWER, faults=("no_response",)),
        [1],
    ),
    "it broke in the body": (at(0, status=200, left="reset", plan=CUT_BODY), []),
    "the client left": (at(0, status=200, left="gone", plan=streamed([1, 1])), []),
    "another try is under way": (lambda script: (script.send(0, 503), script.send(1, took=None)), []),
    "another model got the same prompt": (
        lambda script: (script.send(0, 503), script.send(1, prompt=[("system", "x"), ("user", "hi")])),
        [],
    ),
    "another model got the same prompt, in a session": (
        lambda script: (
            script.send(0, 503, session="s"),
            script.send(1, session="s", prompt=[("system", "x"), ("user", "hi")]),
        ),
        [],
    ),
    "another prompt followed": (lambda script: (script.send(0, 503), script.send(1, prompt="bye")), [1]),
    "another session sent the same prompt": (
        lambda script: (
            script.send(0, 503),
            script.send(1, session="s", prompt=[("system", "x"), ("user", "hi")]),
        ),
        [1],
    ),
    "another may have been its next try": (
        lambda script: (script.send(0, 503, took=1), script.send(0.5, 503, took=1), script.send(3, 503)),
        [],
    ),
}


@pytest.mark.parametrize(("play", "shows"), TOO_FEW_TRIES.values(), ids=TOO_FEW_TRIES)
def test_gave_up_needs_fewer_than_three_tries(play: Play, shows: list[int]) -> None:
    script = ClientScript()
    play(script)
    assert script.verdicts().get("gave_up", []) == shows


@pytest.mark.parametrize(
    ("headers", "now", "expected"),
    [({}, 9.0, False), ({}, 11.0, True), (WAIT, 10.5, False), (WAIT, 11.5, True)],
)
def test_gave_up_while_clients_run_needs_quiet_time(
    headers: dict[str, str], now: float, expected: bool
) -> None:
    script = ClientScript()
    script.send(0, 503, response_headers=headers)
    assert ("gave_up" in script.verdicts(now, over=False)) == expected
    assert "gave_up" in script.verdicts(now)


GONE = streamed([1, 1, 1])
RECOVERED: dict[str, tuple[Play, list[int]]] = {
    "at the second try": (pair(1.0, 503), [1, 2]),
    "at the third": (mixed((0, 429), (1, 503), (3, 200)), [1, 2, 3]),
    "never": (mixed((0, 429), (1, 503), (3, 503)), []),
    "at once": (mixed((0, 200), (1, 200)), []),
    "behind a refusal for good": (pair(1.0, 400), []),
    "behind an answer that the client did not wait for": (
        lambda script: (script.send(0, left="gone", took=5, plan=GONE), script.send(6)),
        [1, 2],
    ),
    "behind a stream that was cut": (
        lambda script: (script.send(0, left="close", plan=streamed([0, 0], cut="close")), script.send(1)),
        [1, 2],
    ),
    "behind an answer that ended with its connection": (
        lambda script: (
            script.send(
                0,
                left="close",
                plan=Plan(ResponseHead(200, ()), (), delivery=Delivery(body_end="connection_end")),
            ),
            script.send(1),
        ),
        [],
    ),
    "behind one that a fault spoilt": (pair(1.0, 200, faults=("malformed",)), [1, 2]),
    "after a fault that is harmless": (pair(1.0, 200, faults=("crlf",)), []),
    "the answer is not there yet": (lambda script: (script.send(0, 503), script.send(1, took=None)), []),
    "a client's timeout that the server sees late": (
        lambda script: (script.send(0, left="gone", took=5, plan=GONE, retry=0), script.send(4, retry=1)),
        [1, 2],
    ),
    "the same, and it does not count": (
        lambda script: (script.send(0, left="gone", took=5, plan=GONE), script.send(4)),
        [],
    ),
    "behind one that is under way still": (
        lambda script: (
            script.send(0, took=None, retry=0),
            script.send(0, 503, prompt="x"),
            script.send(4, retry=1),
        ),
        [1, 3],
    ),
}


@pytest.mark.parametrize(("play", "shows"), RECOVERED.values(), ids=RECOVERED)
def test_recovered_needs_complete_response_after_failure(play: Play, shows: list[int]) -> None:
    script = ClientScript()
    play(script)
    assert script.verdicts().get("recovered", []) == shows


def test_gave_up_ignores_requests_with_lost_earlier_tries() -> None:
    script = ClientScript()
    script.send(0, 503)
    script.send(200, 503, prompt="later")
    assert (script.verdicts(lost=True), script.verdicts()) == ({"gave_up": [2]}, {"gave_up": [1, 2]})
    assert ClientScript().reports(lost=True) == []
