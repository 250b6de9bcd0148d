"""What is stored of a cached response: filled, it equals what is read from its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.rendering.stored_parts import PrerenderedStoredParts, StoredParts, prerender_stored_parts

VALUES = (b"resp_1", b"7", b"call_1")


def form_of(
    payload: bytes, names: Sequence[str], calls: Mapping[str, str] | None = None
) -> PrerenderedStoredParts | None:
    """The form of a response whose texts have `{0}`, `{1}` and `{2}` in place of the values."""

    def plan_with(values: Sequence[bytes]) -> Plan:
        texts = [value.decode() for value in values]
        filled = payload.decode().format(*texts)
        step = EventStep("\n".join((filled, *[name.format(*texts) for name in names])).encode(), 0, "body")
        return Plan(ResponseHead(200, ()), (step,))

    def read(plan: Plan) -> StoredParts | None:
        step = plan.steps[0]
        assert isinstance(step, EventStep)
        sent, *found = step.payload.decode().split("\n")
        return StoredParts(sent.encode(), tuple(found), dict(calls or {})) if found else None

    return prerender_stored_parts(plan_with, read, VALUES)


def test_form_is_filled_with_each_responses_values() -> None:
    form = form_of(b"[{0},{1},{0}]", ["{0}", "fixed"], {"id": "add"})
    assert form is not None
    other = form.fill((b"resp_2", b"8", b"call_2"))
    assert other == StoredParts(b"[resp_2,8,resp_2]", ("resp_2", "fixed"), {"id": "add"})


def test_form_counts_its_bytes() -> None:
    short, long = form_of(b"[{0}]", ["{0}"]), form_of(b"[{0}%b]" % (b"x" * 5_000), ["{0}"])
    assert short is not None
    assert long is not None
    assert long.size - short.size == 5_000


@pytest.mark.parametrize("names", [[], ["part of {0}"]], ids=["nothing is read", "a name is composed"])
def test_response_has_no_form_where(names: list[str]) -> None:
    assert form_of(b"[{0}]", names) is None


def test_response_whose_form_does_not_reproduce_it_has_none() -> None:
    """A reader that depends on a value, as on the length of an id."""

    def read(plan: Plan) -> StoredParts:
        step = plan.steps[0]
        assert isinstance(step, EventStep)
        return StoredParts(b"%d" % len(step.payload), ("resp",), {})

    def plan_with(values: Sequence[bytes]) -> Plan:
        return Plan(ResponseHead(200, ()), (EventStep(values[0], 0, "body"),))

    assert prerender_stored_parts(plan_with, read, VALUES) is None
