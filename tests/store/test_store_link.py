"""What is sent to a store that is away: it waits for the connection."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mockllm.store.connection import StoreAway, connect, store_address
from mockllm.store.script_request import CandidateEncoder, ScriptRequest
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import RedisServer
from tests.store.test_script_equals_memory import ONE as MATCHED
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


def test_store_that_does_not_reply_is_away_until_it_does(server: RedisServer) -> None:
    async def heard() -> list[str]:
        said: list[str] = []
        link = StoreLink(store_address(server.url), said.append, 0.2)
        await link.open()
        server.send(signal.SIGSTOP)
        with pytest.raises(StoreAway, match="does not reply"):
            await link.send("GET", "a")
        await said_by(lambda: len(said) == 1)
        assert link.problem is not None
        server.send(signal.SIGCONT)
        await said_by(lambda: link.problem is None)
        assert await link.send("GET", "a") is None
        link.close()
        return said

    server.start()
    away, back = asyncio.run(heard())
    assert "is away: it does not reply" in away
    assert "is back" in back


@pytest.mark.parametrize("lost", ["FUNCTION", "SCRIPT"])
def test_script_that_the_store_has_lost_is_loaded_again(server: RedisServer, lost: str) -> None:
    async def decided() -> bytes:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        if lost == "SCRIPT":  # as before Redis 7
            link._script.call = ("EVALSHA", await link.send("SCRIPT", "LOAD", link._script.script))
        await link.send(lost, "FLUSH")
        request = ScriptRequest(CandidateEncoder(), "", "one")
        request.add(MATCHED, "slot", [0])
        async with asyncio.timeout(PATIENCE):
            reply = await link.decide_later(request)
        link.close()
        return reply

    server.start()
    assert asyncio.run(decided())


def test_store_that_refuses_writes_is_away_until_it_accepts_them(server: RedisServer) -> None:
    async def decided() -> bytes:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        await link.send("CONFIG", "SET", "min-replicas-to-write", 1)
        request = ScriptRequest(CandidateEncoder(), "", "one")
        request.add(MATCHED, "slot", [0])
        deciding = asyncio.ensure_future(link.decide_later(request))
        await said_by(lambda: link.problem is not None and "NOREPLICAS" in link.problem)
        other = await connect(store_address(server.url), lambda _: None)
        await other.send("CONFIG", "SET", "min-replicas-to-write", 0)
        other.close()
        reply = await deciding
        assert link.problem is None
        link.close()
        return reply

    server.start()
    assert asyncio.run(decided())


async def said_by(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
