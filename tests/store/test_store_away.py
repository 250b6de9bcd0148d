"""Requests while the store is away, in a process that decides them without it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from mockllm.core.selection.decision import Decision
from mockllm.state.fetched_objects import ObjectToFetch
from mockllm.state.shared_counts import SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState
from mockllm.store import store_link
from mockllm.store.connection import store_address
from mockllm.store.group_store import GroupStore
from mockllm.store.reply_values import names_of
from mockllm.store.store_client import SESSIONS, OnFailure, StoreClient
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import redis_server
from tests.store.test_script_equals_memory import ONE
from tests.waiting import PATIENCE

DAY = 86400.0


def store_client(url: str, on_failure: OnFailure = "local") -> StoreClient:
    """One that waits for a day."""
    state = SharedEngineState(SharedCounts(), first_number=0, max_sessions=9, unused_timeout=60.0)
    return StoreClient(
        store_address(url), state, lambda _: None, wait=DAY, on_failure=on_failure, unused_timeout=60.0
    )


@pytest.fixture
def away(tmp_path: Path) -> str:
    return f"unix://{tmp_path}/none.sock"


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(store_link, "time", Clock(seconds))


class Clock:
    """A clock that is ahead."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def monotonic(self) -> float:
        return time.monotonic() + self._seconds


def test_request_does_not_wait_for_a_store_that_is_away(away: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def decided() -> None:
        store = store_client(away)
        later(monkeypatch, DAY)
        try:
            async with asyncio.timeout(PATIENCE):
                assert isinstance(await store.begin(ONE, lambda: None).wait(), Decision)
                lookup = ObjectToFetch("one", ("stored", "resp_1"), lambda: None)
                assert await store.fetch(lookup) is None
            assert "are decided without it" in (store.status() or "")
        finally:
            store.close()

    asyncio.run(decided())


def test_request_waits_as_long_as_a_store_may_be_away(away: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits() -> None:
        store, refusing = store_client(away), store_client(away, "error")
        try:
            later(monkeypatch, DAY / 2)
            assert DAY / 2 - PATIENCE < store.max_store_seconds <= DAY / 2
            later(monkeypatch, 2 * DAY)
            assert (store.max_store_seconds, refusing.max_store_seconds) == (0.0, DAY)
        finally:
            store.close()
            refusing.close()

    asyncio.run(waits())


def test_nothing_is_known_of_a_session_while_the_store_is_away(away: str) -> None:
    async def found() -> bool | None:
        link = StoreLink(store_address(away), lambda _: None, 0.01)
        try:
            return await GroupStore(link, 0.01).has_session("one")
        finally:
            link.close()

    assert asyncio.run(found()) is None


def test_session_of_a_request_that_waited_is_listed() -> None:
    async def used() -> list[bytes]:
        store = store_client(server.url)
        try:
            pending = store.begin(ONE, lambda: None)  # the store is not yet connected
            async with asyncio.timeout(PATIENCE):
                assert isinstance(await pending.wait(), Decision)
                return names_of(await store.link.call("ZRANGE", SESSIONS, 0, -1))
        finally:
            store.close()

    with redis_server() as server:
        assert asyncio.run(used()) == [b"one"]


def test_store_that_is_back_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    async def decided() -> None:
        store = store_client(server.url)
        later(monkeypatch, DAY)
        try:
            async with asyncio.timeout(PATIENCE):
                server.kill()
                await store.begin(ONE, lambda: None).wait()
                await asyncio.to_thread(server.start)
                await store.link.call("PING")
                assert (store.status(), store.max_store_seconds) == ("", DAY)
                assert isinstance(await store.begin(ONE, lambda: None).wait(), Decision)
            assert store.responses.total() == 1
        finally:
            store.close()

    with redis_server() as server:
        asyncio.run(decided())
