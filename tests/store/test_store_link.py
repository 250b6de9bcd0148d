"""What is sent to a store that is away: it waits for the connection."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.state.fetched_objects import FetchedObject
from mockllm.store.connection import StoreAway, StoreRefused, StoreReply, connect, store_address
from mockllm.store.remote_objects import RemoteObjects
from mockllm.store.script_arguments import CandidateEncoder, ScriptArguments
from mockllm.store.store_link import StoreLink
from mockllm.store.store_scripts import is_transient
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


def test_changes_wait_for_the_connection(server: RedisServer) -> None:
    async def found() -> FetchedObject:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        link.keep_open()
        responses = RemoteObjects(link, 60.0)
        change = responses.write_update("one", StorageUpdate(tool_calls={"call_1": "f"}))
        done = asyncio.ensure_future(change.done())
        await asyncio.to_thread(server.start)
        assert await done
        result = await responses.look_up("one", ("tool_call", "call_1"))
        link.close()
        return result

    assert asyncio.run(found()) == "f"


def test_store_that_does_not_reply_is_away_until_it_does(server: RedisServer) -> None:
    async def reported() -> list[str]:
        messages: list[str] = []
        link = StoreLink(store_address(server.url), messages.append, 0.2)
        await link.open()
        server.send(signal.SIGSTOP)
        with pytest.raises(StoreAway, match="does not reply"):
            await link.connection().send("GET", "a")
        await wait_until(lambda: len(messages) == 1)
        assert link.problem is not None
        server.send(signal.SIGCONT)
        await wait_until(lambda: link.problem is None)
        assert await link.call("GET", "a") is None
        link.close()
        return messages

    server.start()
    away, back = asyncio.run(reported())
    assert "is away: it does not reply" in away
    assert "is back" in back


@pytest.mark.parametrize("lost", ["FUNCTION", "SCRIPT"])
def test_script_that_the_store_has_lost_is_loaded_again(server: RedisServer, lost: str) -> None:
    async def decided() -> StoreReply:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        if lost == "SCRIPT":  # as before Redis 7
            await link._scripts.load_as_scripts(link.connection())
        await link.call(lost, "FLUSH")
        request = ScriptArguments(CandidateEncoder(), "", "one")
        request.add(MATCHED, "slot", [0])
        async with asyncio.timeout(PATIENCE):
            reply = await link.decide_with_retry(request)
        link.close()
        return reply

    server.start()
    assert asyncio.run(decided())


def test_store_that_refuses_writes_is_away_until_it_accepts_them(server: RedisServer) -> None:
    async def decided() -> StoreReply:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        await link.call("CONFIG", "SET", "min-replicas-to-write", 1)
        request = ScriptArguments(CandidateEncoder(), "", "one")
        request.add(MATCHED, "slot", [0])
        deciding = asyncio.ensure_future(link.decide_with_retry(request))
        await wait_until(lambda: link.problem is not None and "NOREPLICAS" in link.problem)
        other = await connect(store_address(server.url), lambda _: None)
        await other.send("CONFIG", "SET", "min-replicas-to-write", 0)
        other.close()
        reply = await deciding
        assert link.problem is None
        link.close()
        return reply

    server.start()
    assert asyncio.run(decided())


def test_commands_in_one_step_wait_until_the_store_accepts(server: RedisServer) -> None:
    """A store without memory refuses them one by one, and then the step as a whole."""

    async def found() -> FetchedObject:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        responses = RemoteObjects(link, 60.0)
        other = await connect(store_address(server.url), lambda _: None)
        stored = StoredObject("resp_1", None, b"{}", b"{}")
        await other.send("CONFIG", "SET", "maxmemory", 1)
        done = asyncio.ensure_future(responses.write_update("", StorageUpdate(("resp_1",), stored)).done())
        await wait_until(lambda: done.done() or (link.problem or "").startswith("OOM"))
        await other.send("CONFIG", "SET", "maxmemory", 0)
        assert await done
        result = await responses.look_up("", ("stored", "resp_1"))
        for each in (link, other):
            each.close()
        return result

    server.start()
    assert isinstance(asyncio.run(found()), StoredObject)


def test_mistake_in_a_step_is_refused_with_its_reason(server: RedisServer) -> None:
    async def refused() -> None:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        with pytest.raises(StoreRefused, match="unknown command"):
            await link.run_transaction_with_retry(("SET", "a", 1), ("NONSENSE",))
        assert link.problem is None
        link.close()

    server.start()
    asyncio.run(refused())


def test_step_that_is_refused_at_its_end_says_why(server: RedisServer) -> None:
    async def refusal() -> StoreRefused:
        one, other = [await connect(store_address(server.url), lambda _: None) for _ in range(2)]
        await one.send("MULTI")
        await one.send("SET", "a", 1)
        await other.send("CONFIG", "SET", "min-replicas-to-write", 1)
        with pytest.raises(StoreRefused) as refused:
            await one.send("EXEC")
        for each in (one, other):
            each.close()
        return refused.value

    server.start()
    assert is_transient(asyncio.run(refusal()))


async def wait_until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_new_objects_outside_of_sessions_wait_for_the_store(server: RedisServer) -> None:
    async def found() -> FetchedObject:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        link.keep_open()
        responses = RemoteObjects(link, 60.0)
        stored = StoredObject("resp_1", None, b"{}", b"{}")
        done = asyncio.ensure_future(
            responses.write_update("", StorageUpdate(("resp_1", "msg_1"), stored)).done()
        )
        await asyncio.to_thread(server.start)
        assert await done
        result = await responses.look_up("", ("stored", "msg_1"))
        link.close()
        return result

    result = asyncio.run(found())
    assert isinstance(result, StoredObject)
    assert result.id == "resp_1"
