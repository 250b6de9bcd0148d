"""The steps of a chunk adjoin after each fault: a later fault takes all from its first to its last step for it."""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import Any, Final

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from mockllm.core.faults import FAULTS, Fault, NotApplicable
from mockllm.core.rendering.plan import EventStep, Plan, RawStep, Step, WaitStep
from tests.core.faults.plans import STREAM

CHUNKS: Final = ((b"one",), (b"t", b"wo"), (b"th", b"ree"), (b"f", b"o", b"ur"), (b"five",))
"""The events of each chunk."""
LONG: Final = replace(
    STREAM,
    steps=(
        EventStep(b"role", 0, "open"),
        *(
            step
            for number, events in enumerate(CHUNKS, 1)
            for step in (
                WaitStep(1.0, number - 1),
                *(EventStep(event, number, "chunk", "delta") for event in events),
            )
        ),
        EventStep(b"stop", 5, "finish"),
        EventStep(b"done", 5, "end"),
    ),
)
DIVIDED: Final = FAULTS["cut_event"].model_validate({"at": {"chunk": 2}, "then": "go_on"}).apply(LONG)
"""An earlier fault has divided the first event of a chunk."""
SETTINGS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"at": {"chunk": 2}},
    {"after": {"chunks": 2}},
    {"for": "1s"},
    {"times": 2},
    {"count": 2},
    {"nth": 2},
    {"event": 2},
)


def faults() -> list[Any]:
    """Each fault with the settings that it accepts."""
    found = []
    for name, kind in FAULTS.items():
        for settings in SETTINGS:
            try:
                found.append(pytest.param(kind.model_validate(settings), id=f"{name} {settings}"))
            except ValidationError:
                continue
    return found


def is_of_chunk(step: Step) -> bool:
    """Whether it is an event of a chunk, or a part of one."""
    if isinstance(step, RawStep):
        return step.attached_to_chunk and (step.begins_event or step.continues_event)
    return isinstance(step, EventStep) and step.kind == "chunk"


def separated(plan: Plan) -> list[int]:
    """The chunks that have other chunks between their events."""
    runs = [number for number, _ in groupby(step.chunk_number for step in plan.steps if is_of_chunk(step))]
    return [number for number in set(runs) if runs.count(number) > 1]


@pytest.mark.parametrize("fault", faults())
@pytest.mark.parametrize("plan", [LONG, DIVIDED], ids=["whole", "divided"])
def test_steps_of_a_chunk_adjoin(plan: Plan, fault: Fault) -> None:
    with suppress(NotApplicable):
        assert separated(fault.apply(plan)) == [], (
            "a copy that is not beside its event has the kind `added`; a divided chunk does not move"
        )


def test_separated_chunk_is_found() -> None:
    copied = replace(LONG, steps=(*LONG.steps, EventStep(b"two", 2, "chunk")))
    assert separated(copied) == [2]
