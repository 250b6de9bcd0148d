"""Stencils: what is cut out of a rendered plan, and what filling one gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from mockllm.core.randomness import Ids
from mockllm.core.rendering.placeholders import SECOND, TOKENS, TrackedIds
from mockllm.core.rendering.plan import (
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    WaitStep,
)
from mockllm.core.rendering.prerendered_response import cut

Made = Callable[[Ids, int, int], Plan]


def plan(*steps: Step, head: ResponseHead | None = None) -> Plan:
    return Plan(head or ResponseHead(200, (("a", "b"),)), steps, Framing.SSE, 0.5)


def event(text: str, beat: int) -> EventStep:
    return EventStep(text.encode(), beat, "say")


CASES: dict[str, tuple[Made, int]] = {
    # what makes a plan of ids, second and tokens; and how many holes there are
    "nothing changes": (lambda ids, second, tokens: plan(event("x", 1)), 0),
    "one id": (lambda ids, second, tokens: plan(event(f"<{ids.make('a', 8)}>", 1)), 1),
    "an id again and again, and others": (
        lambda ids, second, tokens: plan(
            event(f"{ids.make('a', 8)} {ids.make('b', 30)}", 1), event(f"{ids.make('a', 8)}", 2)
        ),
        3,
    ),
    "the time and the tokens, and sums of them": (
        lambda ids, second, tokens: plan(event(f"{second}, {tokens}, {tokens + 7}, {tokens - 3}", 1)),
        4,
    ),
    "waits and a cut part what leaves together": (
        lambda ids, second, tokens: plan(
            WaitStep(1, 0),
            event(f"{tokens}", 1),
            WaitStep(2, 1),
            RawStep(b"x", 2),
            event("y", 3),
            CutStep("reset", 3),
        ),
        1,
    ),
    "nothing is sent": (lambda ids, second, tokens: plan(), 0),
    "a wait alone": (lambda ids, second, tokens: plan(WaitStep(1, 0)), 0),
    "an id that is asked for and not used": (
        lambda ids, second, tokens: plan(event("x" * len(ids.make("a", 8)), 1)),
        0,
    ),
    "ids in headers": (
        lambda ids, second, tokens: plan(
            event("x", 1), head=ResponseHead(200, (("a", "b"), ("id", ids.make("r", 9))))
        ),
        0,
    ),
}


@pytest.mark.parametrize(("made", "holes"), CASES.values(), ids=CASES)
def test_a_filled_stencil_sends_what_rendering_sends(made: Made, holes: int) -> None:
    noted = TrackedIds()
    stencil = cut(made(noted, SECOND, TOKENS), noted)
    for number, tokens in enumerate((1, 25, 123_456)):
        ids, second = Ids(3, "scope", number), 1_700_000_000 + number
        filled, rendered = stencil.plan(stencil.fill(ids.root, second, tokens)), made(ids, second, tokens)
        assert sorted(filled.head.headers) == sorted(rendered.head.headers)
        assert _joined(filled) == _joined(rendered)
        assert (filled.framing, filled.delay) == (rendered.framing, rendered.delay)
    found = [piece for piece in stencil.templates if not isinstance(piece, (WaitStep, CutStep))]
    assert sum(len(piece.parts) // 2 for piece in found) == holes


def test_a_stencil_knows_whether_it_counts() -> None:
    noted = TrackedIds()
    assert cut(plan(event(str(TOKENS + 1), 1)), noted).counts
    assert not cut(plan(event(str(SECOND), 1)), noted).counts


def test_a_stencil_knows_the_piece_that_leaves_alone_and_at_once() -> None:
    noted = TrackedIds()
    at_once = cut(replace(plan(event("x", 1)), delay=0.0), noted)
    assert at_once.alone is at_once.templates[0]
    assert cut(plan(event("x", 1)), noted).alone is None
    assert cut(replace(plan(event("x", 1), WaitStep(1, 1), event("y", 2)), delay=0.0), noted).alone is None
    assert cut(replace(plan(WaitStep(1, 0)), delay=0.0), noted).alone is None


def test_a_number_that_only_begins_like_one_of_these_is_no_hole() -> None:
    noted = TrackedIds()
    assert cut(plan(event(f"{SECOND}0 1{TOKENS}", 1)), noted).numbers == ()


def test_its_size_is_about_its_bytes() -> None:
    noted = TrackedIds()
    assert 50_000 < cut(plan(event("x" * 50_000, 1)), noted).size < 60_000


def _joined(made: Plan) -> list[object]:
    """Waits and cuts, and the bytes between them."""
    said: list[object] = [b""]
    for step in made.steps:
        if isinstance(step, (WaitStep, CutStep)):
            said += [step, b""]
        else:
            data = b"data: " + step.payload + b"\n\n" if isinstance(step, EventStep) else step.data
            assert isinstance(said[-1], bytes)
            said[-1] += data
    return said


def test_the_steps_of_a_filled_stencil_are_as_those_that_were_rendered() -> None:
    noted = TrackedIds()
    made, _ = CASES["waits and a cut part what leaves together"]
    stencil = cut(made(noted, SECOND, TOKENS), noted)
    steps = stencil.plan(stencil.fill(Ids(0, "", 1).root, 1, 2)).steps
    assert len(steps) == len(tuple(steps))
    assert steps[1:] == tuple(steps)[1:]
    assert steps[0] == next(iter(steps))
    assert hash(steps) == hash(tuple(steps))
    nothing: object = 5
    assert steps != nothing
