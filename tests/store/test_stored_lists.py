"""Lists of stored objects, which are fetched in portions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mockllm.core.failure import Failure
from mockllm.core.request.stored_objects import EMPTY_LOOKUP, StorageUpdate, StoredObject
from mockllm.state.fetched_objects import FetchedObject, ObjectToFetch
from mockllm.state.shared_counts import SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState
from mockllm.store import remote_objects
from mockllm.store.connection import Argument, StoreReply, store_address
from mockllm.store.remote_objects import RemoteObjects
from mockllm.store.script_arguments import session_base
from mockllm.store.store_client import StoreClient
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import redis_server
from tests.waiting import PATIENCE

SIZES = (10, 2_000, 10, 10, 900, 900, 10)


async def listed(
    client: StoreClient, pause: float, sizes: Sequence[int]
) -> tuple[FetchedObject | Failure, Sequence[int]]:
    """Store some files and list them. Return the list, and how many objects each command fetches, which takes
    `pause` seconds."""
    for number, size in enumerate(sizes):
        stored = StoredObject(f"file-{number}", None, b"x" * size, b"{}")
        client._state.apply_storage_update("", StorageUpdate((stored.id,), stored), EMPTY_LOOKUP)
        confirmation = client.take_storage_confirmation()
        assert confirmation is not None
        assert await confirmation is None
    call, portions = client.link.call, []

    async def noted(*arguments: Argument) -> StoreReply:
        if arguments[0] == "MGET":
            portions.append(len(arguments) - 1)
            await asyncio.sleep(pause)
        return await call(*arguments)

    client.link.call = noted  # type: ignore[method-assign]
    found = await client.fetch(ObjectToFetch("", ("all_stored", "file-"), lambda: None))
    return found, portions


def fetched(
    wait: float, pause: float, sizes: Sequence[int] = SIZES
) -> tuple[FetchedObject | Failure, Sequence[int]]:
    async def act() -> tuple[FetchedObject | Failure, Sequence[int]]:
        state = SharedEngineState(SharedCounts())
        client = StoreClient(
            store_address(server.url),
            state,
            lambda _: None,
            wait=wait,
            on_failure="error",
            unused_timeout=60.0,
        )
        try:
            return await listed(client, pause, sizes)
        finally:
            client.close()

    with redis_server() as server:
        return asyncio.run(act())


def test_list_is_fetched_in_portions_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_objects, "MAX_PORTION", 1_500)
    found, portions = fetched(PATIENCE, 0.0)
    assert isinstance(found, tuple)
    assert [each.id for each in found] == [f"file-{number}" for number in range(len(SIZES))]
    assert [len(each.request_body) for each in found] == [*SIZES]
    assert portions == [1, 1, 3, 2]


def test_small_list_is_fetched_at_once() -> None:
    assert fetched(PATIENCE, 0.0)[1] == [len(SIZES)]


def test_time_for_the_store_is_that_of_one_portion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_objects, "MAX_PORTION", 1)
    found, portions = fetched(2.0, 0.4)
    assert isinstance(found, tuple)
    assert len(portions) == len(SIZES)


def test_list_of_one_needs_no_sizes() -> None:
    found, portions = fetched(PATIENCE, 0.0, [5])
    assert isinstance(found, tuple)
    assert (len(found), portions) == (1, [1])


def test_removed_object_is_in_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its id may be listed for some time."""
    monkeypatch.setattr(remote_objects, "MAX_PORTION", 1)

    async def act() -> FetchedObject:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        responses = RemoteObjects(link, 60.0)
        for id in ("file-1", "file-2", "file-3"):
            stored = StoredObject(id, None, b"", b"{}")
            assert await responses.write_update("", StorageUpdate((id,), stored)).done()
        await link.call("DEL", remote_objects._object_key(session_base(""), "file-1"))
        found = await responses.look_up("", ("all_stored", "file-"))
        link.close()
        return found

    with redis_server() as server:
        found = asyncio.run(act())
    assert isinstance(found, tuple)
    assert [each.id for each in found] == ["file-2", "file-3"]
