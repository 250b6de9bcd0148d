"""Faults of the connection: the resulting plans."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS
from mockllm.core.rendering.framing import steps_with_bytes
from mockllm.core.rendering.plan import (
    DEFAULT_DELIVERY,
    CutStep,
    Delivery,
    Framing,
    Plan,
    RawStep,
    Throttle,
    WaitStep,
)
from mockllm.core.rendering.websocket_frames import close_frame
from tests.core.faults.plans import ARRAY, EMPTY, ERROR, STEPS, STREAM, WHOLE, played, reason


def built(name: str, **settings: Any) -> Any:
    return FAULTS[name].model_validate(settings)


@pytest.mark.parametrize("name", ["reset", "close", "silence"])
def test_cutting_fault_cuts_in_middle_or_at_place(name: str) -> None:
    assert played(built(name)).steps == (*STEPS[:3], CutStep(name, 1), *STEPS[3:])  # type: ignore[arg-type]
    assert played(built(name, after={"chunks": 2})).steps == (*STEPS[:5], CutStep(name, 2), *STEPS[5:])  # type: ignore[arg-type]
    assert played(built(name), ERROR).steps[1] == CutStep(name, 0)  # type: ignore[arg-type]
    assert reason(built(name, after={"chunks": 3})) == "the response has only 2 chunks"


def test_close_of_websocket_sends_its_code_first() -> None:
    messages = replace(STREAM, framing=Framing.WEBSOCKET)
    frame = b"\x88\x06\x03\xf3busy"  # a final frame of opcode 8: two bytes of the code 1011, then the reason
    assert played(built("close", code=1011, reason="busy"), messages).steps == (
        *STEPS[:3],
        RawStep(frame, 1),
        CutStep("close", 1),
        *STEPS[3:],
    )


def test_close_frame_is_never_within_a_message() -> None:
    messages = replace(STREAM, framing=Framing.WEBSOCKET)
    size = sum(len(data) for _, data in steps_with_bytes(messages))
    for count in range(size + 1):
        steps = played(built("close", code=1011, after={"bytes": count}), messages).steps
        assert [step.data for step in steps if type(step) is RawStep] == [close_frame(1011, "")]


@pytest.mark.parametrize(
    ("settings", "framing"), [({"code": 1011}, Framing.SSE), ({"reason": "busy"}, Framing.WEBSOCKET)]
)
def test_close_has_no_frame_without_code_and_websocket(settings: dict[str, Any], framing: Framing) -> None:
    plan = replace(STREAM, framing=framing)
    assert played(built("close", **settings), plan).steps == (*STEPS[:3], CutStep("close", 1), *STEPS[3:])


HANDSHAKE = Plan(replace(EMPTY.head, status=101), (), delivery=Delivery(websocket_factory=object))


def test_close_of_handshake_closes_its_websocket_later() -> None:
    wait, cut = WaitStep(2.0, 0), CutStep("close", 0)
    named = built("close", code=1001, reason="bye", after={"time": "2s"})
    assert played(named, HANDSHAKE).steps == (wait, RawStep(b"\x88\x05\x03\xe9bye", 0), cut)
    assert played(built("close", after={"time": "2s"}), HANDSHAKE).steps == (wait, RawStep(b"", 0), cut)


def test_close_of_websocket_at_missing_place_has_reason() -> None:
    messages = replace(STREAM, framing=Framing.WEBSOCKET)
    fault = built("close", code=1011, after={"chunks": 3})
    assert reason(fault, messages) == "the response has only 2 chunks"


def test_slow_close_ends_with_connection_without_length() -> None:
    plan = played(built("slow_close", **{"for": "2s"}))
    assert plan.steps == (*STEPS, WaitStep(2.0, 2), CutStep("close", 2))
    assert plan.delivery == Delivery(body_end="connection_end")
    long = replace(ERROR, head=ERROR.head.with_headers((("content-length", "9"),)))
    assert played(built("slow_close"), long).head == ERROR.head
    assert played(built("slow_close"), EMPTY).steps == (WaitStep(5.0, 0), CutStep("close", 0))


def test_slow_close_waits_after_the_end_of_an_array() -> None:
    assert played(built("slow_close"), ARRAY).steps[3:] == (
        RawStep(b"\n]", 2),
        WaitStep(5.0, 2),
        CutStep("close", 2),
    )


def test_slow_close_of_cut_response_has_reason() -> None:
    assert reason(built("slow_close"), played(built("reset"))) == "the response is cut before its end"


@pytest.mark.parametrize(
    ("rate", "flow"),
    [(1000.0, Throttle(50, 0.05)), (1.0, Throttle(1, 1.0)), (30.0, Throttle(1, 1 / 30))],
)
def test_bandwidth_adds_a_flow_of_small_slices(rate: float, flow: Throttle) -> None:
    assert played(built("bandwidth", bytes_per_second=rate)).delivery.throttles == (flow,)


def test_flows_of_several_faults_are_added() -> None:
    plan = played(built("drip", size=2, every="3ms"), played(built("bandwidth")))
    assert plan.delivery.throttles == (Throttle(50, 0.05), Throttle(2, 0.003, head=False))


def test_slow_headers_twice_adds_the_times() -> None:
    once = played(built("slow_headers"))
    assert once == replace(STREAM, delivery=Delivery(head_seconds=5.0))
    assert played(built("slow_headers", **{"for": "1s"}), once).delivery.head_seconds == 6.0


@pytest.mark.parametrize("then", ["reset", "close", "silence"])
def test_no_response_cuts_before_the_head(then: str) -> None:
    plan: Plan = played(built("no_response", then=then), WHOLE)
    assert plan.steps == (CutStep(then, 0),)  # type: ignore[arg-type]
    assert plan.delivery == replace(DEFAULT_DELIVERY, sends_nothing=True)
    assert played(built("no_response")).delay == STREAM.delay
