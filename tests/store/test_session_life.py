"""A session in the store lives as long as it is used, and ends as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from math import inf
from typing import TypeVar

import pytest
import redis
from msgspec.structs import replace

from mockllm.core.limits.limit_data import Limit
from mockllm.core.load.load import Load
from mockllm.core.request.stored_objects import ObjectLookup, StorageUpdate, StoredObject
from mockllm.core.selection.decision import DecisionInputs
from mockllm.state.fetched_objects import FetchedObject
from mockllm.store.connection import store_address
from mockllm.store.group_store import GroupStore
from mockllm.store.remote_objects import LISTED_IDS, SHARED_TTL, TRIM, RemoteObjects
from mockllm.store.script_arguments import CandidateEncoder, ScriptArguments, scope_key, session_base
from mockllm.store.script_result import read_results
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import RedisServer, redis_server
from tests.store.test_script_equals_memory import ONE, RULE
from tests.waiting import PATIENCE

T = TypeVar("T")

TTL = 1_000
OTHER = replace(ONE, rules=(replace(RULE, scope="api_key:1"),))
LIMITED = replace(
    ONE,
    modifiers=(
        replace(RULE, key="m", limit=Limit("sliding-window", requests=10, concurrent=5, window=9e9)),
        replace(RULE, key="l", scope="api_key:1", load=Load(concurrency=3)),
    ),
)
GLOBAL = scope_key(session_base("one"), "")
INDEX = GLOBAL + b":index"
NAMES = session_base("") + LISTED_IDS
PORTION = 500
"""Keys of a session that one call renews or deletes."""
MANY = 3 * PORTION
STORED = StoredObject("resp_1", None, b"{}", b"{}")


class Store:
    """The store as one process uses it."""

    def __init__(self, link: StoreLink, client: redis.Redis) -> None:
        self.link = link
        self.client = client
        self.ttl = TTL
        self.responses = RemoteObjects(link, float(TTL))
        self._encoder = CandidateEncoder()
        self._requests = 0
        self.calls = 0
        """The calls of the script that decisions took."""

    async def decide(self, inputs: DecisionInputs = ONE) -> list[int]:
        """Decide a request of the session. Return the tries of its rule before it."""
        self._requests += 1
        request = ScriptArguments(self._encoder, "one", f"{self._requests}", self.ttl)
        request.add(inputs, f"{self._requests}", [0] * (len(inputs.modifiers) + len(inputs.rules)))
        while True:
            (result,) = read_results(await self.link.decide_with_retry(request))
            self.calls += 1
            if result[0] != "draws":
                return [row[1] for row in result[5]]

    async def fill_with_calls(self, number: int = MANY) -> None:
        """Let the session have so many tool calls."""
        calls = {f"call_{each}": "f" for each in range(number)}
        assert await self.responses.write_update("one", StorageUpdate(tool_calls=calls)).done()

    def renewed(self) -> int:
        """Return how many tool calls were just renewed."""
        return sum(self.client.ttl(key) > 2 * TTL - PATIENCE for key in self.client.scan_iter("*}:t:*"))

    async def fill(self) -> None:
        """Let the session have keys of all kinds."""
        await self.decide(LIMITED)
        await self.decide(OTHER)
        assert await self.responses.write_update(
            "one", StorageUpdate(("resp_1",), STORED, {"call_1": "f"})
        ).done()

    def present_keys(self) -> set[bytes]:
        """All keys of the session but the results of its calls, which are repeated for a minute."""
        return {bytes(key) for key in self.client.scan_iter() if b"}:d:" not in bytes(key)}

    def members(self) -> set[bytes]:
        """The keys in the session's index."""
        return {bytes(member) for member, _ in self.client.zscan_iter(INDEX)}

    def age(self, seconds: int) -> None:
        """Let all keys of the session be so much older."""
        for key in self.present_keys():
            self.client.expire(key, self.client.ttl(key) - seconds)
        for key in self.members():
            self.client.zincrby(INDEX, -seconds * 1e6, key)
        renewed = float(self.client.hget(GLOBAL, "r") or 0)
        self.client.hset(GLOBAL, "r", f"{renewed - seconds * 1e6:.0f}")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture
def run(server: RedisServer) -> Iterator[Callable[[Callable[[Store], Awaitable[T]]], T]]:
    def run_with_store(act: Callable[[Store], Awaitable[T]]) -> T:
        async def connected() -> T:
            link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
            await link.open()
            try:
                return await act(Store(link, client))
            finally:
                link.close()

        return asyncio.run(connected())

    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        client.flushall()
        yield run_with_store


Run = Callable[[Callable[[Store], Awaitable[None]]], None]


def test_each_use_of_a_session_renews_all_of_it(run: Run) -> None:
    async def act(store: Store) -> None:
        await store.fill()
        kinds = {store.client.type(key) for key in store.present_keys()}
        assert kinds == {b"hash", b"list", b"zset", b"string"}
        for _ in range(8):  # far longer than an unused session lasts
            store.age(TTL * 2 // 3)
            before = store.present_keys()
            await store.decide()
            assert store.present_keys() == before
            assert min(map(store.client.ttl, before)) >= TTL - 1
        assert await store.decide(OTHER) == [1]
        assert await store.responses.look_up("one", ("tool_call", "call_1")) == "f"

    run(act)


@pytest.mark.parametrize("use", ["decision", "storage", "lookup"])
def test_use_of_each_kind_renews_a_session(run: Run, use: str) -> None:
    async def act(store: Store) -> None:
        await store.fill()
        store.age(TTL - 1)
        if use == "decision":
            await store.decide()
        elif use == "storage":
            await store.responses.write_update("one", StorageUpdate(("resp_1",), STORED)).done()
        else:
            assert await store.responses.look_up("one", ("stored", "resp_1")) is not None
        assert store.client.ttl(GLOBAL) >= TTL - 1

    run(act)


def test_log_of_a_long_window_ends_with_its_session(run: Run) -> None:
    async def act(store: Store) -> None:
        for _ in range(2):
            await store.decide(LIMITED)
            assert max(map(store.client.ttl, store.present_keys())) <= 2 * TTL

    run(act)


def test_few_decisions_renew_all_keys(run: Run) -> None:
    """A decision costs the same in sessions with many keys."""

    async def act(store: Store) -> None:
        await store.fill()
        other = scope_key(session_base("one"), "api_key:1")
        store.client.expire(other, TTL + 1)
        store.age(TTL // 5)
        await store.decide()
        assert store.client.ttl(other) <= TTL

    run(act)


@pytest.mark.parametrize("use", ["decision", "storage"])
def test_session_that_has_ended_begins_anew_as_a_whole(run: Run, use: str) -> None:
    async def act(store: Store) -> None:
        await store.fill()
        group = GroupStore(store.link, PATIENCE)
        assert await group.has_session("one")
        store.client.delete(GLOBAL)  # as it expires: it is the first of all keys
        assert not await group.has_session("one")
        for kind, name in (("stored", "resp_1"), ("tool_call", "call_1")):
            assert await store.responses.look_up("one", (kind, name)) is None  # type: ignore[arg-type]
        assert await store.responses.look_up("one", ("all_stored", "resp")) == ()
        if use == "decision":
            await store.decide()
        else:
            await store.responses.write_update("one", StorageUpdate(tool_calls={"call_2": "g"})).done()
        assert await store.responses.look_up("one", ("stored", "resp_1")) is None
        assert await store.decide(OTHER) == [0]
        if use == "storage":
            assert await store.responses.look_up("one", ("tool_call", "call_2")) == "g"

    run(act)


@pytest.mark.parametrize("lasts_for_ever", [False, True])
@pytest.mark.parametrize("everything", [False, True])
def test_ended_session_leaves_nothing(run: Run, *, everything: bool, lasts_for_ever: bool) -> None:
    async def act(store: Store) -> None:
        if lasts_for_ever:
            store.ttl, store.responses = 0, RemoteObjects(store.link, inf)
        await store.fill()
        group = GroupStore(store.link, PATIENCE)
        await (group.reset() if everything else group.end("one"))
        assert store.present_keys() == set()
        assert not await group.has_session("one")
        assert await store.decide(OTHER) == [0]

    run(act)


def test_use_of_a_large_session_renews_a_portion(run: Run) -> None:
    async def act(store: Store) -> None:
        await store.fill_with_calls()
        store.age(TTL // 2)
        renewed = []
        for _ in range(4):
            await store.decide()
            renewed.append(store.renewed())
        assert renewed == [PORTION, 2 * PORTION, MANY, MANY]
        assert store.calls == 4, "no request waits"

    run(act)


def test_rarely_used_large_session_lasts_as_a_whole(run: Run) -> None:
    """No key may end before the next use: a request waits until all that are old are renewed."""

    async def act(store: Store) -> None:
        await store.fill_with_calls()
        for _ in range(3):
            store.age(TTL - 1)
            await store.decide()
            assert store.renewed() == MANY
        assert store.calls == 3 * (MANY // PORTION)

    run(act)


@pytest.mark.parametrize("use", ["decision", "storage"])
def test_large_session_begins_anew_as_a_whole(run: Run, use: str) -> None:
    async def act(store: Store) -> None:
        await store.fill_with_calls()
        store.client.delete(GLOBAL)  # as it expires
        if use == "decision":
            await store.decide()
            assert store.calls == 1 + MANY // PORTION
        else:
            await store.fill_with_calls(1)
        left = list(store.client.scan_iter("*}:t:*"))
        assert len(left) == (use == "storage")

    run(act)


def test_ended_large_session_leaves_nothing(run: Run) -> None:
    async def act(store: Store) -> None:
        await store.fill_with_calls()
        await GroupStore(store.link, PATIENCE).end("one")
        assert store.present_keys() == set()

    run(act)


def test_session_that_has_begun_again_is_not_ended(run: Run) -> None:
    """Another request begins it while the rest of the one before is deleted."""

    async def act(store: Store) -> None:
        await store.fill()
        assert not await store.link.run_with_retry("end_session", [GLOBAL], [])
        assert await store.responses.look_up("one", ("tool_call", "call_1")) == "f"

    run(act)


def test_index_forgets_keys_that_have_ended(run: Run) -> None:
    async def act(store: Store) -> None:
        await store.fill()
        read = await store.responses.look_up("one", ("stored", "resp_1"))
        assert await store.responses.write_update(
            "one", StorageUpdate(forgotten=("resp_1",)), Read(read)
        ).done()
        assert store.members() - store.present_keys() == {session_base("one") + LISTED_IDS}
        (call,) = store.client.scan_iter("*}:t:*")
        store.client.delete(call)
        store.age(TTL // 2)
        await store.decide()
        assert store.members() < store.present_keys()

    run(act)


def test_places_outside_of_sessions_end_with_their_scope(run: Run) -> None:
    """A killed process does not free its places."""

    async def act(store: Store) -> None:
        request = ScriptArguments(CandidateEncoder(), "", "1")
        request.add(replace(LIMITED, session=""), "slot", [0, 0, 0])
        await store.link.decide_with_retry(request)
        places = scope_key(session_base(""), "api_key:1") + b":*o"
        assert [store.client.ttl(key) > TTL for key in store.client.scan_iter(places)] == [True]

    run(act)


class Read(ObjectLookup):
    """What a request has read of one response."""

    def __init__(self, found: FetchedObject) -> None:
        assert isinstance(found, StoredObject)
        self._found = found

    def version(self, name: str) -> bytes | None:
        return self._found.version


async def change_stored(store: Store) -> None:
    """Change the response outside of sessions."""
    read = Read(await store.responses.look_up("", ("stored", "resp_1")))
    assert await store.responses.write_update("", StorageUpdate(("resp_1",), STORED), read).done()


@pytest.mark.parametrize("changes", [False, True])
def test_list_forgets_ids_of_responses_that_have_ended(run: Run, *, changes: bool) -> None:
    async def act(store: Store) -> None:
        store.client.zadd(NAMES, {"resp_0": 1.0})
        for _ in range(TRIM):
            await store.responses.write_update("", StorageUpdate(("resp_1",), STORED)).done()
            if changes:
                await change_stored(store)
        assert store.client.zrange(NAMES, 0, -1) == [b"resp_1"]

    run(act)


def test_changed_response_has_its_first_place_in_a_list(run: Run) -> None:
    """Its first storage may have been long ago: it lasts a day from its last change."""

    async def act(store: Store) -> None:
        await store.responses.write_update("", StorageUpdate(("resp_1",), STORED)).done()
        store.client.zadd(NAMES, {"resp_0": 1.0, "resp_1": 2.0})
        await change_stored(store)
        other = STORED._replace(id="resp_2")
        for _ in range(TRIM):
            await store.responses.write_update("", StorageUpdate(("resp_2",), other)).done()
        assert store.client.zrange(NAMES, 0, -1) == [b"resp_1", b"resp_2"]
        assert 0 < store.client.ttl(NAMES + b":changed") <= SHARED_TTL

    run(act)


def test_list_forgets_a_response_that_changed_long_ago(run: Run) -> None:
    async def act(store: Store) -> None:
        await store.responses.write_update("", StorageUpdate(("resp_1",), STORED)).done()
        await change_stored(store)
        for key in (NAMES, NAMES + b":changed"):
            store.client.zadd(key, {"resp_1": 1.0})
        other = STORED._replace(id="resp_2")
        for _ in range(TRIM):
            await store.responses.write_update("", StorageUpdate(("resp_2",), other)).done()
        assert store.client.zrange(NAMES, 0, -1) == [b"resp_2"]
        assert store.client.zscore(NAMES + b":changed", "resp_1") is None

    run(act)
