"""The pauses before a worker that has ended is replaced."""

from __future__ import annotations

from typing import Any, cast

from mockllm.server.workers.restart_pauses import SHORT_LIFE, RestartPauses
from mockllm.server.workers.worker_handle import WorkerHandle


def test_worker_that_never_serves_is_replaced_ever_later() -> None:
    pauses = RestartPauses()
    never, served = (WorkerHandle(0, number, cast(Any, None)) for number in range(2))
    served.serves, served.started = True, -SHORT_LIFE
    assert [pauses.after(worker) for worker in [*[never] * 7, served, never]] == [
        2, 4, 8, 16, 32, 60, 60, 0, 2,
    ]  # fmt: skip


def test_failed_starts_count_as_short_lives() -> None:
    pauses = RestartPauses()
    never = WorkerHandle(0, 1, cast(Any, None))
    assert [pauses.after(never), pauses.after_failed_start(0), pauses.after_failed_start(1)] == [2, 4, 2]
