"""Scores: what is noted of a rendered stream, and that it is played as rendering would have it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockllm.core.randomness import Ids
from mockllm.core.rendering.placeholders import SECOND, TOKENS, TrackedIds
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead, Step, WaitStep
from mockllm.core.rendering.prerendered_stream import noted

Made = Callable[[Ids, int, int], Plan]


def plan(*steps: Step, head: ResponseHead | None = None) -> Plan:
    return Plan(head or ResponseHead(200, (("a", "b"),)), steps, Framing.SSE)


def event(text: str, beat: int, name: str | None = None) -> EventStep:
    return EventStep(text.encode(), beat, "say", name)


CASES: dict[str, tuple[Made, int]] = {
    # what makes a plan of ids, second and tokens; and how many beginnings are filled
    "nothing changes": (lambda ids, second, tokens: plan(event("x", 1), event("y", 2)), 1),
    "all begin alike": (
        lambda ids, second, tokens: plan(
            *(event(f"{ids.make('a', 8)} at {second}: {n}", n, "delta") for n in range(5))
        ),
        1,
    ),
    "one more hole, and what differs before it": (
        lambda ids, second, tokens: plan(
            event(f"<{ids.make('a', 8)}>", 1), event(f"<{ids.make('a', 8)}>{tokens + 7}", 2), event("-", 3)
        ),
        3,
    ),
    "the same bytes around another hole": (
        lambda ids, second, tokens: plan(
            event(f"<{ids.make('a', 8)}>", 1), event(f"<{ids.make('b', 8)}>", 2)
        ),
        2,
    ),
    "waits and raw bytes stand as they are": (
        lambda ids, second, tokens: plan(WaitStep(1, 0, True), event(f"{tokens}", 1), RawStep(b"x", 2)),
        1,
    ),
    "ids in headers": (
        lambda ids, second, tokens: plan(
            event("x", 1), head=ResponseHead(200, (("a", "b"),), (("id", ids.make("r", 9)),))
        ),
        1,
    ),
    "nothing is sent": (lambda ids, second, tokens: plan(), 0),
}


@pytest.mark.parametrize(("made", "leads"), CASES.values(), ids=CASES)
def test_what_is_played_is_what_rendering_gives(made: Made, leads: int) -> None:
    ids = TrackedIds()
    score = noted(made(ids, SECOND, TOKENS), ids)
    for number, tokens in enumerate((1, 25, 123_456)):
        own, second = Ids(3, "scope", number), 1_700_000_000 + number
        assert score.plan(own.root, second, tokens) == made(own, second, tokens)
    assert len(score.leads) == leads


def test_it_knows_whether_it_counts() -> None:
    ids = TrackedIds()
    assert noted(plan(event(str(TOKENS + 1), 1)), ids).counts
    assert not noted(plan(event(str(SECOND), 1)), ids).counts


def test_its_size_is_about_its_bytes() -> None:
    assert 50_000 < noted(plan(event("x" * 50_000, 1)), TrackedIds()).size < 60_000
