"""Checks of how a client reads responses: cases that show each verdict, and the nearest cases that do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mockllm.core.faults import FAULTS
from mockllm.core.rendering.plan import CutStep, Delivery, Plan, ResponseHead, Throttle
from mockllm.core.verdicts import Client
from mockllm.core.verdicts.observed_request import SPOILING_FAULTS
from mockllm.core.verdicts.stream_checks import SILENT_FAULTS
from tests.core.verdicts.client_script import ClientScript, streamed
from tests.sdk.fault_outcomes import OUTCOMES

Play = Callable[[ClientScript], object]
Turns = Sequence[tuple[str, str]]

USER = ("user", "Tell me.")
CUT = ("assistant", "Once upon a")
MORE = ("user", "And then?")


def continued(*later: Turns, **options: Any) -> Play:
    """A stream that was cut after `Once upon a`, and later requests."""

    def play(script: ClientScript) -> None:
        cut: dict[str, Any] = {
            "left": "close",
            "plan": streamed([0, 0], cut="close"),
            "unfinished": "Once upon a ",
            "stream": True,
        }
        script.send(0, prompt=[("system", "Be brief."), USER], **(cut | options))
        for number, turns in enumerate(later, 1):
            script.send(number, prompt=turns)

    return play


ACCEPTED: dict[str, tuple[Play, list[int]]] = {
    "the cut text is the assistant's, and the conversation continues": (continued([USER, CUT, MORE]), [1, 2]),
    "behind other things": (continued([("user", "other")], [USER, CUT, MORE], [USER, CUT, MORE]), [1, 3]),
    "with tools called since": (continued([USER, CUT, ("user", "x"), ("assistant", "y"), MORE]), [1, 2]),
    "in a longer conversation": (continued([("system", "Other."), USER, CUT, MORE]), [1, 2]),
    "it is the last message, for the model to complete": (continued([USER, CUT]), []),
    "it is there twice, and once after that prompt": (
        continued([("user", "Other."), CUT, ("user", "x"), USER, CUT, MORE], unfinished="Once upon a"),
        [1, 2],
    ),
    "it is there twice, and after that prompt last": (
        continued([("user", "Other."), CUT, USER, CUT]),
        [],
    ),
    "the later request came before the cut": (continued([USER, CUT, MORE], took=5.0), []),
    "another text": (continued([USER, ("assistant", "Once upon a time"), MORE]), []),
    "no text of the assistant": (continued([USER, MORE]), []),
    "in another conversation": (continued([("user", "Other."), CUT, MORE]), []),
    "the text is the user's": (continued([USER, ("user", "Once upon a"), MORE]), []),
    "a retry succeeded in between": (
        continued([("system", "Be brief."), USER], [USER, CUT, MORE], stream=False),
        [],
    ),
    "the cut stream had no text": (continued([USER, CUT, MORE], unfinished="  "), []),
    "the cut stream had a finish reason": (continued([USER, CUT, MORE], unfinished=None), []),
    "nothing was broken": (continued([USER, CUT, MORE], left="finished"), []),
    "the client left": (continued([USER, CUT, MORE], left="gone"), []),
    "the client left during a silence": (
        continued([USER, CUT, MORE], left="silence", plan=streamed([0, 0], cut="silence")),
        [1, 2],
    ),
    "no finish reason came": (continued([USER, CUT, MORE], left="finished", faults=("no_finish",)), [1, 2]),
    "it was an error": (continued([USER, CUT, MORE], status=500), []),
    "it is under way": (continued([USER, CUT, MORE], took=None, faults=("no_finish",)), []),
}


@pytest.mark.parametrize(("play", "shows"), ACCEPTED.values(), ids=ACCEPTED)
def test_truncated_stream_accepted_needs_cut_text_as_assistant(play: Play, shows: list[int]) -> None:
    script = ClientScript()
    play(script)
    assert script.verdicts().get("truncated_stream_accepted", []) == shows


def test_truncated_stream_accepted_needs_the_same_client() -> None:
    script = ClientScript()
    continued()(script)
    script.send(1, prompt=[USER, CUT, MORE], client=Client("Other"))
    assert "truncated_stream_accepted" not in script.verdicts()


def silent(
    seconds: float, *, timeout: str | None = None, name: str = "x-stainless-read-timeout", **options: Any
) -> Play:
    """A stream with a silence between two chunks, and the timeout that the client states."""
    defaults: dict[str, Any] = {
        "took": seconds + 0.2,
        "stream": True,
        "plan": streamed([0.01, seconds, 0.01]),
        "headers": {} if timeout is None else {name: timeout},
        "faults": ("stall",),
    }
    return lambda script: script.send(0, **(defaults | options))


HUNG = streamed([0.01, 0.01], cut="silence")
WAITS: dict[str, tuple[Play, bool]] = {
    "two minutes": (silent(120.0), True),
    "two minutes, and no fault is played": (silent(120.0, faults=()), True),
    "less than two minutes": (silent(119.0), False),
    "less, but it would wait for ten": (silent(0.3, timeout="600"), True),
    "another header states the timeout": (silent(0.3, timeout="600", name="x-server-timeout"), True),
    "it would wait for one": (silent(0.3, timeout="60"), False),
    "the stated timeout is not a number": (silent(0.3, timeout="NOT_GIVEN"), False),
    "a silence too short to notice": (silent(0.05, timeout="600"), False),
    "a response that is only slow": (silent(3.0, timeout="600", faults=()), False),
    "a long response without a long silence": (
        silent(60.0, timeout="600", faults=(), took=150.0, plan=streamed([60, 60, 29])),
        False,
    ),
    "a non-streaming response, and it would wait for ten minutes": (
        silent(0.3, timeout="600", stream=False),
        False,
    ),
    "and for an hour": (silent(0.3, timeout="3600", stream=False), True),
    "it left, whatever timeout it states": (silent(0.3, timeout="600", left="gone", took=0.3), False),
    "it left a connection that had fallen silent": (
        silent(0.3, timeout="600", left="silence", plan=HUNG, faults=("silence",)),
        False,
    ),
    "it left that after two minutes": (
        silent(0, left="silence", plan=HUNG, faults=("silence",), took=130.0),
        True,
    ),
    "it was there when the server stopped": (
        silent(0, timeout="600", left="stopped", plan=HUNG, faults=("silence",), took=0.5),
        True,
    ),
    "an error": (silent(200.0, status=500), False),
    "a slow response without a silence": (
        silent(
            0,
            took=300.0,
            plan=Plan(
                ResponseHead(200, ()), HUNG.steps[:2], delivery=Delivery(throttles=(Throttle(1, 150.0),))
            ),
        ),
        False,
    ),
}


@pytest.mark.parametrize(("play", "expected"), WAITS.values(), ids=WAITS)
def test_no_read_timeout_needs_a_long_silence(play: Play, expected: bool) -> None:
    script = ClientScript()
    play(script)
    assert ("no_read_timeout" in script.verdicts()) == expected


@pytest.mark.parametrize(
    ("now", "over", "expected"),
    [(0.5, True, True), (0.5, False, False), (130.0, False, True), (0.05, True, False)],
)
def test_no_read_timeout_of_response_in_flight_counts_until_now(
    now: float, over: bool, expected: bool
) -> None:
    script = ClientScript()
    silent(0, timeout="600", took=None, plan=HUNG, faults=("silence",))(script)
    assert ("no_read_timeout" in script.verdicts(now, over=over)) == expected


def test_no_read_timeout_message_shows_the_stated_timeout() -> None:
    script = ClientScript()
    silent(0.3, timeout="600")(script)
    message = "#1 sent nothing for 300ms, and the client did not disconnect; its read timeout is 600s"
    assert script.results()["no_read_timeout"].message == message


def left(took: float, *waits: float, **options: Any) -> Play:
    """A stream with these waits before its chunks, which the client left after `took` seconds."""
    defaults: dict[str, Any] = {"left": "gone", "took": took, "stream": True, "plan": streamed(waits)}
    return lambda script: script.send(0, **(defaults | options))


EARLY: dict[str, tuple[Play, bool]] = {
    "in the middle": (left(0.25, 0.1, 0.1, 0.1, 0.1), True),
    "before anything came": (left(0.05, 0.1, 0.1), False),
    "when all had come": (left(0.2, 0.1, 0.1), False),
    "behind a while in which nothing came": (left(1.0, 0.1, 0.1, 5.0, 0.1), False),
    "behind a while as long as others": (left(1.5, 1.0, 1.0, 1.0), True),
    "when its own timeout was over": (
        left(0.19, 0.1, 0.1, 0.1, headers={"x-stainless-read-timeout": "0.1"}),
        False,
    ),
    "long before that": (left(0.19, 0.1, 0.1, 0.1, headers={"x-stainless-read-timeout": "60"}), True),
    "in a stream that stalls": (left(0.25, 0.1, 0.1, 0.1, faults=("stall",)), False),
    "in one that is broken": (left(0.25, 0.1, 0.1, 0.1, faults=("malformed",)), False),
    "in one with unknown timing": (
        left(
            0.25,
            plan=Plan(
                ResponseHead(200, ()), streamed([0.1, 0.1, 0.1]).steps, delivery=Delivery(head_seconds=1.0)
            ),
        ),
        False,
    ),
    "it read everything": (left(0.3, 0.1, 0.1, 0.1, left="finished"), False),
    "it was cut": (left(0.2, 0.1, 0.1, 0.1, left="close"), False),
    "an error": (left(0.2, 0.1, 0.1, 0.1, status=500), False),
    "with a retry afterwards": (
        lambda script: (left(0.25, 0.1, 0.1, 0.1, 0.1)(script), script.send(1, stream=True)),
        False,
    ),
}


@pytest.mark.parametrize(("play", "expected"), EARLY.values(), ids=EARLY)
def test_cancelled_early_needs_chunks_before_and_after(play: Play, expected: bool) -> None:
    script = ClientScript()
    play(script)
    assert ("cancelled_early" in script.verdicts()) == expected


def test_cancelled_early_message_shows_sent_chunks() -> None:
    script = ClientScript()
    left(0.25, 0.1, 0.1, 0.1, 0.1)(script)
    assert script.results()["cancelled_early"].message == "the client left #1 after 2 of 4 chunks"


def test_fault_names_in_checks_exist() -> None:
    assert set(FAULTS) >= SILENT_FAULTS | SPOILING_FAULTS


def test_faults_that_sdks_fail_at_spoil_a_response() -> None:
    failing = {
        fault
        for fault, outcome in OUTCOMES.items()
        if any(text == "" or "!" in text for text in (*outcome.streamed, *outcome.whole))
    }
    ends_connection = {"reset", "close", "silence", "no_response"}
    missing = failing - ends_connection - {"redirect"} - SPOILING_FAULTS
    assert missing == set(), "an SDK notices the fault: add it to SPOILING_FAULTS of observed_request.py"


def test_no_read_timeout_counts_a_missing_head_as_silence() -> None:
    script = ClientScript()
    hung = Plan(ResponseHead(200, ()), (CutStep("silence", 0),), delivery=Delivery(sends_nothing=True))
    silent(0, timeout="3600", left="stopped", took=0.5, stream=False, plan=hung, faults=("no_response",))(
        script
    )
    assert script.results()["no_read_timeout"].message.startswith("#1 sent nothing for 500ms")
