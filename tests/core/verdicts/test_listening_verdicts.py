"""Verdicts on how answers are taken: the case that shows each, and the nearest one in which it must not be given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mockllm.core.faults import FAULTS
from mockllm.core.rendering.plan import CutStep, Delivery, Flow, Plan, ResponseHead
from mockllm.core.verdicts import Client
from mockllm.core.verdicts.observed_request import SPOILING
from mockllm.core.verdicts.stream_checks import SILENT
from tests.core.verdicts.scenes import Scene, streamed

Play = Callable[[Scene], object]
Turns = Sequence[tuple[str, str]]

USER = ("user", "Tell me.")
CUT = ("assistant", "Once upon a")
MORE = ("user", "And then?")


def then(*later: Turns, **more: Any) -> Play:
    """A stream that was cut behind `Once upon a`, and what was asked later."""

    def play(scene: Scene) -> None:
        cut: dict[str, Any] = {
            "left": "close",
            "plan": streamed([0, 0], cut="close"),
            "heard": "Once upon a ",
            "stream": True,
        }
        scene.ask(0, said=[("system", "Be brief."), USER], **(cut | more))
        for number, turns in enumerate(later, 1):
            scene.ask(number, said=turns)

    return play


ACCEPTED: dict[str, tuple[Play, list[int]]] = {
    "the cut text is the assistant's, and the talk goes on": (then([USER, CUT, MORE]), [1, 2]),
    "behind other things": (then([("user", "other")], [USER, CUT, MORE], [USER, CUT, MORE]), [1, 3]),
    "with tools called since": (then([USER, CUT, ("user", "x"), ("assistant", "y"), MORE]), [1, 2]),
    "in a longer talk": (then([("system", "Other."), USER, CUT, MORE]), [1, 2]),
    "it stands last, for the model to complete": (then([USER, CUT]), []),
    "it stands there twice, and once for that question": (
        then([("user", "Other."), CUT, ("user", "x"), USER, CUT, MORE], heard="Once upon a"),
        [1, 2],
    ),
    "it stands there twice, and for that question last": (then([("user", "Other."), CUT, USER, CUT]), []),
    "it was asked before the cut was there": (then([USER, CUT, MORE], took=5.0), []),
    "another text": (then([USER, ("assistant", "Once upon a time"), MORE]), []),
    "no text of the assistant": (then([USER, MORE]), []),
    "in another talk": (then([("user", "Other."), CUT, MORE]), []),
    "the user says it": (then([USER, ("user", "Once upon a"), MORE]), []),
    "it was asked again, and answered": (
        then([("system", "Be brief."), USER], [USER, CUT, MORE], stream=False),
        [],
    ),
    "nothing had been said": (then([USER, CUT, MORE], heard="  "), []),
    "it had said why it ends": (then([USER, CUT, MORE], heard=None), []),
    "nothing was broken": (then([USER, CUT, MORE], left="finished"), []),
    "the client had left of its own": (then([USER, CUT, MORE], left="gone"), []),
    "the client left because nothing came": (
        then([USER, CUT, MORE], left="silence", plan=streamed([0, 0], cut="silence")),
        [1, 2],
    ),
    "no finish reason came": (then([USER, CUT, MORE], left="finished", faults=("no_finish",)), [1, 2]),
    "it was an error": (then([USER, CUT, MORE], status=500), []),
    "it is under way": (then([USER, CUT, MORE], took=None, faults=("no_finish",)), []),
}


@pytest.mark.parametrize(("play", "shows"), ACCEPTED.values(), ids=ACCEPTED)
def test_truncated_stream_accepted(play: Play, shows: list[int]) -> None:
    scene = Scene()
    play(scene)
    assert scene.shown().get("truncated_stream_accepted", []) == shows


def test_it_must_be_the_same_client() -> None:
    scene = Scene()
    then()(scene)
    scene.ask(1, said=[USER, CUT, MORE], client=Client("Other"))
    assert "truncated_stream_accepted" not in scene.shown()


def silent(
    seconds: float, *, says: str | None = None, name: str = "x-stainless-read-timeout", **more: Any
) -> Play:
    """A stream in which nothing comes for so long between two chunks; what the client says of its patience."""
    asked: dict[str, Any] = {
        "took": seconds + 0.2,
        "stream": True,
        "plan": streamed([0.01, seconds, 0.01]),
        "headers": {} if says is None else {name: says},
        "faults": ("stall",),
    }
    return lambda scene: scene.ask(0, **(asked | more))


HUNG = streamed([0.01, 0.01], cut="silence")
WAITS: dict[str, tuple[Play, bool]] = {
    "two minutes": (silent(120.0), True),
    "two minutes, and no fault is played": (silent(120.0, faults=()), True),
    "less than two minutes": (silent(119.0), False),
    "less, but it would wait for ten": (silent(0.3, says="600"), True),
    "another header says so": (silent(0.3, says="600", name="x-server-timeout"), True),
    "it would wait for one": (silent(0.3, says="60"), False),
    "what it says is no number": (silent(0.3, says="NOT_GIVEN"), False),
    "nobody notices such a silence": (silent(0.05, says="600"), False),
    "an answer that is only slow": (silent(3.0, says="600", faults=()), False),
    "an answer that takes long, and never stops for long": (
        silent(60.0, says="600", faults=(), took=150.0, plan=streamed([60, 60, 29])),
        False,
    ),
    "a whole answer, and it would wait for ten minutes": (silent(0.3, says="600", stream=False), False),
    "and for an hour": (silent(0.3, says="3600", stream=False), True),
    "it left, whatever it says": (silent(0.3, says="600", left="gone", took=0.3), False),
    "it left a connection that had fallen silent": (
        silent(0.3, says="600", left="silence", plan=HUNG, faults=("silence",)),
        False,
    ),
    "it left that after two minutes": (
        silent(0, left="silence", plan=HUNG, faults=("silence",), took=130.0),
        True,
    ),
    "it was there when the server stopped": (
        silent(0, says="600", left="stopped", plan=HUNG, faults=("silence",), took=0.5),
        True,
    ),
    "an error": (silent(200.0, status=500), False),
    "an answer that flows slowly, and never stops": (
        silent(
            0,
            took=300.0,
            plan=Plan(ResponseHead(200, ()), HUNG.steps[:2], delivery=Delivery(flows=(Flow(1, 150.0),))),
        ),
        False,
    ),
}


@pytest.mark.parametrize(("play", "given"), WAITS.values(), ids=WAITS)
def test_no_read_timeout(play: Play, given: bool) -> None:
    scene = Scene()
    play(scene)
    assert ("no_read_timeout" in scene.shown()) == given


@pytest.mark.parametrize(
    ("now", "over", "given"),
    [(0.5, True, True), (0.5, False, False), (130.0, False, True), (0.05, True, False)],
)
def test_an_answer_that_is_under_way_is_judged_by_how_far_it_is(now: float, over: bool, given: bool) -> None:
    scene = Scene()
    silent(0, says="600", took=None, plan=HUNG, faults=("silence",))(scene)
    assert ("no_read_timeout" in scene.shown(now, over=over)) == given


def test_it_is_told_what_the_client_says_of_itself() -> None:
    scene = Scene()
    silent(0.3, says="600")(scene)
    said = "in #1 nothing came for 300ms, and the client waited on; its read timeout is 600s"
    assert scene.given()["no_read_timeout"].says == said


def left(took: float, *waits: float, **more: Any) -> Play:
    """A stream with such waits before its chunks, which the client left after so many seconds."""
    asked: dict[str, Any] = {"left": "gone", "took": took, "stream": True, "plan": streamed(waits)}
    return lambda scene: scene.ask(0, **(asked | more))


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
    "in one that says nothing of its times": (
        left(
            0.25,
            plan=Plan(ResponseHead(200, ()), streamed([0.1, 0.1, 0.1]).steps, delivery=Delivery(over=1.0)),
        ),
        False,
    ),
    "it heard all": (left(0.3, 0.1, 0.1, 0.1, left="finished"), False),
    "it was cut": (left(0.2, 0.1, 0.1, 0.1, left="close"), False),
    "an error": (left(0.2, 0.1, 0.1, 0.1, status=500), False),
    "and it was asked again": (
        lambda scene: (left(0.25, 0.1, 0.1, 0.1, 0.1)(scene), scene.ask(1, stream=True)),
        False,
    ),
}


@pytest.mark.parametrize(("play", "given"), EARLY.values(), ids=EARLY)
def test_cancelled_early(play: Play, given: bool) -> None:
    scene = Scene()
    play(scene)
    assert ("cancelled_early" in scene.shown()) == given


def test_what_had_been_sent_is_told() -> None:
    scene = Scene()
    left(0.25, 0.1, 0.1, 0.1, 0.1)(scene)
    assert scene.given()["cancelled_early"].says == "#1 was left when 2 of 4 chunks had been sent"


def test_the_faults_that_are_named_are_faults() -> None:
    assert set(FAULTS) >= SILENT | SPOILING


def test_a_head_that_never_came_is_a_silence() -> None:
    scene = Scene()
    hung = Plan(ResponseHead(200, ()), (CutStep("silence", 0),), delivery=Delivery(withheld=True))
    silent(0, says="3600", left="stopped", took=0.5, stream=False, plan=hung, faults=("no_response",))(scene)
    assert scene.given()["no_read_timeout"].says.startswith("in #1 nothing came for 500ms")
