"""Faults of form in a protocol whose events have no places. Those of protocols are in tests/dialects."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.faults import FAULTS, FormFault
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from tests.core.faults.plans import HEAD, TextForm, refusal

STREAM = Plan(
    HEAD,
    (EventStep(b'{"text":"a"}', 1, "chunk"), EventStep(b'{"text":"b"}', 2, "chunk")),
    Framing.SSE,
)


def applied(name: str, form: EventLayout, /, **settings: Any) -> Plan:
    fault = FAULTS[name].model_validate(settings)
    assert isinstance(fault, FormFault)
    return fault.apply_to_stream(STREAM, form)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tool_call_chunks", "the response calls no tool"),
        ("finish", "the response has no finish reason"),
        ("role", "no event has a role"),
        ("usage", "the response does not show it"),
        ("empty_chunk", "the response has no chunk of a text"),
    ],
)
def test_form_without_places_plays_no_fault(name: str, reason: str) -> None:
    assert refusal(lambda: applied(name, EventLayout())) == reason


@pytest.mark.parametrize("form", ["no_choices", "no_delta"])
def test_empty_chunk_needs_the_place_that_is_empty(form: str) -> None:
    assert (
        refusal(lambda: applied("empty_chunk", TextForm(), form=form)) == f"no chunk has a place for {form}"
    )


def test_empty_chunk_comes_behind_the_chunk_it_copies() -> None:
    plan = applied("empty_chunk", TextForm(), form="null_text")
    assert plan.steps == (STREAM.steps[0], EventStep(b'{"text":null}', 1, "added"), STREAM.steps[1])
