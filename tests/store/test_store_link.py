"""What is sent to a store that is away: it waits for the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mockllm.store.connection import store_address
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import RedisServer
from tests.waiting import PATIENCE


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A server that is not started yet."""
    with TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        yield server
        server.kill()


def test_commands_wait_for_the_connection_in_their_order(server: RedisServer) -> None:
    async def read() -> tuple[bytes | None, list[bytes]]:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        link.keep_open()
        sent = [link.send("RPUSH", "list", number) for number in range(3)]
        sent.pop(1).cancel()
        await asyncio.to_thread(server.start)
        await asyncio.gather(*sent)
        found = await link.send("GET", "nothing"), await link.send("LRANGE", "list", 0, -1)
        link.close()
        return found

    assert asyncio.run(read()) == (None, [b"0", b"2"])


def test_commands_that_wait_end_with_the_link(server: RedisServer) -> None:
    async def sent() -> bool:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        future = link.send("SET", "a", 1)
        link.close()
        return future.cancelled()

    assert asyncio.run(sent())
