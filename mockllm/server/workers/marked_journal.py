"""The journal of a worker, which notes in shared memory how many requests it has."""

from __future__ import annotations

from mockllm.server.exchange import Exchange
from mockllm.server.journal.journal import Journal
from mockllm.server.metrics import Metrics
from mockllm.state.shared_counts import SharedCounts


class MarkedJournal(Journal):
    """The supervisor reads the note when the worker was killed: so it knows how many entries are lost."""

    def __init__(
        self, max_entries: int, max_bytes: int, metrics: Metrics, counts: SharedCounts, cell: int
    ) -> None:
        super().__init__(max_entries, max_bytes, metrics)
        self._counts = counts
        self._cell = cell

    def add(self, exchange: Exchange) -> None:
        super().add(exchange)
        self._counts[self._cell] = self.total
