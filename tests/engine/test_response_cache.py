"""Answers that are kept: as if they were made anew, from their second time on, within a bound."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.engine import response_cache
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.response_cache import ResponseCache

Say = Callable[[ResponseIdentity, Request], str]


class Kitchen:
    """Renders answers, and counts how many."""

    def __init__(self, say: Say, error: str | None = None, faults: tuple[str, ...] = ()) -> None:
        self.rendered = 0
        self._say = say
        self._answer = PlannedResponse(
            Plan(ResponseHead(200, ()), ()), "a.yaml:a", ("m",), ("a note",), False, error, faults
        )

    def __call__(self, stamp: ResponseIdentity, request: Request) -> PlannedResponse:
        self.rendered += 1
        body = EventStep(self._say(stamp, request).encode(), 0, "body")
        return self._answer._replace(made=Plan(ResponseHead(200, (("x", "y"),)), (body,)))


def whole(stamp: ResponseIdentity, request: Request) -> str:
    return f"{stamp.ids.make('id-', 8)} {int(stamp.now)} {request.input_tokens}"


def dated(stamp: ResponseIdentity, request: Request) -> str:
    return f"{stamp.ids.make('id-', 8)} {int(stamp.now) % 86_400} {request.input_tokens}"


def odd(stamp: ResponseIdentity, request: Request) -> str:
    return f"{stamp.ids.make('id-', 8)} {request.input_tokens * 3}"


def request(now: float = 0.0, tokens: int = 5) -> Request:
    return Request(method="POST", path="/", headers={}, now=now).with_input_tokens(tokens)


def asked(
    keep: ResponseCache, kitchen: Kitchen, number: int, now: float = 0.0, tokens: int = 5, key: str = "k"
) -> PlannedResponse:
    """The answer, held against what making it anew gives."""
    stamp = ResponseIdentity(Ids(0, "", number), now)
    came = request(now, tokens)
    kept = keep.find(key, came)
    found = keep.make(key, stamp, came, kitchen) if kept is None else kept.filled(stamp.ids.root, came)
    before = kitchen.rendered
    wanted = kitchen(stamp, came)
    kitchen.rendered = before
    assert sent_bytes(found.plan) == sent_bytes(wanted.plan)
    assert found._replace(made=wanted.made, drawn=wanted.drawn, reply_error=()) == wanted
    return found


def test_what_is_asked_for_again_is_kept() -> None:
    keep, kitchen = ResponseCache(), Kitchen(whole)
    for number in range(3):
        asked(keep, kitchen, number)
    before = kitchen.rendered
    bodies = {sent_bytes(asked(keep, kitchen, n, n * 0.5, n).plan) for n in range(20)}
    assert len(bodies) == 20
    assert kitchen.rendered == before


@pytest.mark.parametrize(
    ("say", "now", "tokens"),
    [(dated, 1, 5), (odd, 0, 6)],
    ids=["the time as a date", "tokens that are no sum"],
)
def test_what_is_no_hole_is_rendered_anew_when_it_changes(say: Say, now: int, tokens: int) -> None:
    keep, kitchen = ResponseCache(), Kitchen(say)
    for number in range(3):
        asked(keep, kitchen, number)
    before = kitchen.rendered
    asked(keep, kitchen, 3)
    assert kitchen.rendered == before
    asked(keep, kitchen, 4, now, tokens)
    assert kitchen.rendered > before
    before = kitchen.rendered
    asked(keep, kitchen, 5, now, tokens)
    assert kitchen.rendered == before


def test_what_is_never_the_same_is_not_kept() -> None:
    def drawn(stamp: ResponseIdentity, request: Request) -> str:
        return stamp.ids.make("", 8)[:4]

    keep, kitchen = ResponseCache(), Kitchen(drawn)
    asked(keep, kitchen, 0)
    asked(keep, kitchen, 1)
    before = kitchen.rendered
    asked(keep, kitchen, 2)
    asked(keep, kitchen, 3)
    assert kitchen.rendered == before + 2


@pytest.mark.parametrize("kitchen", [Kitchen(whole, error="timeout"), Kitchen(whole, faults=("malformed",))])
def test_errors_and_broken_answers_are_not_kept(kitchen: Kitchen) -> None:
    keep = ResponseCache()
    for number in range(5):
        asked(keep, kitchen, number)
    assert kitchen.rendered == 5


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "KEPT", 5_000)
    monkeypatch.setattr(response_cache, "SEEN", 10)
    keep, kitchen = ResponseCache(), Kitchen(whole)
    for key in map(str, range(12)):
        for number in range(3):
            asked(keep, kitchen, number, key=key)
    before = kitchen.rendered
    asked(keep, kitchen, 9, key="11")
    assert kitchen.rendered == before
    asked(keep, kitchen, 9, key="1")
    assert kitchen.rendered > before
