"""Several faults on one response: each applies to the result of the earlier ones, in order."""

from __future__ import annotations

import zlib
from itertools import takewhile
from typing import Any

import pytest

from mockllm.core.faults import FAULTS
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import throttled
from mockllm.core.rendering.plan import (
    CutStep,
    Delivery,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Throttle,
    WaitStep,
)
from mockllm.server.http1 import body_length
from tests.core.faults.plans import ARRAY, BODY, STEPS, STREAM, WHOLE, refusal

PLAIN = Plan(ResponseHead(200, ()), STEPS, Framing.SSE)


def broken(plan: Plan, *faults: dict[str, dict[str, Any]]) -> Plan:
    for fault in faults:
        ((name, settings),) = fault.items()
        plan = FAULTS[name].model_validate(settings).apply(plan)
    return plan


def unplayed(plan: Plan, *faults: dict[str, dict[str, Any]]) -> str:
    """Why the last of them is not applied."""
    *before, last = faults
    ((name, settings),) = last.items()
    earlier = broken(plan, *before)
    return refusal(lambda: FAULTS[name].model_validate(settings).apply(earlier))


def until_the_cut(plan: Plan) -> tuple[float, bytes]:
    """How many seconds its steps wait before the cut, and what is sent by then."""
    waited = 0.0
    for step in plan.steps:
        if type(step) is CutStep:
            return round(waited, 6), sent_bytes(plan)
        waited += step.seconds if type(step) is WaitStep else 0.0
    raise AssertionError("nothing cuts it")


def text(*steps: int) -> bytes:
    return sent_bytes(Plan(ResponseHead(200, ()), tuple(STEPS[index] for index in steps), Framing.SSE))


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"chunks": 1}, id="behind a chunk"),
        pytest.param({"events": 2}, id="behind an event"),
        pytest.param({"bytes": 36}, id="behind a byte"),
        pytest.param({"fraction": "50%"}, id="at a fraction"),
    ],
)
def test_stall_then_cut_at_one_place_act_in_order(place: dict[str, Any]) -> None:
    plan = broken(STREAM, {"stall": {"after": place, "for": "5s"}}, {"reset": {"after": place}})
    assert until_the_cut(plan) == (6.0, text(0, 2))


def test_stall_and_cut_have_the_same_default_place() -> None:
    assert until_the_cut(broken(STREAM, {"stall": {"for": "5s"}}, {"close": {}})) == (6.0, text(0, 2))
    waited, content = until_the_cut(broken(WHOLE, {"stall": {"for": "5s"}}, {"close": {}}))
    assert (waited, content) == (9.0, BODY[: BODY.index(b"<two>")])


def test_stall_then_cut_before_first_chunk_act_in_order() -> None:
    place = {"after": {"chunks": 0}}
    plan = broken(STREAM, {"stall": {**place, "for": "5s"}}, {"reset": place})
    assert until_the_cut(plan) == (5.0, text(0))


def test_cut_at_time_after_stall_stays_at_that_time() -> None:
    stall = {"stall": {"after": {"time": "2s"}, "for": "5s"}}
    assert until_the_cut(broken(STREAM, stall, {"reset": {"after": {"time": "2s"}}})) == (1.5, text(0, 2))


def test_comment_flood_then_cut_act_in_order() -> None:
    place = {"after": {"chunks": 1}}
    plan = broken(STREAM, {"comment_flood": {**place, "count": 1, "every": "1s"}}, {"close": place})
    assert until_the_cut(plan) == (2.0, text(0, 2) + b": keep-alive\n\n")


@pytest.mark.parametrize("place", [{"chunks": 1}, {"events": 2}])
def test_cut_after_split_chunk_is_after_its_second_part(place: dict[str, Any]) -> None:
    plan = broken(STREAM, {"cut_event": {"then": "go_on", "pause": "3s"}}, {"reset": {"after": place}})
    assert until_the_cut(plan) == (4.0, text(0, 2))


def test_cut_after_chunk_split_at_byte_is_after_its_end() -> None:
    stall = {"stall": {"after": {"bytes": 20}, "for": "3s"}}
    assert until_the_cut(broken(STREAM, stall, {"reset": {"after": {"chunks": 1}}})) == (4.0, text(0, 2))


def test_cut_after_split_event_is_before_the_next() -> None:
    plan = broken(
        STREAM,
        {"cut_event": {"at": {"chunk": 2}, "then": "go_on"}},
        {"close": {"after": {"events": 2}}},
    )
    assert until_the_cut(plan) == (1.0, text(0, 2))


def test_cut_of_gzip_stream_counts_chunks() -> None:
    plan = broken(STREAM, {"bad_gzip": {"form": "bad_checksum"}}, {"close": {"after": {"chunks": 1}}})
    waited, content = until_the_cut(plan)
    assert (waited, zlib.decompressobj(wbits=31).decompress(content)) == (1.0, text(0, 2))


def test_cut_of_gzip_or_truncated_body_has_bytes_only() -> None:
    packed = {"bad_gzip": {"form": "bad_checksum"}}
    half = len(sent_bytes(broken(WHOLE, packed))) // 2
    assert len(sent_bytes(broken(WHOLE, packed, {"close": {}}))) == half
    assert len(sent_bytes(broken(WHOLE, {"truncate": {"after": {"bytes": 20}}}, {"close": {}}))) == 10
    assert unplayed(WHOLE, packed, {"close": {"after": {"chunks": 1}}}) == "the response has no chunks"


def test_bad_gzip_after_cut_states_the_full_length() -> None:
    plan = broken(WHOLE, {"close": {"after": {"bytes": 20}}}, {"bad_gzip": {"form": "bad_checksum"}})
    assert zlib.decompressobj(wbits=31).decompress(sent_bytes(plan)) == BODY[:20]
    assert body_length(plan) > len(sent_bytes(plan))


def test_two_cuts_of_a_body_count_chunks() -> None:
    late, early = {"close": {"after": {"chunks": 2}}}, {"reset": {"after": {"chunks": 1}}}
    assert until_the_cut(broken(WHOLE, late, early))[1] == BODY[: BODY.index(b"<two>")]
    assert unplayed(WHOLE, early, late).startswith("the response has only 26 bytes")


def test_chunk_fault_of_dropped_chunk_has_reason() -> None:
    reason = "chunk 1 is not sent by itself"
    assert unplayed(STREAM, {"drop": {}}, {"drop": {}}) == reason
    assert unplayed(STREAM, {"cut_event": {"then": "go_on"}}, {"malformed": {}}) == reason


@pytest.mark.parametrize("first", ["no_response", "reset"])
def test_faults_after_withheld_response_have_reason(first: str) -> None:
    settings = {} if first == "no_response" else {"after": {"time": "100ms"}}
    for name, fault in FAULTS.items():
        if not fault.needs_reply:
            assert unplayed(STREAM, {first: settings}, {name: {}}) == "no byte of the response is sent", name


# --- flows ---------------------------------------------------------------------------------------

SLOW = {"bandwidth": {"bytes_per_second": 20}}


def test_cut_at_time_of_slow_response_is_at_that_time() -> None:
    plan = broken(PLAIN, SLOW, {"reset": {"after": {"time": "17.01s"}}})
    waited, content = until_the_cut(plan)
    assert (waited, len(content)) == (17.01, 41)  # 300 bytes for the head: 15 s; then one each 50 ms
    assert sent_bytes(PLAIN).startswith(content)


def test_cut_at_time_of_flow_delays_no_byte_twice() -> None:
    plan = broken(PLAIN, SLOW, {"reset": {"after": {"time": "17.01s"}}})
    head = takewhile(lambda step: type(step) is not CutStep, plan.steps)
    again = throttled([step.data if type(step) is RawStep else step for step in head], Throttle(1, 0.05), 280)  # type: ignore[misc]
    assert (
        round(sum(item.seconds for item in again if type(item) is WaitStep), 6) == 17.05
    )  # its last byte's time


def test_cut_after_the_end_of_slow_response_has_reason() -> None:
    assert unplayed(PLAIN, SLOW, {"reset": {"after": {"time": "1m"}}}) == "the response takes only 19.2 s"
    dripping = {"drip": {"every": "1s"}}
    assert unplayed(PLAIN, dripping, {"reset": {"after": {"time": "2m"}}}) == "the response takes only 85 s"


def test_cut_at_time_leaves_steps_after_earlier_cut() -> None:
    plan = broken(WHOLE, {"close": {"after": {"bytes": 20}}}, SLOW, {"reset": {"after": {"time": "16s"}}})
    assert until_the_cut(plan)[0] == 16.0
    assert b"".join(step.data for step in plan.steps if type(step) is RawStep) == BODY


def test_cut_at_time_within_slow_head_has_reason() -> None:
    slow = {"slow_headers": {"for": "5s"}}
    plan = broken(STREAM, slow, {"close": {"after": {"time": "6.5s"}}})
    assert until_the_cut(plan) == (1.0, text(0, 2))
    assert unplayed(STREAM, slow, {"close": {"after": {"time": "3s"}}}) == "its head is still being sent then"


def test_drip_starts_after_the_head() -> None:
    assert broken(ARRAY, {"drip": {"every": "2s"}}).delivery == Delivery(
        throttles=(Throttle(1, 2.0, head=False),)
    )
    assert list(throttled([b"ab"], Throttle(1, 2.0, head=False), sent=600)) == [
        WaitStep(2.0, 0),
        b"a",
        WaitStep(2.0, 0),
        b"b",
        WaitStep(2.0, 0),
    ]


def test_drip_without_head_starts_at_once() -> None:
    assert list(throttled([b"a"], Throttle(1, 2.0, head=False))) == [b"a", WaitStep(2.0, 0)]
