"""Calls between two processes."""

from __future__ import annotations

import asyncio
import socket

import pytest

from mockllm.server.workers.channel import CallFailed, Channel


async def _unpicklable() -> object:
    return lambda: None


def test_result_that_cannot_be_sent_is_an_error_of_the_call() -> None:
    async def called() -> None:
        channels = [Channel({"make": _unpicklable}) for _ in range(2)]
        for channel, end in zip(channels, socket.socketpair(), strict=True):
            end.setblocking(False)
            await channel.open(end)
        running = [asyncio.ensure_future(channel.run()) for channel in channels]
        with pytest.raises(CallFailed, match="the result of 'make' cannot be pickled"):
            await channels[0].call("make")
        channels[0].close()
        await asyncio.gather(*running)

    asyncio.run(called())
