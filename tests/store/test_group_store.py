"""What the control API changes in the store, beside all that is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
import redis
from msgspec.structs import replace

from mockllm.cli.store_setup import StoreSetup
from mockllm.core.limits.limit_data import Cost, Limit
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.core.selection.decision import Decision
from mockllm.store import group_store
from mockllm.store.connection import store_address
from mockllm.store.group_store import GroupStore
from mockllm.store.remote_objects import RemoteObjects
from mockllm.store.reply_values import names_of, number_of
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import RedisServer, redis_server
from tests.store.test_script_equals_memory import ONE, RULE, StoreCounters
from tests.waiting import PATIENCE

LIMIT = Limit("sliding-window", requests=10, tokens=500, input_tokens=200, output_tokens=300)
LIMITED = replace(
    ONE, modifiers=(replace(RULE, key="m", limit=LIMIT),), compute_cost=lambda: Cost(8, output_tokens=3)
)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def store(server: RedisServer) -> Iterator[StoreCounters]:
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        yield StoreCounters(client)


def remaining(store: StoreCounters) -> Sequence[int]:
    """Decide a request. Return what its limits leave, and the tries of its rule before it."""
    ((_, decision),) = store.decide([LIMITED])
    assert isinstance(decision, Decision)
    assert decision.admission is not None
    assert decision.selected_rule is not None
    status = decision.admission.limit_status
    bound_statuses = (status.requests, status.tokens, status.input_tokens, status.output_tokens)
    return [
        *(bound_status.remaining for bound_status in bound_statuses if bound_status is not None),
        decision.selected_rule.tries,
    ]


def change(server: RedisServer, *, limits: bool) -> None:
    """Store a response and a tool call. Reset the limits, or forget the counts of the rule."""

    async def changed() -> None:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        stored = StoredObject("resp_1", None, b"{}", b"{}")
        responses = RemoteObjects(link, 60.0)
        assert await responses.write_update("one", StorageUpdate(("resp_1",), stored, {"call_1": "f"})).done()
        group = GroupStore(link, PATIENCE)
        await (group.reset_limits(None) if limits else group.forget(["r"]))
        found = (
            await responses.look_up("one", ("stored", "resp_1")),
            await responses.look_up("one", ("tool_call", "call_1")),
        )
        link.close()
        assert isinstance(found[0], StoredObject)
        assert (found[0]._replace(version=b""), found[1]) == (stored, "f")

    asyncio.run(changed())


def test_reset_of_limits_has_all_their_tokens(server: RedisServer, store: StoreCounters) -> None:
    """Stored responses and tool calls are no counts, and stay."""
    assert remaining(store) == [9, 492, 195, 297, 0]
    change(server, limits=True)
    assert remaining(store) == [9, 492, 195, 297, 1]


def test_removed_rules_are_forgotten_beside_stored_responses(
    server: RedisServer, store: StoreCounters
) -> None:
    remaining(store)
    change(server, limits=False)
    assert remaining(store) == [8, 484, 190, 294, 0]


OTHERS: Sequence[tuple[frozenset[str] | None, int]] = (
    (frozenset({"r", "other"}), 1),
    (frozenset({"other"}), 0),
    (None, 0),
)


@pytest.mark.parametrize(("others", "tries"), OTHERS)
def test_counts_of_a_rule_last_until_no_group_has_it(
    server: RedisServer, store: StoreCounters, others: frozenset[str] | None, tries: int
) -> None:
    """`others`: the rules of another group; None for one that has ended."""

    async def removed() -> None:
        links = [StoreLink(store_address(server.url), lambda _: None, PATIENCE) for _ in range(2)]
        for link in links:
            await link.open()
        groups = [GroupStore(link, PATIENCE) for link in links]
        for number, group in enumerate(groups):
            await group.claim_replica(f"group {number}")
            await group.use_rules(frozenset({"r"}))
        if others is None:
            groups[1].release_replica(1)
        else:
            await groups[1].use_rules(others)
        await links[1].call("PING")
        await groups[0].use_rules(frozenset())
        await groups[0].forget({"r"})
        for link in links:
            link.close()

    store.decide([ONE])
    asyncio.run(removed())
    ((_, decision),) = store.decide([ONE])
    assert isinstance(decision, Decision)
    assert decision.selected_rule is not None
    assert decision.selected_rule.tries == tries


def test_rules_that_the_store_has_lost_are_noted_again(
    server: RedisServer, store: StoreCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_store, "RENEWAL", 0.01)

    async def noted() -> None:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        group = GroupStore(link, PATIENCE)
        number = await group.claim_replica("group")
        await group.use_rules(frozenset({"r"}))
        (key,) = names_of(await link.call("KEYS", "mockllm:rules:*"))
        assert 0 < number_of(await link.call("TTL", key)) <= group_store.REPLICA_TERM
        await link.call("DEL", key)
        renewing = asyncio.ensure_future(group.replaced_replica(number, "group"))
        async with asyncio.timeout(PATIENCE):
            while not await link.call("EXISTS", key):
                pass
        renewing.cancel()
        link.close()

    asyncio.run(noted())


def test_store_without_memory_is_away_for_a_group(
    server: RedisServer, store: StoreCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor has no other source: its workers count."""
    monkeypatch.setattr(group_store, "RENEWAL", 0.01)

    async def noticed() -> None:
        link, other = [StoreLink(store_address(server.url), lambda _: None, PATIENCE) for _ in range(2)]
        for each in (link, other):
            await each.open()
        group = GroupStore(link, PATIENCE)
        number = await group.claim_replica("group")
        await group.use_rules(frozenset({"r"}))
        renewing = asyncio.ensure_future(group.replaced_replica(number, "group"))
        await other.call("CONFIG", "SET", "maxmemory", 1)
        try:
            async with asyncio.timeout(PATIENCE):
                while not (link.problem or "").startswith("OOM"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            await other.call("CONFIG", "SET", "maxmemory", 0)
        async with asyncio.timeout(PATIENCE):
            while link.problem is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not renewing.done()
        renewing.cancel()
        for each in (link, other):
            each.close()

    asyncio.run(noticed())


@pytest.mark.parametrize(
    ("policy", "memory", "warnings"),
    [("allkeys-lru", 9 << 30, 1), ("allkeys-lru", 0, 0), ("noeviction", 9 << 30, 0)],
)
def test_store_that_removes_counts_is_a_warning(
    server: RedisServer, policy: str, memory: int, warnings: int
) -> None:
    async def reported() -> list[str]:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        await link.call("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", memory)
        lines: list[str] = []
        try:
            store = await StoreSetup(store_address(server.url), None).open(lines.append, PATIENCE)
            store.link.close()
        finally:
            await link.call("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", 0)
            link.close()
        return lines

    lines = asyncio.run(reported())
    assert len(lines) == warnings
    assert all(
        "removes counts when its memory is full (maxmemory-policy allkeys-lru)" in line for line in lines
    )
