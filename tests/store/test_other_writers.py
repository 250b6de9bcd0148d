"""Entries of another program, or of another version, in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest
import redis

from mockllm.core.failure import Failure
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.state.fetched_objects import FetchKey
from mockllm.state.shared_counts import SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState
from mockllm.store.connection import StoreRefused, store_address
from mockllm.store.group_store import GroupStore
from mockllm.store.remote_objects import RemoteObjects
from mockllm.store.script_arguments import scope_key, session_base, state_value
from mockllm.store.store_client import SESSIONS, StoreClient
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import RedisServer, redis_server
from tests.store.test_script_equals_memory import ONE
from tests.waiting import PATIENCE

T = TypeVar("T")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def other(server: RedisServer) -> Iterator[redis.Redis]:
    """Another program's client."""
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        client.flushall()
        yield client


def with_link(server: RedisServer, use: Callable[[StoreLink], Awaitable[T]]) -> T:
    async def used() -> T:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        try:
            return await use(link)
        finally:
            link.close()

    return asyncio.run(used())


@pytest.mark.parametrize("entry", [b"", b"x", b"0123456789abcdef\xc1", b"0123456789abcdef\x80", b"\xff" * 99])
def test_entry_that_is_no_response_is_refused(server: RedisServer, other: redis.Redis, entry: bytes) -> None:
    async def looked_up(link: StoreLink) -> None:
        responses = RemoteObjects(link, 60.0)
        stored = StoredObject("resp_1", None, b"{}", b"{}")
        assert await responses.write_update("", StorageUpdate(("resp_1",), stored)).done()
        for key in other.keys("*:r:*"):
            other.set(key, entry)
        lookups: tuple[FetchKey, ...] = (("stored", "resp_1"), ("all_stored", "resp_"))
        for lookup in lookups:
            with pytest.raises(
                StoreRefused, match=r"an entry of the store cannot be read.*separate database"
            ):
                await responses.look_up("", lookup)

    with_link(server, looked_up)


def test_name_of_a_tool_that_is_no_text_is_read(server: RedisServer, other: redis.Redis) -> None:
    async def looked_up(link: StoreLink) -> object:
        responses = RemoteObjects(link, 60.0)
        assert await responses.write_update("one", StorageUpdate(tool_calls={"call_1": "f"})).done()
        for key in other.keys("*:t:*"):
            other.set(key, b"\xff")
        return await responses.look_up("one", ("tool_call", "call_1"))

    assert with_link(server, looked_up) == "\ufffd"


def test_id_of_a_session_that_is_no_text_is_shown(server: RedisServer, other: redis.Redis) -> None:
    async def sessions(link: StoreLink) -> object:
        return await GroupStore(link, PATIENCE).sessions()

    other.zadd(SESSIONS, {b"\xff": 1.0, b"one": 2.0})
    assert with_link(server, sessions) == {"\ufffd": 1.0, "one": 2.0}


def test_value_of_a_state_that_is_no_number_is_a_text() -> None:
    assert state_value("nx") == "x"
    assert state_value("n1.5") == 1.5


def test_result_that_cannot_be_read_is_refused(server: RedisServer, other: redis.Redis) -> None:
    async def failure() -> Failure:
        state = SharedEngineState(SharedCounts(), first_number=0, max_sessions=9, unused_timeout=60.0)
        store_client = StoreClient(
            store_address(server.url), state, lambda _: None,
            wait=PATIENCE, on_failure="error", unused_timeout=60.0,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE):
                await store_client.link.call("PING")
            other.set(scope_key(session_base(ONE.session), ""), "x")
            pending = store_client.begin(ONE, lambda: None)
            decided = await pending.wait()
        finally:
            store_client.close()
        assert isinstance(decided, Failure)
        return decided

    refused = asyncio.run(failure())
    assert refused.status == 503
    message = str(refused.message)
    assert message.startswith("mockllm: the store of this server's counts refuses this request: WRONGTYPE")
    assert message.endswith("use a separate database.")
