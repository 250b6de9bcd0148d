"""Faults of chunks: the resulting plans, and reasons where a fault does not apply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from mockllm.core.faults import FAULTS, Fault, Malformed
from mockllm.core.randomness import Randomness
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead, Step, WaitStep
from mockllm.core.request.request import Request
from mockllm.core.templates.template import TemplateFailure, TemplateScope
from mockllm.core.values.types import EvaluationContext, evaluate, is_static
from tests.core.faults.plans import refusal

STEPS: Sequence[Step] = (
    EventStep(b"role", 0, "open"),
    EventStep(b"one", 1, "chunk", "delta"),
    WaitStep(1.0, 1),
    EventStep(b"two", 2, "chunk", "delta"),
    RawStep(b": note\n\n", 2),
    EventStep(b"also two", 2, "chunk", "delta"),
    EventStep(b"three", 3, "chunk"),
    EventStep(b"done", 3, "end"),
)
STREAM = Plan(ResponseHead(200, ()), STEPS, Framing.SSE)


def malformed(**settings: Any) -> Malformed:
    return Malformed.model_validate(settings)


def played(fault: Fault, plan: Plan = STREAM) -> Sequence[Step]:
    return fault.apply(plan).steps


def test_fault_is_registered_under_its_name() -> None:
    assert FAULTS["malformed"] is Malformed
    assert all(kind.name == name for name, kind in FAULTS.items())


def test_fault_settings_have_defaults_and_descriptions() -> None:
    for name, kind in FAULTS.items():
        assert vars(kind).get("__doc__"), f"{name} needs a docstring: docs/faults.md has it"
        for key, setting in kind.model_fields.items():
            assert setting.description, f"describe the setting {key} of {name}: Field(description=…)"
            assert not setting.is_required(), f"the setting {key} of {name} has no default: Field(default=…)"
        kind()


def test_fault_needs_a_kind_of_response() -> None:
    """Its class determines it, or its fault point."""
    settings: dict[str, dict[str, Any]] = {
        "malformed": {},
        "refusal": {},
        "unknown_tool": {},
        "truncate": {},
        "stall": {"after": {"events": 1}},
        "reset": {"after": {"chunks": 1}},
    }
    needs = [FAULTS[name].model_validate(values).needs for name, values in settings.items()]
    assert needs == ["stream", "reply", "call", "any", "stream", "reply"]


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        pytest.param(
            malformed(at={"chunk": 1}),
            (STEPS[0], EventStep(b'{"broken": ', 1, "chunk", "delta")),
            id="in place of the chunk, and the stream ends there",
        ),
        pytest.param(
            malformed(at={"chunk": 2}),
            (*STEPS[:3], EventStep(b'{"broken": ', 2, "chunk", "delta")),
            id="a chunk of several events is replaced as one, the wait before it stays",
        ),
        pytest.param(
            malformed(at={"chunk": 2}, then="go_on"),
            (*STEPS[:3], EventStep(b'{"broken": ', 2, "chunk", "delta"), *STEPS[6:]),
            id="the rest follows",
        ),
        pytest.param(
            malformed(at={"chunk": 3}, data="oops"),
            (*STEPS[:6], EventStep(b"oops", 3, "chunk")),
            id="with data of one's own",
        ),
    ],
)
def test_malformed_class_is_in_the_registry(fault: Fault, steps: Sequence[Step]) -> None:
    assert played(fault) == steps


@pytest.mark.parametrize(
    ("framing", "wire"),
    [(Framing.SSE, b'data: {"broken": \n\n'), (Framing.SSE_CRLF, b'data: {"broken": \r\n\r\n')],
)
def test_malformed_data_is_framed(framing: Framing, wire: bytes) -> None:
    plan = Plan(ResponseHead(200, ()), (EventStep(b"one", 1, "chunk"),), framing)
    assert sent_bytes(replace(plan, steps=played(malformed(), plan))) == wire


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        pytest.param(
            Plan(ResponseHead(200, ()), (EventStep(b"{}", 0, "body"),)),
            "the response is not streamed",
            id="a non-streaming response",
        ),
        pytest.param(STREAM, "the response has only 3 chunks", id="beyond the end"),
        pytest.param(
            Plan(ResponseHead(200, ()), STEPS[:2], Framing.SSE),
            "the response has only 1 chunk",
            id="beyond a single chunk",
        ),
        pytest.param(
            Plan(ResponseHead(200, ()), (), Framing.SSE),
            "the response has only 0 chunks",
            id="an empty stream",
        ),
    ],
)
def test_chunk_fault_not_applicable_has_reason(plan: Plan, reason: str) -> None:
    assert refusal(lambda: malformed(at={"chunk": 7}).apply(plan)) == reason


def test_chunk_fault_place_may_be_a_template() -> None:
    fault = malformed(at={"chunk": "{{ query.fail_chunk }}"})
    assert not is_static(fault)
    assert played(evaluate(fault, sent("fail_chunk=1"))) == played(malformed(at={"chunk": 1}))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("fail_chunk=abc", '"abc" is not a whole number'),
        ("fail_chunk=0", '"0" is not at least 1'),
        ("", "query.fail_chunk is absent"),
    ],
)
def test_chunk_fault_unsuitable_place_names_parameter(query: str, reason: str) -> None:
    with pytest.raises(TemplateFailure) as caught:
        evaluate(malformed(at={"chunk": "{{ query.fail_chunk }}"}), sent(query))
    assert caught.value.query == "fail_chunk"
    assert caught.value.reason == reason


def sent(query: str) -> EvaluationContext:
    request = Request(method="POST", path="/", headers={}, query_string=query)
    return EvaluationContext(TemplateScope(request), Randomness(0, "rule", "", 0))


@pytest.mark.parametrize(
    "settings", [{"at": {"chunk": 0}}, {"at": {"chunk": "3"}}, {"at": {}}, {"then": "stop"}, {"x": 1}]
)
def test_fault_invalid_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        malformed(**settings)
