"""Signals to a server, in this process."""

from __future__ import annotations

import asyncio
import os
import signal

from mockllm.server.server_signals import ServerSignals


def test_two_signals_at_once_are_one_order() -> None:
    """`timeout` sends one to the process and one to its group."""

    async def signalled() -> tuple[bool, bool]:
        signals = ServerSignals()
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        await signals.stopping.wait()
        await asyncio.sleep(0)
        both = signals.hurried.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        await signals.hurried.wait()
        return both, signals.hurried.is_set()

    assert asyncio.run(signalled()) == (False, True)
