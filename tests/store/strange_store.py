"""A server that replies to a store's commands as no store does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.waiting import PATIENCE

ReplyTo = Callable[[bytes], bytes]
"""Returns what the server writes after some bytes, which are empty when a client has just connected."""


class StrangeStore:
    """`port` is where it listens, `open` counts its open connections."""

    def __init__(self, reply: ReplyTo) -> None:
        self._reply = reply
        self.port = 0
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        data = b""
        try:
            while True:
                writer.write(self._reply(data))
                await writer.drain()
                if not (data := await reader.read(65536)):
                    break
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            writer.close()

    async def until_open(self, count: int) -> None:
        """Wait until no more than so many connections are open."""
        async with asyncio.timeout(PATIENCE):
            while self.open > count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynccontextmanager
async def strange_store(reply: ReplyTo) -> AsyncIterator[StrangeStore]:
    store = StrangeStore(reply)
    server = await asyncio.start_server(store.serve, "127.0.0.1")
    store.port = server.sockets[0].getsockname()[1]
    try:
        yield store
    finally:
        server.close()
        await store.until_open(0)
