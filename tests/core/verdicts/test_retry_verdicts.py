"""Verdicts on retries: the case that shows each, and the nearest one in which it must not be given."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from mockllm.core.rendering.plan import CutStep, Delivery, Plan, ResponseHead
from mockllm.core.verdicts import VERDICTS, Client
from tests.core.verdicts.scenes import EPOCH, Scene, streamed, whole

Play = Callable[[Scene], object]
WAIT = {"retry-after": "1"}
INFO = {"error": {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}]}}


def pair(gap: float, status: int = 429, **more: Any) -> Play:
    """A refusal, and the same again so many seconds behind it."""

    def play(scene: Scene) -> None:
        scene.ask(0, status, **more)
        scene.ask(gap)

    return play


def counted(*retries: int) -> Play:
    """Of two that ask for the same at a time, each counts its own tries."""

    def play(scene: Scene) -> None:
        scene.ask(0, 429, told=WAIT, took=0.1, retry=0)
        scene.ask(0.05, 429, told=WAIT, took=0.2, retry=0)
        for number, retry in enumerate(retries):
            scene.ask(0.5 + number / 10, retry=retry)

    return play


def other_party(**more: Any) -> Play:
    def play(scene: Scene) -> None:
        scene.ask(0, 429, told=WAIT)
        scene.ask(0.1, **more)

    return play


IGNORED: dict[str, tuple[Play, list[int]]] = {
    "it comes at once": (pair(0.0, told=WAIT), [1, 2]),
    "it comes at three quarters of the time": (pair(0.75, told=WAIT), [1, 2]),
    "it comes nearly in time": (pair(0.95, told=WAIT), []),
    "it waits as told": (pair(1.0, told=WAIT), []),
    "nothing was told": (pair(0.2), []),
    "what was told is no time": (pair(0.2, told={"retry-after": "soon"}), []),
    "what was told is endless": (pair(0.2, told={"retry-after": "inf"}), []),
    "milliseconds are told": (pair(0.2, told={"retry-after-ms": "494"}), [1, 2]),
    "of two times it keeps to the shorter": (
        pair(0.5, told={"retry-after": "1", "Retry-After-Ms": "494"}),
        [],
    ),
    "a date is told": (pair(2.0, told={"retry-after": formatdate(EPOCH + 10, usegmt=True)}), [1, 2]),
    "it comes in the second of that date, nearly": (
        pair(8.5, told={"retry-after": formatdate(EPOCH + 10, usegmt=True)}),
        [],
    ),
    "a date that has passed": (pair(0.5, told={"retry-after": formatdate(EPOCH - 10)}), []),
    "the body tells Google's RetryInfo": (pair(1.0, body=INFO), [1, 2]),
    "and it waits for that": (pair(1.5, body=INFO), []),
    "the body tells it in a list, as streams do": (pair(1.0, body=[INFO]), [1, 2]),
    "a RetryInfo that cannot be read": (pair(0.2, body="google.rpc.RetryInfo"), []),
    "a success that tells a wait, as Anthropic's do": (pair(0.2, 200, told=WAIT), []),
    "one that was spoilt": (pair(0.2, 200, told=WAIT, faults=("malformed",)), []),
    "of two at a time one was answered, and it may be the other's": (
        lambda scene: (scene.ask(0, 429, told=WAIT, took=0.1), scene.ask(0, took=0.1), scene.ask(0.2)),
        [],
    ),
    "another client": (other_party(client=Client("Program/1", "other key", "127.0.0.1")), []),
    "another session": (other_party(session="other"), []),
    "another question": (other_party(said="something else"), []),
    "an SDK that counts is told from its twin": (counted(1, 1), [1, 2, 3, 4]),
    "of two at a time that do not count nothing is said": (counted(0), []),
    "a retry whose failure the journal has let go": (other_party(retry=3), []),
    "it comes an hour later": (pair(3600.0, told={"retry-after": "86400"}), [1, 2]),
}


@pytest.mark.parametrize(("play", "shows"), IGNORED.values(), ids=IGNORED)
def test_retry_after_ignored(play: Play, shows: list[int]) -> None:
    scene = Scene()
    play(scene)
    assert scene.shown().get("retry_after_ignored", []) == shows


FOR_GOOD: dict[str, tuple[Play, list[int]]] = {
    "a 400": (pair(1.0, 400), [1, 2]),
    "a 401": (pair(1.0, 401), [1, 2]),
    "a 408": (pair(1.0, 408), []),
    "a 409": (pair(1.0, 409), []),
    "a 425": (pair(1.0, 425), []),
    "a 429": (pair(1.0, 429), []),
    "a 529": (pair(1.0, 529), []),
    "a 503 that the server says not to try again": (pair(1.0, 503, told={"X-Should-Retry": "false"}), [1, 2]),
    "a 400 that the server says to try again": (pair(1.0, 400, told={"x-should-retry": "true"}), []),
    "a 400 where it says neither": (pair(1.0, 400, told={"x-should-retry": "perhaps"}), [1, 2]),
    "a 400, and the same two minutes later": (pair(120.0, 400), []),
    "a 400, and the question put otherwise": (
        lambda scene: (scene.ask(0, 400), scene.ask(1, 400, said="please")),
        [],
    ),
    "a 401, and the same with another key": (
        lambda scene: (scene.ask(0, 401), scene.ask(1, client=Client("Program/1", "new"))),
        [],
    ),
    "of two at a time that an SDK counts, it is the other's retry": (
        lambda scene: (
            scene.ask(0, 400, took=0.1, retry=0),
            scene.ask(0, 503, took=0.2, retry=0),
            scene.ask(1, retry=1),
        ),
        [],
    ),
    "two at a time that are both refused": (
        lambda scene: (scene.ask(0, 400, took=1), scene.ask(0.5, 400, took=1), scene.ask(2, 400)),
        [],
    ),
}


@pytest.mark.parametrize(("play", "shows"), FOR_GOOD.values(), ids=FOR_GOOD)
def test_retried_non_retryable(play: Play, shows: list[int]) -> None:
    scene = Scene()
    play(scene)
    assert scene.shown().get("retried_non_retryable", []) == shows


def at(*times: float, status: int = 503, **more: Any) -> Play:
    return lambda scene: scene.often(times, status, **more)


def mixed(*each: tuple[float, int]) -> Play:
    def play(scene: Scene) -> None:
        for time, status in each:
            scene.ask(time, status)

    return play


BACKOFF: dict[str, tuple[Play, list[int]]] = {
    "two retries at once": (at(0, 0.01, 0.02), [1, 2, 3]),
    "one retry at once, as some HTTP libraries make": (at(0, 0.01), []),
    "one at once, and one that waits": (at(0, 0.01, 0.6), []),
    "two at once, and then one that waits": (at(0, 0.01, 0.02, 1.0), [1, 2, 3]),
    "two at once, but not in a row": (at(0, 0.01, 0.6, 0.61), []),
    "as OpenAI's SDK does it": (at(0, 0.4, 1.3, 3.0, 6.5, 13.0, 20.0), []),
    "an SDK in a loop of one's own, which begins anew": (at(0, 0.4, 1.3, 1.31, 1.7, 2.6, 2.61, 3.0), []),
    "every second": (at(0, 1, 2, 3, 4), [1, 2, 3, 4, 5]),
    "every second, three times": (at(0, 1, 2, 3), []),
    "about every second": (at(0, 1, 2.3, 3.1, 4.5), []),
    "every ten seconds": (at(0, 10, 20, 30, 40), []),
    "as soon as it was told to": (at(0, 0.01, 0.02, 0.03, told={"retry-after-ms": "10"}), []),
    "at once, though told to wait": (at(0, 0.01, 0.02, told=WAIT), [1, 2, 3]),
    "at once behind refusals for good, which is another verdict": (at(0, 0.01, 0.02, status=400), []),
    "at once behind a success": (mixed((0, 503), (0.01, 200), (0.02, 503), (0.03, 200)), []),
    "behind a refusal for good it begins to count anew": (
        mixed((0, 503), (0.01, 400), (0.02, 503), (0.03, 503)),
        [],
    ),
}


@pytest.mark.parametrize(("play", "shows"), BACKOFF.values(), ids=BACKOFF)
def test_no_backoff(play: Play, shows: list[int]) -> None:
    scene = Scene()
    play(scene)
    assert scene.shown().get("no_backoff", []) == shows


def every(step: float, count: int) -> list[float]:
    return [number * step for number in range(count)]


STORMS: dict[str, tuple[Play, list[int]]] = {
    "ten retries in a second": (at(*every(0.1, 11)), [*range(1, 12)]),
    "nine": (at(*every(0.1, 10)), []),
    "ten in ten seconds": (at(*every(1.0, 11)), [*range(1, 12)]),
    "ten in eleven": (at(*every(1.1, 11)), []),
    "ten in the middle of others": (
        at(0, 20, *(40 + each for each in every(0.5, 11)), 70),
        [*range(3, 14)],
    ),
    "twenty, each as soon as it was told": (at(*every(0.1, 20), told={"retry-after-ms": "100"}), []),
    "behind refusals for good too": (at(*every(0.1, 11), status=401), [*range(1, 12)]),
    "twenty requests that are all answered": (at(*every(0.1, 20), status=200), []),
    "twenty questions that are refused once each": (
        lambda scene: [scene.ask(number / 10, 503, said=str(number)) for number in range(20)],
        [],
    ),
}


@pytest.mark.parametrize(("play", "shows"), STORMS.values(), ids=STORMS)
def test_retry_storm(play: Play, shows: list[int]) -> None:
    scene = Scene()
    play(scene)
    assert scene.shown().get("retry_storm", []) == shows


NO_ANSWER = Plan(ResponseHead(200, ()), (CutStep("reset", 0),), delivery=Delivery(withheld=True))
CUT_BODY = Plan(ResponseHead(200, ()), (*whole(body="x").steps, CutStep("reset", 0)))
GIVEN_UP: dict[str, tuple[Play, list[int]]] = {
    "one try": (at(0), [1]),
    "two": (at(0, 0.5), [1, 2]),
    "three, as many as SDKs make": (at(0, 0.5, 1.5), []),
    "the third by the SDK's own count": (at(0, retry=2), []),
    "a 400": (at(0, status=400), []),
    "a success": (at(0, status=200), []),
    "a 503 that the server says not to try again": (at(0, told={"x-should-retry": "false"}), []),
    "money has run out": (at(0, status=429, error="insufficient_quota"), []),
    "money has run out by the body's word": (
        at(0, status=429, body={"error": {"code": "insufficient_quota"}}),
        [],
    ),
    "a minute is to be waited": (at(0, told={"retry-after": "60"}), [1]),
    "two minutes are": (at(0, told={"retry-after": "120"}), []),
    "the connection broke before any answer": (
        at(0, status=200, left="reset", plan=NO_ANSWER, faults=("no_response",)),
        [1],
    ),
    "it broke in the body": (at(0, status=200, left="reset", plan=CUT_BODY), []),
    "the client left": (at(0, status=200, left="gone", plan=streamed([1, 1])), []),
    "another try is under way": (lambda scene: (scene.ask(0, 503), scene.ask(1, took=None)), []),
    "another model was asked the same": (
        lambda scene: (scene.ask(0, 503), scene.ask(1, said=[("system", "x"), ("user", "hi")])),
        [],
    ),
    "another model was asked the same, in a session": (
        lambda scene: (
            scene.ask(0, 503, session="s"),
            scene.ask(1, session="s", said=[("system", "x"), ("user", "hi")]),
        ),
        [],
    ),
    "something else was asked": (lambda scene: (scene.ask(0, 503), scene.ask(1, said="bye")), [1]),
    "somebody else asked the same in another session": (
        lambda scene: (scene.ask(0, 503), scene.ask(1, session="s", said=[("system", "x"), ("user", "hi")])),
        [1],
    ),
    "another may have been its next try": (
        lambda scene: (scene.ask(0, 503, took=1), scene.ask(0.5, 503, took=1), scene.ask(3, 503)),
        [],
    ),
}


@pytest.mark.parametrize(("play", "shows"), GIVEN_UP.values(), ids=GIVEN_UP)
def test_gave_up(play: Play, shows: list[int]) -> None:
    scene = Scene()
    play(scene)
    assert scene.shown().get("gave_up", []) == shows


@pytest.mark.parametrize(
    ("told", "now", "given"), [({}, 9.0, False), ({}, 11.0, True), (WAIT, 10.5, False), (WAIT, 11.5, True)]
)
def test_while_clients_are_at_work_they_may_come_again(told: dict[str, str], now: float, given: bool) -> None:
    scene = Scene()
    scene.ask(0, 503, told=told)
    assert ("gave_up" in scene.shown(now, over=False)) == given
    assert "gave_up" in scene.shown(now)


GONE = streamed([1, 1, 1])
RECOVERED: dict[str, tuple[Play, list[int]]] = {
    "at the second try": (pair(1.0, 503), [1, 2]),
    "at the third": (mixed((0, 429), (1, 503), (3, 200)), [1, 2, 3]),
    "never": (mixed((0, 429), (1, 503), (3, 503)), []),
    "at once": (mixed((0, 200), (1, 200)), []),
    "behind a refusal for good": (pair(1.0, 400), []),
    "behind an answer that the client did not wait for": (
        lambda scene: (scene.ask(0, left="gone", took=5, plan=GONE), scene.ask(6)),
        [1, 2],
    ),
    "behind a stream that was cut": (
        lambda scene: (scene.ask(0, left="close", plan=streamed([0, 0], cut="close")), scene.ask(1)),
        [1, 2],
    ),
    "behind an answer that ended with its connection": (
        lambda scene: (
            scene.ask(0, left="close", plan=Plan(ResponseHead(200, ()), (), delivery=Delivery(body="close"))),
            scene.ask(1),
        ),
        [],
    ),
    "behind one that a fault spoilt": (pair(1.0, 200, faults=("malformed",)), [1, 2]),
    "behind one with a fault that harms nobody": (pair(1.0, 200, faults=("crlf",)), []),
    "the answer is not there yet": (lambda scene: (scene.ask(0, 503), scene.ask(1, took=None)), []),
    "a client's timeout that the server sees late": (
        lambda scene: (scene.ask(0, left="gone", took=5, plan=GONE, retry=0), scene.ask(4, retry=1)),
        [1, 2],
    ),
    "the same, and it does not count": (
        lambda scene: (scene.ask(0, left="gone", took=5, plan=GONE), scene.ask(4)),
        [],
    ),
    "behind one that is under way still": (
        lambda scene: (scene.ask(0, took=None, retry=0), scene.ask(0, 503, said="x"), scene.ask(4, retry=1)),
        [1, 3],
    ),
}


@pytest.mark.parametrize(("play", "shows"), RECOVERED.values(), ids=RECOVERED)
def test_recovered(play: Play, shows: list[int]) -> None:
    scene = Scene()
    play(scene)
    assert scene.shown().get("recovered", []) == shows


def test_several_cases_are_one_verdict() -> None:
    scene = Scene()
    for number in range(3):
        scene.ask(number, 503, said=str(number))
    given = scene.given()["gave_up"]
    assert given.says == "#1 ended with 503, and after 1 try no other came; and 2 more of these"
    assert [deed.id for deed in given.deeds] == [1, 2, 3]
    assert given.verdict is VERDICTS["gave_up"]


def test_each_client_in_each_session_is_judged_by_itself() -> None:
    scene = Scene()
    other = Client("Other/2", "k", "127.0.0.1")
    scene.ask(0, 503)
    scene.ask(1, client=other)
    scene.ask(2, session="s")
    scene.ask(3)
    found = [(str(each.client), each.session, each.requests) for each in scene.judged()]
    mine = "Program/1, key k, 127.0.0.1"
    assert found == [(mine, None, 2), ("Other/2, key k, 127.0.0.1", None, 1), (mine, "s", 1)]


def test_the_same_requests_in_any_order_give_the_same() -> None:
    scene = Scene()
    at(*every(0.1, 11))(scene)
    before = scene.shown()
    scene.deeds.reverse()
    assert scene.shown() == before


def test_what_may_have_been_tried_before_is_not_given_up() -> None:
    scene = Scene()
    scene.ask(0, 503)
    scene.ask(200, 503, said="later")
    assert scene.shown(lost=True) == {"gave_up": [2]}
    assert scene.shown() == {"gave_up": [1, 2]}
    assert Scene().judged(lost=True) == []


def test_what_was_over_before_is_not_told_but_counts() -> None:
    scene = Scene()
    scene.ask(0, 503, said="before")
    scene.often([0, 1, 2.5])
    scene.ask(3, 503, said="behind")
    assert scene.shown(since=EPOCH + 2) == {"gave_up": [5]}
    assert scene.judged(since=EPOCH + 2)[0].requests == 2
    assert scene.judged(since=EPOCH + 4) == []
    scene.ask(3, 200)
    assert scene.shown(since=EPOCH + 2) == {"gave_up": [5], "recovered": [2, 3, 4, 6]}
