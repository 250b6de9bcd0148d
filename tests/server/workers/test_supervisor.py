"""What the supervisor does with a worker that fails, or that does not respond."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from mockllm.core.matching.rule_index import RuleIndex
from mockllm.scenario.catalog import Catalog
from mockllm.server.app import App
from mockllm.server.control.problem import Problem
from mockllm.server.engine_builder import LoadedRules
from mockllm.server.workers import supervisor as module
from mockllm.server.workers.channel import CallFailed, Channel
from mockllm.server.workers.group_engine_state import GroupEngineState
from mockllm.server.workers.supervisor import Supervisor
from mockllm.server.workers.worker_handle import WorkerHandle
from mockllm.server.workers.worker_settings import WorkerSettings
from mockllm.state.shared_counts import SharedCounts
from tests.server.fake_engine import FakeEngine
from tests.waiting import PATIENCE

FAILS = CallFailed("it has failed")


class Process:
    """A process that ends when it is killed."""

    def __init__(self) -> None:
        self._killed = asyncio.Event()
        self.pid = 1

    def kill(self) -> None:
        self._killed.set()

    async def wait(self) -> int:
        await self._killed.wait()
        return -9


class Orders(Channel):
    """Notes the orders. `act` obeys them."""

    def __init__(self, act: Callable[[str], Awaitable[None]]) -> None:
        super().__init__({})
        self._act = act
        self.obeyed: list[str] = []

    async def call(self, name: str, *values: object) -> object:
        await self._act(name)
        self.obeyed.append(name)
        return None


async def obey(name: str) -> None:
    """Succeed at once."""


async def hang(name: str) -> None:
    await asyncio.Event().wait()


class Group:
    """A supervisor of workers, usually one. `acts` are what its processes do, in their order; the last ones obey."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *acts: Callable[[str], Awaitable[None]], workers: int = 1
    ) -> None:
        self._acts = [*acts]
        self.said: list[str] = []
        self.started: list[WorkerHandle] = []
        self.state = GroupEngineState(SharedCounts())
        settings = cast(WorkerSettings, {})
        self.supervisor = Supervisor(
            App(FakeEngine({})), self.state, [[]] * workers, settings, self.said.append
        )
        monkeypatch.setattr(module, "start_worker", self._start)

    async def _start(self, index: int, serial: int, *_: object) -> WorkerHandle:
        worker = WorkerHandle(index, serial, cast(Any, Process()))
        worker.channel = Orders(self._acts.pop(0) if self._acts else obey)
        self.started.append(worker)
        return worker

    async def serve(self) -> Orders:
        """Start the worker. Return its orders."""
        rules = cast(LoadedRules, ())
        await self.supervisor.start(Catalog((), 0, RuleIndex([])), rules)
        return self.orders

    @property
    def orders(self) -> Orders:
        """Those of the last process."""
        channel = self.started[-1].channel
        assert isinstance(channel, Orders)
        return channel


def changed(group: Group, name: str) -> None:
    """End a session, or reset all state."""
    if name == "forget_sessions":
        group.state.end("one")
    else:
        group.state.reset()


@pytest.mark.parametrize("order", ["forget_sessions", "reset_state"])
def test_order_that_a_worker_has_not_obeyed_is_repeated(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    failures = [FAILS]

    async def fail_once(name: str) -> None:
        if name == order and failures:
            raise failures.pop()

    async def act() -> None:
        orders = await group.serve()
        changed(group, order)
        with pytest.raises(Problem):
            await group.supervisor.conclude()
        orders.obeyed.clear()
        for _ in range(2):
            await group.supervisor.conclude()
        assert orders.obeyed == [order]

    group = Group(monkeypatch, fail_once)
    asyncio.run(act())


@pytest.mark.parametrize("order", ["forget_sessions", "reset_state"])
def test_change_during_an_order_is_the_next_order(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    again = [True]

    async def change_once(name: str) -> None:
        if name == order and again:
            again.clear()
            changed(group, order)

    async def act() -> None:
        orders = await group.serve()
        changed(group, order)
        for _ in range(3):
            await group.supervisor.conclude()
        assert orders.obeyed.count(order) == 2

    group = Group(monkeypatch, change_once)
    asyncio.run(act())


def test_replacement_that_does_not_respond_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PREPARE_TIME", 0.01)
    monkeypatch.setattr(module, "SHORT_LIFE", 0.0)
    begun = asyncio.Event()

    async def begin(name: str) -> None:
        begun.set()

    async def act() -> None:
        await group.serve()
        group.started[0].process.kill()
        await begun.wait()
        await group.supervisor.conclude()
        assert group.started[2].serves
        assert "worker 1 does not start: it does not respond" in group.said

    group = Group(monkeypatch, obey, hang, begin)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


def test_call_during_a_long_start_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_TIME", 0.01)
    monkeypatch.setattr(module, "SHORT_LIFE", 0.0)
    begun = asyncio.Event()

    async def begin(name: str) -> None:
        begun.set()
        await hang(name)

    async def act() -> None:
        await group.serve()
        group.started[0].process.kill()
        await begun.wait()
        group.state.end("one")
        with pytest.raises(Problem) as problem:
            await group.supervisor.conclude()
        assert (problem.value.status, "takes long" in problem.value.body.detail) == (503, True)
        assert group.state.ended == ["one"]

    group = Group(monkeypatch, obey, begin)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


def test_first_start_ends_when_each_worker_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    released = asyncio.Event()
    ends: list[str] = []

    async def fail(name: str) -> None:
        raise FAILS

    async def obey_late(name: str) -> None:
        await released.wait()
        ends.append(name)

    async def act() -> None:
        asyncio.get_running_loop().call_later(0.01, released.set)
        with pytest.raises(CallFailed, match="it has failed"):
            await group.serve()
        assert ends == ["prepare", "set_time_scales", "commit"]

    group = Group(monkeypatch, fail, obey_late, workers=2)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))
