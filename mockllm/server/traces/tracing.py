"""From the journal to the exporter: a queue that is never waited for, and the thread that empties it.

The journal settles its notes in its own time, and lets go of what is too much; here each is noted as it is
written down, and what is too much is let go and counted. The thread makes a span or a few and sleeps as long as that
took, so that answers have at least half of the interpreter.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from mockllm.core.display import cut
from mockllm.server.access_log import plain
from mockllm.server.journal.draft import JournalDraft
from mockllm.server.journal.entry import entry_of
from mockllm.server.journal.journal import Journal
from mockllm.server.metrics import Metrics
from mockllm.server.server_limits import KIB, MIB
from mockllm.server.traces.spans import Span, SpanStart, beginning, span

WAITING: Final = 2048
"""So many requests wait at most for their spans (as many as the SDK lets wait for the collector),"""
HELD: Final = 32 * MIB
"""and so many bytes of theirs."""
GATHER: Final = 0.1
"""Seconds after a request before its span is made: others will have come."""
SWITCH: Final = 0.0005
"""Seconds for which a thread keeps the interpreter from one that answers. Python's usual 5 ms would be seen in
the pace of a stream."""
SLICE: Final = 0.0003
"""Seconds of work behind which the thread sleeps for as long."""
PATIENCE: Final = 2.0
"""Seconds that the end of a server waits for its last spans to be sent,"""
IMPATIENCE: Final = 0.2
"""and where those before them did not arrive."""


class Exporter(Protocol):
    """Who sends spans."""

    @property
    def failing(self) -> bool: ...

    def emit(self, beginning: SpanStart, rest: Callable[[], Span]) -> None: ...

    def close(self) -> None: ...


class Tracing:
    """Makes a span of each request that is noted. `secure`: see `spans.span`."""

    def __init__(
        self, exporter: Exporter, say: Callable[[str], None], secure: frozenset[int] | bool = False
    ) -> None:
        self._exporter = exporter
        self._say = say
        self._secure = secure
        self._waiting: deque[tuple[int, JournalDraft]] = deque()
        self._held = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._came = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._live, name="mockllm traces", daemon=True)

    def start(self) -> None:
        sys.setswitchinterval(min(SWITCH, sys.getswitchinterval()))
        self._thread.start()

    def note(self, number: int, seen: JournalDraft) -> None:
        """A request was answered. Takes a microsecond, and never waits."""
        size = KIB + len(seen.raw)
        with self._lock:
            if len(self._waiting) >= WAITING or self._held + size > HELD:
                self._lost += 1
                return
            self._waiting.append((number, seen))
            self._held += size
        if not self._came.is_set():
            self._came.set()

    def close(self) -> None:
        """Has the last spans sent, for as long as that is worth waiting for."""
        self._ending = True
        self._came.set()
        began = time.monotonic()
        while self._thread.is_alive() and time.monotonic() - began < (
            IMPATIENCE if self._exporter.failing else PATIENCE
        ):
            self._thread.join(0.02)
        if self._thread.is_alive() and not self._exporter.failing:
            self._say("traces: the collector has not answered, and the last spans may be lost")
        if self._lost:
            self._say(f"traces: {self._lost} requests came too fast for a span each")

    def _live(self) -> None:
        while not self._ending:
            self._came.wait()
            if not self._ending:
                time.sleep(GATHER)
            self._came.clear()
            self._empty()
        self._empty()
        self._exporter.close()

    def _empty(self) -> None:
        began = time.thread_time()
        while True:
            with self._lock:
                if not self._waiting:
                    return
                number, seen = self._waiting.popleft()
                self._held -= KIB + len(seen.raw)
            self._make(number, seen)
            worked = time.thread_time() - began
            if worked >= SLICE and not self._ending:
                time.sleep(worked)
                began = time.thread_time()

    def _make(self, number: int, seen: JournalDraft) -> None:
        try:
            ahead = time.time() - time.monotonic()  # the server's clock is the monotonic one
            self._exporter.emit(
                beginning(seen, ahead), lambda: span(entry_of(number, seen, HELD), self._secure, ahead)
            )
        except Exception as error:  # of this request; the others have theirs
            if not self._lost:
                said = cut(f"{type(error).__name__}: {error}", 200)
                self._say(plain(f"traces: no span of request {number}: {said}"))
            self._lost += 1


class TracedJournal(Journal):
    """A journal that hands on what it is given."""

    def __init__(self, size: int, room: int, watch: Metrics, tracing: Tracing) -> None:
        super().__init__(size, room, watch)
        self._tracing = tracing

    def add(self, seen: JournalDraft) -> None:
        super().add(seen)
        self._tracing.note(self.total, seen)
