"""The queue between the journal and the exporter, and the thread that empties it. `spans.py` computes the spans.

Adding to the queue never blocks; the queue drops and counts requests beyond its bounds. The thread makes a few
spans, and then sleeps for as long as this took. So responses get at least half of the interpreter's time.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from mockllm.core.display import shortened
from mockllm.server.access_log import printable_line
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal.entry import entry_of
from mockllm.server.journal.journal import Journal
from mockllm.server.metrics import Metrics
from mockllm.server.server_limits import KIB, MIB
from mockllm.server.traces.spans import Span, SpanStart, span, span_start

MAX_QUEUED: Final = 2048
"""Most requests in the queue; the SDK's queue has the same bound."""
MAX_QUEUED_BYTES: Final = 32 * MIB
"""Most bytes of requests in the queue."""
BATCH_DELAY: Final = 0.1
"""Seconds between a request and its span, in which more requests arrive."""
SWITCH_INTERVAL: Final = 0.0005
"""Seconds for which the thread may hold the interpreter lock. Python's default of 5 ms would disturb the pacing of
streams."""
SLICE: Final = 0.0003
"""Seconds of work after which the thread sleeps for as long."""
STOP_TIMEOUT: Final = 2.0
"""Seconds that the end of the server waits for the last spans."""
FAILING_STOP_TIMEOUT: Final = 0.2
"""The same in seconds, if the last export failed."""


class Exporter(Protocol):
    """Sends spans."""

    @property
    def failing(self) -> bool: ...

    def emit(self, start: SpanStart, rest: Callable[[], Span]) -> None: ...

    def close(self) -> None: ...


class Tracing:
    """Makes a span for each added request. `secure`: see `spans.span`."""

    def __init__(
        self, exporter: Exporter, report: Callable[[str], None], secure: frozenset[int] | bool = False
    ) -> None:
        self._exporter = exporter
        self._report = report
        self._secure = secure
        self._queue: deque[tuple[int, EndedExchange]] = deque()
        self._queued_bytes = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="mockllm traces", daemon=True)

    def start(self) -> None:
        sys.setswitchinterval(min(SWITCH_INTERVAL, sys.getswitchinterval()))
        self._thread.start()

    def add(self, number: int, ended: EndedExchange) -> None:
        """Add an ended request to the queue, in a microsecond and without blocking."""
        size = KIB + len(ended.raw) + len(ended.received)
        with self._lock:
            if len(self._queue) >= MAX_QUEUED or self._queued_bytes + size > MAX_QUEUED_BYTES:
                self._lost += 1
                return
            self._queue.append((number, ended))
            self._queued_bytes += size
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Wait until the last spans are sent, up to the timeout."""
        self._ending = True
        self._wake.set()
        start = time.monotonic()
        while self._thread.is_alive() and time.monotonic() - start < (
            FAILING_STOP_TIMEOUT if self._exporter.failing else STOP_TIMEOUT
        ):
            self._thread.join(0.02)
        if self._thread.is_alive() and not self._exporter.failing:
            self._report("traces: the collector does not respond, and the last spans may be lost")
        if self._lost:
            self._report(f"traces: {self._lost} requests have no span, because the queue was full")

    def _run(self) -> None:
        while not self._ending:
            self._wake.wait()
            if not self._ending:
                time.sleep(BATCH_DELAY)
            self._wake.clear()
            self._drain()
        self._drain()
        self._exporter.close()

    def _drain(self) -> None:
        began = time.thread_time()
        while True:
            with self._lock:
                if not self._queue:
                    return
                number, ended = self._queue.popleft()
                self._queued_bytes -= KIB + len(ended.raw) + len(ended.received)
            self._export(number, ended)
            worked = time.thread_time() - began
            if worked >= SLICE and not self._ending:
                time.sleep(worked)
                began = time.thread_time()

    def _export(self, number: int, ended: EndedExchange) -> None:
        try:
            ahead = time.time() - time.monotonic()  # the server's clock is the monotonic one
            self._exporter.emit(
                span_start(ended, ahead),
                lambda: span(entry_of(number, ended, MAX_QUEUED_BYTES), self._secure, ahead),
            )
        except Exception as error:  # other requests still get their spans
            if not self._lost:
                reason = shortened(f"{type(error).__name__}: {error}", 200)
                self._report(printable_line(f"traces: no span of request {number}: {reason}"))
            self._lost += 1


class TracedJournal(Journal):
    """A journal that also adds each request to the tracing queue."""

    def __init__(self, max_entries: int, max_bytes: int, metrics: Metrics, tracing: Tracing) -> None:
        super().__init__(max_entries, max_bytes, metrics)
        self._tracing = tracing

    def add(self, ended: EndedExchange) -> None:
        super().add(ended)
        self._tracing.add(self.total, ended)
