"""The queue before the exporter: nothing waits for it, and what exceeds it is dropped and reported."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.metrics import Metrics
from mockllm.server.traces import tracing
from mockllm.server.traces.spans import Span, SpanStart
from mockllm.server.traces.tracing import TracedJournal, Tracing
from tests.waiting import PATIENCE, until

ANSWER = PlannedResponse(Plan(ResponseHead(200, ()), (EventStep(b"{}", 1, "body"),)), "a.yaml:r")


def seen(raw: bytes = b"{}", path: str = "/v1/chat/completions") -> EndedExchange:
    return EndedExchange(
        raw=raw,
        now=100.0,
        monotonic=5.0,
        response=ANSWER,
        duration=0.01,
        method="POST",
        target=path,
        request_class=Request,
        model="m",
    )


class Collector:
    """An exporter that can be held up, and can fail."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.go = threading.Event()
        self.go.set()
        self.closed = threading.Event()
        self.failing = False
        self.raises: Exception | None = None

    def emit(self, beginning: SpanStart, rest: Callable[[], Span]) -> None:
        self.go.wait(30)
        if self.raises is not None:
            raise self.raises
        self.spans.append(rest())

    def close(self) -> None:
        self.go.wait(30)
        self.closed.set()


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Python switches threads as it did before."""
    interval = sys.getswitchinterval()
    built = Collector()
    yield built
    built.go.set()
    sys.setswitchinterval(interval)


@pytest.fixture
def started(collector: Collector, lines: list[str]) -> Tracing:
    built = Tracing(collector, lines.append)
    built.start()
    return built


def test_each_request_has_a_span_with_its_journal_id(started: Tracing, collector: Collector) -> None:
    journal = TracedJournal(10, 2**20, Metrics(), started)
    for _ in range(30):
        journal.add(seen())
    until(lambda: len(collector.spans) == 30)
    assert [span.attributes["mockllm.request"] for span in collector.spans] == list(range(1, 31))
    assert [each.number for each in journal] == list(range(21, 31))  # the ring is as it was
    started.close()
    assert collector.closed.is_set()


def _held_up(collector: Collector, started: Tracing) -> None:
    """One request is at the exporter, which does not come back."""
    collector.go.clear()
    started.add(1, seen())
    until(lambda: not started._queue)


def test_queue_drops_requests_beyond_its_length(
    started: Tracing, collector: Collector, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "MAX_QUEUED", 5)
    _held_up(collector, started)
    for number in range(2, 12):
        started.add(number, seen())
    collector.go.set()
    until(lambda: len(collector.spans) == 6)
    started.close()
    assert lines == ["traces: 5 requests have no span, because the queue was full"]


def test_queue_drops_requests_beyond_its_bytes(
    started: Tracing, collector: Collector, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "MAX_QUEUED_BYTES", 10_000)
    _held_up(collector, started)
    for number in range(2, 6):
        started.add(number, seen(b"x" * 4000))
    collector.go.set()
    started.close()
    assert len(collector.spans) == 2
    assert "3 requests" in lines[0]


def _took(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def test_stop_does_not_wait_for_a_silent_collector(
    started: Tracing, collector: Collector, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "STOP_TIMEOUT", 0.3)
    monkeypatch.setattr(tracing, "FAILING_STOP_TIMEOUT", 0.05)
    _held_up(collector, started)
    assert 0.3 <= _took(started.close) < PATIENCE
    assert lines == ["traces: the collector does not respond, and the last spans may be lost"]
    collector.failing = True
    monkeypatch.setattr(tracing, "STOP_TIMEOUT", PATIENCE)
    assert 0.05 <= _took(started.close) < PATIENCE
    assert len(lines) == 1


def test_request_without_a_span_does_not_stop_others(
    started: Tracing, collector: Collector, lines: list[str]
) -> None:
    collector.raises = RuntimeError("odd\n\x1b[31m")
    for number in (1, 2):
        started.add(number, seen())
    until(lambda: not started._queue)
    until(lambda: started._lost == 2)
    collector.raises = None
    started.add(3, seen())
    until(lambda: collector.spans)
    started.close()
    assert lines[0] == r"traces: no span of request 1: RuntimeError: odd\n\x1b[31m"
    assert len(lines) == 2
