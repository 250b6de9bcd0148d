"""Faults that repeat: a fault may come several times, so that the product of their repetitions is bounded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS, NotApplicable
from mockllm.core.faults.base import FEW_STEPS, MAX_REPEATS, MAX_STEPS
from mockllm.core.faults.form_events import FormFault
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.rendering.stream_form import FinishPlace, Payload, StreamForm
from tests.core.faults.plans import STEPS, STREAM, played, reason

TOO_MANY = f"the response would have more than {MAX_STEPS:,} events and waits"
DUPLICATE = FAULTS["duplicate"].model_validate({"times": MAX_REPEATS})
FLOOD = FAULTS["comment_flood"].model_validate({"count": MAX_REPEATS, "every": "1ms"})


def test_duplicate_of_duplicates_has_reason() -> None:
    assert reason(DUPLICATE, played(DUPLICATE)) == TOO_MANY
    thousands = FAULTS["duplicate"].model_validate({"times": 2000})
    assert reason(thousands, played(thousands)) == TOO_MANY


def test_floods_of_comments_have_reason_beyond_bound() -> None:
    twice = played(FLOOD, played(FLOOD))
    assert 4 * MAX_REPEATS < len(twice.steps) <= MAX_STEPS
    assert reason(FLOOD, twice) == TOO_MANY


def test_fault_of_few_steps_applies_to_any_stream() -> None:
    long = replace(STREAM, steps=(*STREAM.steps, *(STEPS[:1] * MAX_STEPS)))
    assert len(played(FAULTS["stall"](), long).steps) == len(long.steps) + 1
    flood = FAULTS["comment_flood"].model_validate({"count": FEW_STEPS, "every": "1ms"})
    assert reason(flood, long) == TOO_MANY


class FinishForm(StreamForm):
    """The form of events with a finish reason and no other place."""

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        yield FinishPlace(0, payload, ("reason",), ended=True)


def test_fault_of_form_has_reason_beyond_bound() -> None:
    twice = FAULTS["finish"]()
    assert isinstance(twice, FormFault)
    ends = (EventStep(b'{"reason": "stop"}', 1, "finish"),) * (FEW_STEPS + 1)
    long = replace(STREAM, steps=(*(STEPS[:1] * MAX_STEPS), *ends))
    assert twice.apply_to_stream(long, FinishForm()) == NotApplicable(TOO_MANY)
    assert isinstance(twice.apply_to_stream(replace(STREAM, steps=ends), FinishForm()), Plan)


def test_long_comments_of_flood_have_reason() -> None:
    flood = FAULTS["comment_flood"].model_validate({"count": MAX_REPEATS, "comment": "x" * 1000})
    assert reason(flood) == "the comments would have more than 10 MB"


@pytest.mark.parametrize("name", ["comment_flood", "duplicate"])
def test_fault_that_comes_often_stays_within_bound(name: str) -> None:
    fault = FAULTS[name].model_validate({"times" if name == "duplicate" else "count": MAX_REPEATS})
    plan = STREAM
    for _ in range(8):
        changed = fault.apply(plan)
        plan = changed if isinstance(changed, Plan) else plan
    assert len(plan.steps) <= MAX_STEPS
