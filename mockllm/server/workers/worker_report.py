"""The report of a worker on its requests, and the journal and the metrics of all workers together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mockllm.core.request.request import Request
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.journal import Journal
from mockllm.server.metrics import Metrics
from mockllm.server.server_limits import MIB
from mockllm.server.serving_metrics import AllServingMetrics


class WorkerReport(NamedTuple):
    """The report of one worker. `entries` are those of its journal that were not taken yet. `total` and `unmatched`
    are the numbers of requests since its start. `counts` are the tries and responses that the store has counted for
    it, by key. Its responses in flight are by the class of their request."""

    entries: Sequence[JournalEntry]
    total: int
    unmatched: int
    metrics: Metrics
    responses_in_flight: Mapping[type[Request], int]
    counts: Mapping[str, tuple[int, int]]
    serving: AllServingMetrics
    """The metrics of inference servers, by provider."""


class MergedJournal(Journal):
    """The journal of all workers. Entries get their numbers here, in the order in which their responses ended."""

    def __init__(self, max_entries: int, max_bytes: int = 64 * MIB) -> None:
        super().__init__(max_entries, max_bytes)
        self._totals: dict[int, tuple[int, int]] = {}
        """The numbers of all and of the unmatched requests of each worker, as it last reported them."""
        self._forgotten: set[int] = set()
        self._early: list[JournalEntry] = []
        """Entries that ended after the moment up to which all are known."""

    def take(self, worker: int, report: WorkerReport) -> None:
        """Add a report. `worker` is never the same for two processes. A report that is read after the death of its
        worker adds nothing: `forget` has counted its requests."""
        if worker in self._forgotten:
            return
        total, unmatched = self._totals.get(worker, (0, 0))
        self.total += report.total - total - len(report.entries)  # the worker has dropped the others
        self.unmatched += report.unmatched - unmatched
        self._totals[worker] = (report.total, report.unmatched)
        self._early += report.entries

    def forget(self, worker: int, total: int) -> None:
        """A worker has died that had served `total` requests: those that it did not report count as dropped."""
        self._forgotten.add(worker)
        reported, _ = self._totals.pop(worker, (0, 0))
        self.total += max(0, total - reported)

    def number(self, until: float) -> None:
        """Number the entries that ended until then, on the clock of `JournalEntry.monotonic`: all have been
        reported."""
        ended = sorted(self._early, key=_end)
        self._early = [entry for entry in ended if _end(entry) > until]
        for entry in ended[: len(ended) - len(self._early)]:
            self.total += 1
            self._store(entry._replace(number=self.total))


def _end(entry: JournalEntry) -> float:
    return entry.monotonic + entry.duration


def merged_metrics(metrics: Sequence[Metrics]) -> Metrics:
    """Return the sum of the metrics of several processes."""
    total = Metrics()
    for each in metrics:
        total.merge(each)
    return total


def merged_serving(metrics: Sequence[AllServingMetrics]) -> AllServingMetrics:
    """Return the sum of the metrics of inference servers of several processes."""
    total = AllServingMetrics()
    for each in metrics:
        total.merge(each)
    return total


def merged_in_flight(reports: Sequence[Mapping[type[Request], int]]) -> dict[type[Request], int]:
    """Return the sum of the responses in flight of several processes."""
    total: dict[type[Request], int] = {}
    for counts in reports:
        for kind, count in counts.items():
            total[kind] = total.get(kind, 0) + count
    return total
