"""Long work in a thread, while the event loop goes on."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mockllm.server.worker_thread import WorkerThread, run_in_thread
from tests.waiting import PATIENCE


def test_run_returns_result_of_another_thread() -> None:
    async def main() -> int:
        worker = WorkerThread()
        try:
            return await worker.run(threading.get_ident)
        finally:
            worker.close()

    assert asyncio.run(main()) != threading.get_ident()


def test_thread_of_single_work_ends_with_it() -> None:
    thread = asyncio.run(run_in_thread(threading.current_thread))
    assert thread.daemon
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_run_raises_what_the_work_raises() -> None:
    async def main() -> None:
        await WorkerThread().run(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())


def test_loop_goes_on_while_the_work_lasts() -> None:
    async def main() -> list[str]:
        worker, go_on, order = WorkerThread(), threading.Event(), []

        def work() -> None:
            go_on.wait(PATIENCE)
            order.append("work")

        task = asyncio.create_task(worker.run(work))
        for _ in range(3):
            await asyncio.sleep(0)
            order.append("loop")
        go_on.set()
        await task
        return order

    assert asyncio.run(main()) == ["loop", "loop", "loop", "work"]


def test_cancelled_work_that_waits_is_left_out() -> None:
    async def main() -> list[str]:
        worker, go_on, done = WorkerThread(), threading.Event(), list[str]()
        first = asyncio.create_task(worker.run(lambda: go_on.wait(PATIENCE)))
        second = asyncio.create_task(worker.run(lambda: done.append("second")))
        third = asyncio.create_task(worker.run(lambda: done.append("third")))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, third)
        return done

    assert asyncio.run(main()) == ["third"]
