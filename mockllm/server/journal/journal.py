"""The journal: the last requests of the server, in a ring that is bounded by count and by bytes.

`add` stores and counts the ended exchange. Only beyond the capacity does it also drop older ones, and make some
entries. All others are made later, so that no response waits for the journal. Exchanges become entries within
seconds, unless they are dropped for newer ones, and before a reader sees them. The live feed reads temporary entries
before that.
`entry_of` removes secrets and bodies that are too large. `_store` drops the oldest entries beyond the bounds.
`Metrics` counts exchanges when they end. Those whose cached response was sent in one write are collected, and counted
together once a second.
"""

from __future__ import annotations

import sys
import time
import traceback
import weakref
from array import array
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from math import inf
from threading import RLock
from typing import TYPE_CHECKING, Final, TypeAlias

from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal.discarded_steps import DiscardedSteps
from mockllm.server.journal.entry import JournalEntry, entry_of, estimated_bytes
from mockllm.server.server_limits import KIB, MIB

if TYPE_CHECKING:
    from mockllm.server.metrics import Metrics

MAX_EXCESS: Final = 8 * MIB
"""Bytes by which entries and pending exchanges together may exceed the capacity, before room is made."""
BYTES_AT_ONCE: Final = 128 * KIB
"""An iteration of the loop makes entries until their exchanges have more than this number of bytes. They take about
as long as `ENTRIES_AT_ONCE` small ones."""
LIGHT_BODY: Final = 8 * KIB
"""The bytes of a smaller request are not counted while its exchange is pending."""
COUNT_INTERVAL: Final = 1.0
"""Seconds between two counts."""
ENTRY_INTERVAL: Final = 5.0
"""Seconds between two passes that make entries. An entry costs more than a small response, and many exchanges have
been dropped by then."""
ENTRIES_AT_ONCE: Final = 16
"""Entries that are made in one iteration of the loop: less than half a millisecond."""
PAUSE: Final = 0.02
"""Seconds between two such iterations."""
MAX_UNCOUNTED_GROUPS: Final = 1_000
"""The most groups that are stored before their exchanges are counted."""

MetricsGroup: TypeAlias = "tuple[PrerenderedResponse, str | None]"
"""What exchanges have in common that are counted together: the cached response, and the model."""


class Journal:
    """The last requests, oldest first. `total` counts all added exchanges, `unmatched` the unmatched of these. At
    most `max_entries` entries are stored, which take at most about `max_bytes`. As many exchanges may be pending.

    `bytes`, `len` and iteration first make entries of all pending exchanges; `after` does not.
    """

    def __init__(self, max_entries: int, max_bytes: int = 64 * MIB, metrics: Metrics | None = None) -> None:
        self.total = 0
        self.unmatched = 0
        self.clears = 0
        """Number of calls of `clear`."""
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self._metrics = metrics
        self._ring: deque[JournalEntry] = deque()
        self._bytes = 0
        self._pending: deque[EndedExchange] = deque(maxlen=max_entries)
        self._pending_bytes = 0
        self._uncounted_durations: dict[MetricsGroup, array[float]] = {}
        self._uncounted_examples: dict[MetricsGroup, EndedExchange] = {}
        """One exchange of each group: it has what all of the group have in common."""
        self._lock = RLock()  # tests read the journal of a server that runs in another thread
        self._discarded = DiscardedSteps()
        """Frees the steps of long responses that were dropped, in parts: to free them at once would delay streams."""

    def add(self, ended: EndedExchange) -> None:
        """Store an exchange that has ended, and count it in the metrics. `count_cached` later counts together the
        exchanges whose equal cached responses were sent in one write."""
        pending = self._pending
        # cached responses to small requests, sent in one write, have no pending bytes
        if self._pending_bytes and len(pending) == self.max_entries:
            oldest = pending[0]  # it is dropped
            if oldest.pending_bytes:
                self._pending_bytes -= oldest.pending_bytes
                self._discarded.add(oldest.response)
        pending.append(ended)
        self.total += 1
        content = ended.response.content
        if type(content) is PrerenderedResponse and ended.write_times is None:
            durations = self._uncounted_durations.get((content, ended.model))
            if durations is None:
                if len(self._uncounted_durations) >= MAX_UNCOUNTED_GROUPS:
                    self.count_cached()
                self._uncounted_durations[content, ended.model] = array("d", (ended.duration,))
                self._uncounted_examples[content, ended.model] = ended
            else:
                durations.append(ended.duration)
        else:
            ended.pending_bytes = estimated_bytes(ended.response)
            self.unmatched += ended.response.unmatched
            if self._metrics is not None:
                self._metrics.count_one(ended)
        size = len(ended.received or ended.raw)  # at most one of them has bytes
        if size > LIGHT_BODY:
            ended.pending_bytes += size
        if ended.pending_bytes and self.max_entries:
            self._pending_bytes += ended.pending_bytes
            if self._pending_bytes + self._bytes > self.max_bytes + MAX_EXCESS:
                self._make_room()

    def _make_room(self) -> None:
        """Drop the entries and the exchanges for which newer ones leave no room; make entries where too many
        exchanges are left."""
        with self._lock:
            while self._ring and self._pending_bytes + self._bytes > self.max_bytes + MAX_EXCESS:
                self._drop_oldest()
            if self._pending_bytes > self.max_bytes:
                self._drop_pending_without_room()
        if self._pending_bytes > self.max_bytes:
            # two, or one large one, for each exchange that is added: all at once would delay streams
            self.make_entries(2)

    def _drop_pending_without_room(self) -> None:
        """Drop the oldest exchanges, if the bodies of the newer ones fill the capacity. To make the entry
        of a large request takes as long as to serve it: when these arrive fast, some never become entries."""
        pending = self._pending
        bodies = [len(ended.raw) + len(ended.received) for ended in pending]
        stored_sizes = [
            size if size <= self.max_bytes else 0 for size in bodies
        ]  # a larger body is not stored
        newer = sum(stored_sizes)
        for size in stored_sizes:
            newer -= size
            if newer <= self.max_bytes:
                break
            while self._ring:  # older ones
                self._drop_oldest()
            self._drop_oldest_pending()

    def start_timers(self, loop: AbstractEventLoop) -> None:
        """Count and make entries at intervals, as long as the journal is referenced: the loop may outlive its
        server."""
        reference = weakref.ref(self)
        loop.call_later(COUNT_INTERVAL, _count_at_intervals, reference, loop)
        loop.call_later(ENTRY_INTERVAL, _make_entries_at_intervals, reference, loop)

    def count_and_sample(self) -> None:
        """Count cached responses, and sample how many requests are in flight."""
        self.count_cached()
        if self._metrics is not None:
            self._metrics.sample_in_flight(time.time())

    def count_cached(self) -> None:
        """Count the exchanges with cached responses since the last count, those with the same one together."""
        durations, self._uncounted_durations = self._uncounted_durations, {}
        examples, self._uncounted_examples = self._uncounted_examples, {}
        if self._metrics is not None:
            for key, durations_of_key in durations.items():
                self._metrics.count_cached(examples[key], durations_of_key)

    def make_entries(self, max_count: int | None = None, up_to: int | None = None) -> bool:
        """Make entries of pending exchanges, at most `max_count` (fewer of large ones), up to the number `up_to`.
        Return whether more are pending."""
        with self._lock:
            pending = self._pending
            number = self.total - len(pending)
            last = self.total if up_to is None else up_to
            left = inf if max_count is None else BYTES_AT_ONCE
            while number < last and max_count != 0 and left > 0:
                number += 1
                max_count = None if max_count is None else max_count - 1
                ended = pending.popleft()
                self._pending_bytes -= ended.pending_bytes
                left -= ended.pending_bytes
                entry = self._entry_of(number, ended)
                if entry is not None:
                    self._store(entry)
        return number < last

    def newest(self, max_count: int) -> Iterator[JournalEntry]:
        """Return the entries of the newest requests that exist now, at most `max_count`, the newest first. They are
        made as the caller iterates. Pending exchanges stay pending: many of them will be dropped before they would
        become entries."""
        with self._lock:
            total = self.total
            waiting = list(islice(reversed(self._pending), max_count))
            stored = list(islice(reversed(self._ring), max_count - len(waiting)))
        newer = (self._entry_of(total - number, ended) for number, ended in enumerate(waiting))
        return chain((entry for entry in newer if entry is not None), stored)

    def after(self, number: int) -> list[JournalEntry]:
        """Return the stored entries that are newer than the request of this number. Call `make_entries` before."""
        return [entry for entry in self._ring if entry.number > number]

    def lost(self, since: int) -> int:
        """Return how many of the requests after this number are not stored: dropped, or of a worker that was
        killed. Also those whose entry could not be made."""
        stored = sum(entry.number > since for entry in self)
        return max(0, self.total - since - stored)

    def clear(self) -> None:
        """Drop all requests. Their numbers and the counts continue."""
        self.clears += 1
        with self._lock:
            while self._ring:
                self._drop_oldest()
            while self._pending:
                self._drop_oldest_pending()

    def find(self, number: int) -> JournalEntry | None:
        """Return the entry of this number, if it is still stored."""
        return next((entry for entry in self if entry.number == number), None)

    @property
    def bytes(self) -> int:
        """The bytes that all entries take, about. Makes entries of all pending exchanges first."""
        self.make_entries()
        return self._bytes

    def __len__(self) -> int:
        """Return the number of entries. Makes entries of all pending exchanges first, as iteration does."""
        self.make_entries()
        return len(self._ring)

    def __iter__(self) -> Iterator[JournalEntry]:
        self.make_entries()
        return iter(tuple(self._ring))

    def __reversed__(self) -> Iterator[JournalEntry]:
        self.make_entries()
        return reversed(tuple(self._ring))

    def _entry_of(self, number: int, ended: EndedExchange) -> JournalEntry | None:
        """Return the entry of an exchange; None where it cannot be made: further ones can."""
        try:
            return entry_of(number, ended, self.max_bytes)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return None

    def _store(self, entry: JournalEntry) -> None:
        ring = self._ring
        ring.append(entry)
        self._bytes += entry.size
        while len(ring) > self.max_entries or (self._bytes > self.max_bytes and len(ring) > 1):
            self._drop_oldest()

    def _drop_oldest_pending(self) -> None:
        ended = self._pending.popleft()
        self._pending_bytes -= ended.pending_bytes
        self._discarded.add(ended.response)

    def _drop_oldest(self) -> None:
        entry = self._ring.popleft()
        self._bytes -= entry.size
        self._discarded.add(entry.response)


def _count_at_intervals(reference: weakref.ref[Journal], loop: AbstractEventLoop) -> None:
    journal = reference()
    if journal is not None:
        try:
            journal.count_and_sample()
        finally:
            loop.call_later(COUNT_INTERVAL, _count_at_intervals, reference, loop)


def _make_entries_at_intervals(
    reference: weakref.ref[Journal], loop: AbstractEventLoop, up_to: int | None = None
) -> None:
    """Make entries of the exchanges that are pending now, some in each iteration. Exchanges that end meanwhile wait
    for the next pass: under load, their entries would push older ones out of the ring."""
    journal = reference()
    if journal is not None:
        up_to = journal.total if up_to is None else up_to
        more = False
        try:
            more = journal.make_entries(ENTRIES_AT_ONCE, up_to)
        finally:
            if more:
                loop.call_later(PAUSE, _make_entries_at_intervals, reference, loop, up_to)
            else:
                loop.call_later(ENTRY_INTERVAL, _make_entries_at_intervals, reference, loop)
