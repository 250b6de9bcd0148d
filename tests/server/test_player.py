"""Plans played on a virtual clock: exact times and bytes, no socket and no sleep."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import pytest
from msgspec.structs import replace

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
from mockllm.server.deadlines import Deadlines
from mockllm.server.http1 import HttpConstraints, serialize_head
from mockllm.server.player import Player, Sink
from mockllm.server.single_write import MAX_WRITE_BYTES, MAX_WRITE_STEPS, single_write
from tests.server.fake_engine import chunks, say, streamed, whole
from tests.server.virtual import VirtualClock, world

HEAD = b"HEAD"
CHUNKED = HttpConstraints()
UNCHUNKED = HttpConstraints(http10=True)


def play(
    plan: Plan, requested: HttpConstraints = UNCHUNKED, until: float = 1000.0
) -> tuple[list[tuple[float, bytes]], Player, VirtualClock]:
    """The writes of a plan, seconds since the request's last byte; the head is written as `HEAD`."""
    clock, deadlines, sink = world()
    built = begun(plan, sink, deadlines, requested)
    clock.run_until(clock.now + until)
    return [(at, _headless(data)) for at, data in sink.writes], built, clock


def begun(
    plan: Plan,
    sink: Sink,
    deadlines: Deadlines,
    requested: HttpConstraints = UNCHUNKED,
    late: float = 0.0,
    time_scale: float = 1.0,
) -> Player:
    """A started play, whose request was complete `late` seconds ago."""
    head = serialize_head(plan, requested, "Date: today\r\n")
    built = Player(plan, head, sink, deadlines, deadlines.time() - late, time_scale)
    built.start()
    return built


def _headless(data: bytes) -> bytes:
    if data.startswith(b"HTTP/1.1 "):
        return HEAD + data.partition(b"\r\n\r\n")[2]
    return data


CASES: dict[str, tuple[Plan, list[tuple[float, bytes]]]] = {
    "a non-streaming response leaves in one write": (whole("hello"), [(0, HEAD + b"hello")]),
    "a delay holds back the head": (whole("hello", delay=2), [(2, HEAD + b"hello")]),
    "without waits a stream leaves in one write": (
        streamed(say("a"), say("b"), RawStep(b": c\n\n", 1)),
        [(0, HEAD + b"data: a\n\ndata: b\n\n: c\n\n")],
    ),
    "what stands before the first wait leaves with the head": (
        streamed(say("open"), WaitStep(0.5, 0), say("a")),
        [(0, HEAD + b"data: open\n\n"), (0.5, b"data: a\n\n")],
    ),
    "waits add up from deadline to deadline": (
        chunks(3, 0.25),
        [(0, HEAD), (0.25, b"data: chunk 1\n\n"), (0.5, b"data: chunk 2\n\n"), (0.75, b"data: chunk 3\n\n")],
    ),
    "a delay moves all that follows": (
        streamed(say("a"), WaitStep(1, 1), say("b"), delay=1),
        [(1, HEAD + b"data: a\n\n"), (2, b"data: b\n\n")],
    ),
    "a wait of nothing joins": (
        streamed(say("a"), WaitStep(0, 1), say("b")),
        [(0, HEAD + b"data: a\n\ndata: b\n\n")],
    ),
    "two waits in a row are one": (
        streamed(say("a"), WaitStep(1, 1), WaitStep(2, 1), say("b")),
        [(0, HEAD + b"data: a\n\n"), (3, b"data: b\n\n")],
    ),
    "a wait at the end is waited": (
        Plan(ResponseHead(200, ()), (say("a"), WaitStep(1, 1)), Framing.SSE),
        [(0, HEAD + b"data: a\n\n")],
    ),
    "nothing at all is the head alone": (streamed(), [(0, HEAD)]),
    "named events carry their name": (
        streamed(EventStep(b"{}", 0, "open", "message_start")),
        [(0, HEAD + b"event: message_start\ndata: {}\n\n")],
    ),
}


@pytest.mark.parametrize(("plan", "writes"), CASES.values(), ids=CASES)
def test_plays(plan: Plan, writes: list[tuple[float, bytes]]) -> None:
    played, built, _ = play(plan)
    assert played == writes
    assert built.play_end == "finished"


def test_http_chunk_holds_all_events_of_one_write() -> None:
    played, _, _ = play(streamed(say("a"), say("b"), WaitStep(1, 1), say("c")), CHUNKED)
    assert played == [
        (0, HEAD + b"12\r\ndata: a\n\ndata: b\n\n\r\n"),
        (1, b"9\r\ndata: c\n\n\r\n0\r\n\r\n"),
    ]


def test_last_wait_delays_end_of_chunks() -> None:
    played, _, _ = play(streamed(say("a"), WaitStep(1, 1)), CHUNKED)
    assert played == [(0, HEAD + b"9\r\ndata: a\n\n\r\n"), (1, b"0\r\n\r\n")]


@pytest.mark.parametrize("how", ["close", "reset"])
def test_cut_writes_steps_before_it_only(how: Literal["close", "reset"]) -> None:
    plan = streamed(
        say("a"), WaitStep(1, 1), say("b"), RawStep(b'data: {"ha', 2), CutStep(how, 2), say("never")
    )
    played, built, _ = play(plan, CHUNKED)
    assert played == [
        (0, HEAD + b"9\r\ndata: a\n\n\r\n"),
        (1, b'13\r\ndata: b\n\ndata: {"ha\r\n'),
    ]
    assert built.play_end == how


def test_late_turn_writes_all_due_chunks_without_drift() -> None:
    clock, deadlines, sink = world()
    begun(chunks(5, 1), sink, deadlines)
    clock.calls[0].when = 103.4  # the loop was busy for so long
    clock.run_until(110)
    assert [at for at, _ in sink.writes] == [0, 3.4, 4, 5]
    assert sink.writes[1][1] == b"data: chunk 1\n\ndata: chunk 2\n\ndata: chunk 3\n\n"


def test_plan_begun_late_plays_by_arrival_of_request() -> None:
    clock, deadlines, sink = world()
    plan = chunks(3, 1)
    begun(plan, sink, deadlines, late=2.5)
    clock.run_until(110)
    assert [at for at, _ in sink.writes] == [0, 0.5]


def test_gap_of_a_fault_follows_the_late_write_before_it() -> None:
    clock, deadlines, sink = world()
    gap = WaitStep(2.0, 1, after_write=True)
    begun(streamed(say("a"), gap, say("b"), WaitStep(1.0, 1), say("c")), sink, deadlines, late=2.5)
    clock.run_until(110)
    assert [at for at, _ in sink.writes] == [0, 2, 3]


def test_player_waits_for_full_sink() -> None:
    clock, deadlines, sink = world()
    plan = chunks(5, 1)
    built = begun(plan, sink, deadlines)
    turns: list[str] = []
    built.notify = lambda: turns.append("turn")
    clock.run_until(101)
    sink.full = True
    clock.run_until(102)
    assert built.stalled
    assert turns == ["turn"]
    assert deadlines.pending_count == 0
    clock.run_until(103.5)
    sink.full = False
    built.resume()
    clock.run_until(110)
    assert [at for at, _ in sink.writes] == [0, 1, 2, 3.5, 4, 5]
    assert built.play_end == "finished"


def test_gap_of_a_fault_follows_a_write_that_fills_the_sink() -> None:
    clock, deadlines, sink = world()
    sink.full = True
    gap = WaitStep(2.0, 1, after_write=True)
    built = begun(streamed(say("a"), gap, say("b")), sink, deadlines)
    clock.run_until(101)
    assert built.stalled
    sink.full = False
    built.resume()
    clock.run_until(110)
    assert [at for at, _ in sink.writes] == [0, 2]


def test_stopped_player_has_no_deadline() -> None:
    clock, deadlines, sink = world()
    built = begun(chunks(5, 1), sink, deadlines)
    assert deadlines.pending_count == 1
    built.stop()
    assert deadlines.pending_count == 0
    clock.run_until(110)
    assert len(sink.writes) == 1


def test_player_fails_if_client_is_gone() -> None:
    clock, deadlines, sink = world()
    built = begun(chunks(5, 1), sink, deadlines)
    sink.gone = True
    clock.run_until(110)
    assert isinstance(built.exception, ConnectionResetError)
    assert built.play_end is None
    assert deadlines.pending_count == 0
    built.stop()
    assert built.exception is None, "the error's frames hold the play: a cycle"


def test_long_plan_is_framed_in_one_slice_each_turn() -> None:
    steps: tuple[Step, ...] = tuple(say(str(number), number) for number in range(MAX_WRITE_STEPS * 3 + 1))
    played, _, clock = play(streamed(*steps))
    assert [at for at, _ in played] == [0, 0, 0, 0]
    assert [data.count(b"data: ") for _, data in played] == [MAX_WRITE_STEPS] * 3 + [1]
    assert clock.turns == 3


def test_huge_body_is_written_in_slices() -> None:
    body = b"x" * (MAX_WRITE_BYTES * 2 + 5)
    played, _, _ = play(Plan(ResponseHead(200, ()), (EventStep(body, 1, "body"),)))
    assert b"".join(data for _, data in played) == HEAD + body
    assert [len(data.removeprefix(HEAD)) for _, data in played] == [MAX_WRITE_BYTES, MAX_WRITE_BYTES, 5]


@pytest.mark.parametrize(
    ("requested", "status"),
    [(HttpConstraints(head_only=True), 200), (HttpConstraints(), 204), (HttpConstraints(), 304)],
    ids=["HEAD", "204", "304"],
)
def test_answers_without_a_body_are_the_head_alone(requested: HttpConstraints, status: int) -> None:
    plan = Plan(ResponseHead(status, ()), (say("a"), WaitStep(1, 1), say("b")), Framing.SSE, delay=1)
    assert play(plan, requested)[0] == [(1, HEAD)]


# --- deliveries ----------------------------------------------------------------------------------


def delivered(*steps: Step, **delivery: Any) -> Plan:
    return replace(streamed(*steps), delivery=Delivery(**delivery))


DELIVERIES: dict[str, tuple[Plan, list[tuple[float, bytes]]]] = {
    "bytes beside the chunks": (
        delivered(say("a"), StepOutsideHttpChunks(b"zz\r\n", 1), StepOutsideHttpChunks(b"y", 1), say("b")),
        [(0, HEAD + b"9\r\ndata: a\n\n\r\nzz\r\ny9\r\ndata: b\n\n\r\n0\r\n\r\n")],
    ),
    "an end before the end": (
        delivered(say("a"), WaitStep(1, 1), CutStep("end", 1), say("b")),
        [(0, HEAD + b"9\r\ndata: a\n\n\r\n"), (1, b"0\r\n\r\n")],
    ),
    "a head that never comes": (delivered(CutStep("reset", 0), sends_nothing=True), []),
    "a flow, in which the head counts": (
        replace(delivered(say("abc"), throttles=(Throttle(7, 1.0),)), head=ResponseHead(299, ())),
        [
            (0, HEAD),
            (8.285714, b"7\r\ndata: a\r\n"),
            (9.285714, b"4\r\nbc\n\n\r\n"),
            (9.857143, b"0\r\n\r\n"),
        ],
    ),
}


@pytest.mark.parametrize(("plan", "writes"), DELIVERIES.values(), ids=DELIVERIES)
def test_delivers(plan: Plan, writes: list[tuple[float, bytes]]) -> None:
    assert play(plan, CHUNKED)[0] == writes


def test_slow_head_is_written_line_by_line() -> None:
    head = ResponseHead(200, (("a", "b"), ("c", "d")))
    plan = replace(delivered(say("x"), head_seconds=4.0), head=head)
    clock, deadlines, sink = world()
    begun(plan, sink, deadlines, CHUNKED)
    clock.run_until(clock.now + 10)
    assert sink.writes == [
        (0, b"HTTP/1.1 200 OK\r\n"),
        (0.8, b"a: b\r\n"),
        (1.6, b"c: d\r\n"),
        (2.4, b"Date: today\r\n"),
        (3.2, b"Transfer-Encoding: chunked\r\n"),
        (4.0, b"\r\n9\r\ndata: x\n\n\r\n0\r\n\r\n"),
    ]


def test_flow_applies_to_head() -> None:
    plan = replace(delivered(head_seconds=1.0, throttles=(Throttle(10, 1.0),)), head=ResponseHead(200, ()))
    clock, deadlines, sink = world()
    begun(plan, sink, deadlines)
    clock.run_until(clock.now + 100)
    assert [data for _, data in sink.writes][:3] == [b"HTTP/1.1 2", b"00 OK\r\n", b"Date: toda"]
    assert [at for at, _ in sink.writes][:3] == [0, 1, 1.7]


def test_single_bytes_leave_one_by_one() -> None:
    plan = Plan(
        ResponseHead(200, ()),
        (EventStep(b"abc", 0, "body"),),
        delivery=Delivery(throttles=(Throttle(1, 0.5),)),
    )
    clock, deadlines, sink = world()
    begun(plan, sink, deadlines)
    clock.run_until(clock.now + 100)
    assert [data for _, data in sink.writes[1:]] == [b"a", b"b", b"c"]
    times = [at for at, _ in sink.writes[1:]]
    assert [round(after - before, 3) for before, after in pairwise(times)] == [0.5, 0.5]


def test_late_flow_is_written_in_slices() -> None:
    body = b"x" * (MAX_WRITE_STEPS + 10)
    plan = Plan(
        ResponseHead(200, ()),
        (EventStep(body, 0, "body"),),
        delivery=Delivery(body_end="http_chunks", throttles=(Throttle(1, 0.001),)),
    )
    clock, deadlines, sink = world()
    begun(plan, sink, deadlines, CHUNKED, late=100.0)
    assert len(sink.writes) == MAX_WRITE_STEPS  # other streams have their turn
    clock.run_until(clock.now + 1)
    assert [data for _, data in sink.writes[1:]] == [b"1\r\nx\r\n"] * len(body) + [b"0\r\n\r\n"]


@pytest.mark.parametrize(
    "requested", [HttpConstraints(head_only=True), HttpConstraints()], ids=["HEAD", "204"]
)
def test_response_without_body_is_cut(requested: HttpConstraints) -> None:
    plan = Plan(ResponseHead(204, ()), (say("a"), WaitStep(1, 1), CutStep("reset", 1)), Framing.SSE)
    played, built, _ = play(plan, requested)
    assert (played, built.play_end) == ([(0, HEAD)], "reset")


@pytest.mark.parametrize(
    "requested", [HttpConstraints(head_only=True), HttpConstraints()], ids=["HEAD", "204"]
)
def test_response_without_body_and_waits_is_cut(requested: HttpConstraints) -> None:
    plan = Plan(ResponseHead(204, ()), (CutStep("reset", 0), EventStep(b"{}", 0, "body")))
    assert single_write(plan, serialize_head(plan, requested, "")) is None
    assert play(plan, requested)[1].play_end == "reset"
