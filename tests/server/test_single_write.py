"""Responses that need one write: what has waits, cuts or an unusual delivery needs a player."""

from __future__ import annotations

import pytest

from mockllm.core.randomness import Ids
from mockllm.core.rendering.placeholders import Placeholders
from mockllm.core.rendering.plan import (
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    StepOutsideHttpChunks,
    WaitStep,
)
from mockllm.core.rendering.prerendered_response import prerender_response
from mockllm.server.http1 import HttpConstraints, serialize_head
from mockllm.server.single_write import has_wait_or_cut, single_write
from tests.server.fake_engine import say, streamed
from tests.server.test_player import delivered


@pytest.mark.parametrize(
    "plan", [delivered(say("a"), sends_nothing=True), streamed(StepOutsideHttpChunks(b"x", 0))]
)
def test_single_write_of_special_delivery_is_none(plan: Plan) -> None:
    assert single_write(plan, serialize_head(plan, HttpConstraints(), "")) is None


@pytest.mark.parametrize(
    ("steps", "delay", "takes"),
    [
        ((EventStep(b"x", 1, "chunk"), RawStep(b"y", 1)), 0.0, False),
        ((), 0.0, False),
        ((), 0.5, True),
        ((EventStep(b"x", 1, "chunk"), WaitStep(0.1, 1), EventStep(b"y", 2, "chunk")), 0.0, True),
        ((EventStep(b"x", 1, "chunk"), CutStep("close", 1)), 0.0, True),
    ],
    ids=["bytes alone", "nothing", "a delay", "a wait", "a cut"],
)
def test_takes_time_agrees_with_single_write(steps: tuple[Step, ...], delay: float, takes: bool) -> None:
    plan = Plan(ResponseHead(200, ()), steps, Framing.SSE, delay)
    assert has_wait_or_cut(plan) is takes
    assert has_wait_or_cut(prerender_response(plan, Placeholders(Ids(0, "", 0), 0.0, 0))) is takes
    assert takes is (single_write(plan, serialize_head(plan, HttpConstraints(), "")) is None)
