"""The journal of all workers, from their reports."""

from __future__ import annotations

from mockllm.server.metrics import Metrics
from mockllm.server.serving_metrics import AllServingMetrics
from mockllm.server.workers.worker_report import MergedJournal, WorkerReport


def report(total: int) -> WorkerReport:
    """The report of a worker that served so many requests and stores no entries."""
    return WorkerReport((), total, 0, Metrics(), {}, {}, AllServingMetrics())


def test_requests_of_a_dead_worker_are_lost_once() -> None:
    journal = MergedJournal(10)
    journal.take(1, report(3))
    journal.forget(1, 5)
    assert journal.total == journal.lost(0) == 5
    journal.take(1, report(4))  # read after the worker's death
    assert journal.total == journal.lost(0) == 5
