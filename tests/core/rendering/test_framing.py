"""How events become bytes."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import pytest
from msgspec.structs import replace

from mockllm.core.rendering import event_parser, framing
from mockllm.core.rendering.framing import (
    EVENT_FRAMINGS,
    FramedStep,
    closing_bytes,
    framed,
    framed_at_once,
    head_size,
    plan_duration,
    seconds_until_end_or_silence,
    steps_with_bytes,
    throttled,
)
from mockllm.core.rendering.plan import (
    CutStep,
    Delivery,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    StepOutsideHttpChunks,
    Throttle,
    WaitStep,
)

ONE, TWO = EventStep(b"{1}", 1, "chunk"), EventStep(b"{2}", 2, "chunk", "named")
HEAD = ResponseHead(200, ())


def sent(framing: Framing, *steps: Step) -> Sequence[object]:
    return list(framed(Plan(HEAD, steps, framing)))


@pytest.mark.parametrize(
    ("framing", "bytes_sent"),
    [
        (Framing.PLAIN, [b"{1}", b"{2}"]),
        (Framing.SSE, [b"data: {1}\n\n", b"event: named\ndata: {2}\n\n"]),
        (Framing.SSE_CRLF, [b"data: {1}\r\n\r\n", b"event: named\r\ndata: {2}\r\n\r\n"]),
        (Framing.SSE_DENSE, [b"data:{1}\n\n", b"event:named\ndata:{2}\n\n"]),
        (Framing.SSE_DENSE_CRLF, [b"data:{1}\r\n\r\n", b"event:named\r\ndata:{2}\r\n\r\n"]),
        (Framing.NDJSON, [b"{1}\n", b"{2}\n"]),
        (Framing.JSON_ARRAY, [b"[{1}", b"\n,\r\n{2}", b"\n]"]),
    ],
)
def test_framed_writes_events(framing: Framing, bytes_sent: list[bytes]) -> None:
    assert sent(framing, ONE, TWO) == bytes_sent


@pytest.mark.parametrize(
    ("framing", "bytes_sent"),
    [
        (Framing.SSE, [b"event: named\nid: 7\ndata: {1}\n\n", b"id: 8\ndata: {2}\n\n"]),
        (Framing.SSE_CRLF, [b"event: named\r\nid: 7\r\ndata: {1}\r\n\r\n", b"id: 8\r\ndata: {2}\r\n\r\n"]),
        (Framing.SSE_DENSE, [b"event:named\nid:7\ndata:{1}\n\n", b"id:8\ndata:{2}\n\n"]),
        (
            Framing.SSE_DENSE_CRLF,
            [b"event:named\r\nid:7\r\ndata:{1}\r\n\r\n", b"id:8\r\ndata:{2}\r\n\r\n"],
        ),
    ],
)
def test_framed_writes_ids_of_events(framing: Framing, bytes_sent: list[bytes]) -> None:
    one = EventStep(b"{1}", 1, "chunk", "named", "7")
    two = EventStep(b"{2}", 2, "chunk", id="8")
    assert sent(framing, one, two) == bytes_sent


@pytest.mark.parametrize("framing", Framing)
def test_waits_and_raw_bytes_are_not_framed(framing: Framing) -> None:
    assert framing in EVENT_FRAMINGS
    assert sent(framing, RawStep(b"x", 0), WaitStep(1.0, 0)) == [b"x", WaitStep(1.0, 0)]


@pytest.mark.parametrize("framing", Framing)
def test_a_cut_stream_is_not_closed(framing: Framing) -> None:
    assert sent(framing, ONE, CutStep("reset", 1), TWO)[1:] == [CutStep("reset", 1)]


def test_every_framing_but_plain_is_streamed() -> None:
    assert [each.name for each in Framing if not Plan(HEAD, (), each).streamed] == ["PLAIN"]


def test_headers_are_replaced_in_any_case() -> None:
    head = ResponseHead(200, (("Content-Type", "a"), ("x-a", "1"), ("X-A", "2")))
    merged = head.with_headers((("x-A", "3"), ("x-b", "4")))
    assert merged.headers == (("Content-Type", "a"), ("x-A", "3"), ("x-b", "4"))


# --- what faults leave of a framing --------------------------------------------------------------


def test_raw_bytes_that_begin_an_event_open_the_array() -> None:
    steps = (RawStep(b"[{1", 1, begins_event=True), RawStep(b"}", 1), TWO)
    assert sent(Framing.JSON_ARRAY, *steps) == [b"[{1", b"}", b"\n,\r\n{2}", b"\n]"]


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ((ONE,), b"\n]"),
        ((RawStep(b"[{", 1, begins_event=True),), b"\n]"),
        ((RawStep(b"x", 1),), b""),
        ((ONE, CutStep("end", 1)), b""),
        ((), b""),
    ],
)
def test_closing_returns_the_last_bytes(steps: tuple[Step, ...], last: bytes) -> None:
    plan = Plan(HEAD, steps, Framing.JSON_ARRAY)
    assert closing_bytes(plan) == last
    assert b"".join(item for item in framed(plan) if type(item) is bytes).endswith(last)
    assert closing_bytes(Plan(HEAD, steps, Framing.SSE)) == b""


def test_written_returns_bytes_per_step_up_to_a_cut() -> None:
    steps = (
        ONE,
        WaitStep(1.0, 1),
        StepOutsideHttpChunks(b"x", 1),
        RawStep(b"y", 1),
        TWO,
        CutStep("close", 2),
        ONE,
    )
    plan = Plan(HEAD, steps, Framing.JSON_ARRAY)
    assert list(steps_with_bytes(plan)) == list(
        zip(steps[:5], [b"[{1}", b"", b"", b"y", b"\n,\r\n{2}"], strict=True)
    )


# --- flows ---------------------------------------------------------------------------------------

TWO_A_SECOND = Throttle(2, 1.0)


@pytest.mark.parametrize(
    ("items", "flow"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([b"a"], [b"a", WaitStep(0.5, 0)], id="the last byte takes its time too"),
        pytest.param(
            [b"abcde"],
            [b"ab", WaitStep(1.0, 0), b"cd", WaitStep(1.0, 0), b"e", WaitStep(0.5, 0)],
            id="slices",
        ),
        pytest.param(
            [b"ab", WaitStep(0.25, 0), b"c"],
            [b"ab", WaitStep(1.0, 0), b"c", WaitStep(0.5, 0)],
            id="a shorter wait",
        ),
        pytest.param(
            [b"ab", WaitStep(3.0, 0), b"c"],
            [b"ab", WaitStep(3.0, 0), b"c", WaitStep(0.5, 0)],
            id="a longer wait",
        ),
        pytest.param([b"ab", WaitStep(3.0, 0)], [b"ab", WaitStep(3.0, 0)], id="a wait at the end"),
        pytest.param(
            [b"abcd", WaitStep(2.0, 0, after_write=True), b"e"],
            [b"ab", WaitStep(1.0, 0), b"cd", WaitStep(2.0, 0), b"e", WaitStep(0.5, 0)],
            id="a wait after the last bytes",
        ),
        pytest.param(
            [b"abc", CutStep("reset", 0)],
            [b"ab", WaitStep(1.0, 0), b"c", CutStep("reset", 0), WaitStep(0.5, 0)],
            id="a cut right behind all bytes",
        ),
        pytest.param(
            [b"ab", WaitStep(0.25, 0), CutStep("reset", 0)],
            [b"ab", WaitStep(0.25, 0), CutStep("reset", 0), WaitStep(0.75, 0)],
            id="a cut at its time",
        ),
        pytest.param([CutStep("close", 0)], [CutStep("close", 0)], id="a cut at once"),
        pytest.param(
            [StepOutsideHttpChunks(b"abc", 1), b"d"],
            [
                StepOutsideHttpChunks(b"ab", 1),
                WaitStep(1.0, 0),
                StepOutsideHttpChunks(b"c", 1),
                WaitStep(0.5, 0),
                b"d",
                WaitStep(0.5, 0),
            ],
            id="what is beside the chunks flows too",
        ),
    ],
)
def test_flowing_limits_bytes_and_waits(items: list[FramedStep], flow: list[FramedStep]) -> None:
    assert list(throttled(items, TWO_A_SECOND)) == flow


def test_flowing_counts_bytes_sent_before() -> None:
    assert list(throttled([b"a"], TWO_A_SECOND, sent=6)) == [WaitStep(3.0, 0), b"a", WaitStep(0.5, 0)]
    assert list(throttled([], TWO_A_SECOND, sent=1)) == [WaitStep(0.5, 0)]


@pytest.mark.parametrize(
    ("plan", "seconds"),
    [
        pytest.param(Plan(HEAD, ()), 0.0, id="nothing"),
        pytest.param(
            Plan(HEAD, (WaitStep(1.0, 0), ONE, WaitStep(2.0, 1)), delay=4.0), 7.0, id="delay and waits"
        ),
        pytest.param(Plan(HEAD, (ONE,), delivery=Delivery(head_seconds=3.0)), 3.0, id="a slow head"),
        pytest.param(
            Plan(HEAD, (WaitStep(1.0, 0), CutStep("reset", 0), WaitStep(9.0, 0))), 1.0, id="up to a cut"
        ),
        pytest.param(Plan(HEAD, (ONE, CutStep("silence", 0))), inf, id="what hangs"),
        pytest.param(
            Plan(HEAD, (ONE,), delivery=Delivery(throttles=(TWO_A_SECOND,))),
            head_size(Plan(HEAD, ())) / 2 + 1.5,
            id="a narrow line, in which the head counts",
        ),
        pytest.param(
            Plan(HEAD, (ONE,), delivery=Delivery(throttles=(Throttle(2, 1.0, head=False),))),
            2.5,
            id="a body that drips",
        ),
        pytest.param(
            Plan(HEAD, (ONE,), delivery=Delivery(throttles=(TWO_A_SECOND, Throttle(1, 2.0)))),
            head_size(Plan(HEAD, ())) * 2 + 6.0,
            id="two of them",
        ),
        pytest.param(
            Plan(
                HEAD, (CutStep("reset", 0),), delivery=Delivery(sends_nothing=True, throttles=(TWO_A_SECOND,))
            ),
            0.0,
            id="nothing that is sent",
        ),
    ],
)
def test_duration_is_that_of_the_planned_seconds(plan: Plan, seconds: float) -> None:
    assert plan_duration(plan) == pytest.approx(seconds)
    assert seconds_until_end_or_silence(plan) == pytest.approx(0.0 if seconds == inf else seconds)


@pytest.mark.parametrize(
    "throttles",
    [(TWO_A_SECOND,), (Throttle(2, 1.0, head=False), Throttle(3, 0.5))],
    ids=["one throttle", "two throttles"],
)
def test_duration_of_long_body_needs_few_slices(
    throttles: tuple[Throttle, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = RawStep(b"x" * 50_000, 0)
    plan = Plan(
        HEAD,
        (body, WaitStep(1.0, 0, after_write=True), body),
        delivery=Delivery(throttles=throttles),
        framing=Framing.PLAIN,
    )
    steps = len([*framing._throttled_as_planned(plan)])
    assert steps < 5 * framing.MAX_TIMED_SLICES
    seconds = plan_duration(plan)
    monkeypatch.setattr(framing, "MAX_TIMED_SLICES", 1_000_000)
    assert len([*framing._throttled_as_planned(plan)]) > 10 * steps
    assert seconds == pytest.approx(plan_duration(plan), rel=0.002)


def test_every_framing_is_written_and_read() -> None:
    assert set(EVENT_FRAMINGS) == set(Framing) == set(event_parser._READERS)


@pytest.mark.parametrize("framing", EVENT_FRAMINGS)
@pytest.mark.parametrize(
    "steps", [(ONE, TWO), (ONE, RawStep(b": raw\n\n", 1), TWO), (replace(ONE, id="7"), TWO), ()]
)
def test_framed_at_once_has_the_same_bytes(framing: Framing, steps: tuple[Step, ...]) -> None:
    plan = Plan(HEAD, steps, framing)
    assert list(framed_at_once(plan) or ()) == list(framed(plan))


def test_framed_at_once_of_wait_is_none() -> None:
    assert framed_at_once(Plan(HEAD, (ONE, WaitStep(1, 1), TWO), Framing.SSE)) is None


def test_framed_at_once_has_the_ids_of_events() -> None:
    steps = (EventStep(b"{}", 1, "body", "message", id="a_1"), EventStep(b"{}", 2, "body"))
    found = framed_at_once(Plan(HEAD, steps, Framing.SSE))
    assert found == [b"event: message\nid: a_1\ndata: {}\n\n", b"data: {}\n\n"]
