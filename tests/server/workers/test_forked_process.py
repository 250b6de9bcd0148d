"""A forked process and those that wait for its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from mockllm.server.workers.forked_process import fork_workers
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")


def test_all_that_wait_for_its_end_get_the_exit_code() -> None:
    (process,) = fork_workers([[]], lambda end: signal.pause())

    async def act() -> None:
        left, first, second = (asyncio.ensure_future(process.wait()) for _ in range(3))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
        process.kill()
        assert [await first, await second] == [-signal.SIGKILL] * 2
        assert await process.wait() == -signal.SIGKILL

    with process.end:
        try:
            asyncio.run(asyncio.wait_for(act(), PATIENCE))
        except BaseException:
            os.kill(process.pid, signal.SIGKILL)
            raise
