"""What all workers have served: their reports, merged into what the control API shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

from mockllm.server.app import App
from mockllm.server.serving_metrics import AllServingMetrics
from mockllm.server.workers.channel import CallFailed, ChannelClosed
from mockllm.server.workers.group_engine_state import GroupEngineState
from mockllm.server.workers.worker_handle import WorkerHandle
from mockllm.server.workers.worker_report import (
    MergedJournal,
    WorkerReport,
    merged_in_flight,
    merged_metrics,
    merged_serving,
)

REPORT_TIME: Final = 10.0
"""Seconds in which a worker reports what it has served."""
SHORT_TIME: Final = 0.1
"""Seconds for which a worker is waited for that was silent before."""
MAX_SILENCES: Final = 6
"""The reports in a row that a worker may fail to send, without any other result, until it counts as hung."""


class ServedReports:
    """Collects the reports of these workers, which are known by their index."""

    def __init__(self, app: App, state: GroupEngineState, workers: Mapping[int, WorkerHandle]) -> None:
        self._app = app
        self._state = state
        self._workers = workers
        self._journal = MergedJournal(app.limits.journal, app.limits.journal_bytes)
        app.journal = self._journal
        self._lost = merged_metrics(())
        """The metrics of workers that have ended."""
        self._lost_serving = AllServingMetrics()
        self._collecting = asyncio.Lock()

    async def collect(self) -> None:
        """Get the journals, the metrics and the responses in flight up to now. A worker that sent nothing in its time
        gets the call, too, but the control API waits for it for a moment only."""
        async with self._collecting:
            monotonic = time.monotonic()
            tasks = {worker: self._report_task(worker) for worker in self.serving}
            await asyncio.gather(*[task for worker, task in tasks.items() if not worker.silences])
            if silent := [task for worker, task in tasks.items() if worker.silences]:
                await asyncio.wait(silent, timeout=SHORT_TIME)
            self._journal.number(monotonic)
            self._merge()
            if self._state.store is not None:
                self._state.mirror(await self._state.store.sessions() or {})

    def _report_task(self, worker: WorkerHandle) -> asyncio.Task[None]:
        """Return the task that takes the next report of a worker: a new one, unless one still waits for it."""
        if worker.report_task is None or worker.report_task.done():
            worker.report_task = asyncio.create_task(self._ask(worker))
        return worker.report_task

    @property
    def hung(self) -> Sequence[WorkerHandle]:
        """The workers that have sent nothing for a minute. A busy one sends a late report. The time for which this
        process was suspended does not count."""
        return [worker for worker in self.serving if worker.silences >= MAX_SILENCES]

    async def _ask(self, worker: WorkerHandle) -> None:
        """Take the report of a worker, or count that it has sent nothing meanwhile."""
        received = worker.channel.received
        try:
            async with asyncio.timeout(REPORT_TIME):
                report = await worker.channel.call("report", worker.taken)
        except TimeoutError:  # a busy worker may send earlier results meanwhile
            worker.silences = worker.silences + 1 if worker.channel.received == received else 0
        except (CallFailed, ChannelClosed):
            pass
        else:
            worker.silences = 0
            if isinstance(report, WorkerReport):
                self.take(worker, report)

    def take(self, worker: WorkerHandle, report: WorkerReport) -> None:
        """Take what a worker reports."""
        new = [entry for entry in report.entries if entry.number > worker.taken]
        worker.taken = report.total
        self._journal.take(worker.serial, report._replace(entries=new))
        worker.report = report._replace(entries=())

    def forget(self, worker: WorkerHandle) -> None:
        """Keep the counts of a worker that has ended."""
        self._journal.forget(worker.serial, self._state.served(worker.index))
        if worker.report is not None:
            self._lost.merge(worker.report.metrics)
            worker.report.serving.close()
            self._lost_serving.merge(worker.report.serving)
            self._state.add_lost(worker.report.counts)

    def number(self) -> None:
        """Number all entries: no more follow."""
        self._journal.number(time.monotonic())

    @property
    def serving(self) -> Sequence[WorkerHandle]:
        """The workers that have rules: not one that is just starting."""
        return [worker for worker in self._workers.values() if worker.serves]

    def _merge(self) -> None:
        reports = [worker.report for worker in self._workers.values() if worker.report is not None]
        metrics = merged_metrics([self._lost, *(report.metrics for report in reports)])
        metrics.on_reset = self._reset_metrics
        self._app.metrics = metrics
        self._app.responses_in_flight = metrics.responses_in_flight = merged_in_flight(
            [report.responses_in_flight for report in reports]
        )
        self._app.serving_metrics = merged_serving(
            [self._lost_serving, *(report.serving for report in reports)]
        )
        self._state.set_counts([report.counts for report in reports])

    def _reset_metrics(self) -> None:
        self._lost = merged_metrics(())
        for worker in self.serving:
            worker.report = None
            worker.channel.notify("reset_metrics")
