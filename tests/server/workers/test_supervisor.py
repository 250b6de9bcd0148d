"""What the supervisor does with a worker that fails, or that does not respond."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from mockllm.core.matching.rule_matching import RuleIndex
from mockllm.scenario.catalog import Catalog
from mockllm.server.app import App
from mockllm.server.control.problem import Problem
from mockllm.server.engine_builder import LoadedRules
from mockllm.server.reload import NotChanged
from mockllm.server.workers import restart_pauses, served_reports, worker_handle
from mockllm.server.workers import supervisor as module
from mockllm.server.workers.channel import CallFailed, Channel, ChannelClosed
from mockllm.server.workers.group_engine_state import GroupEngineState
from mockllm.server.workers.supervisor import CannotServe, Supervisor
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


async def fail(name: str) -> None:
    raise FAILS


async def end(name: str) -> None:
    raise ChannelClosed


class Group:
    """A supervisor, of one worker if it has no other `count`. `acts` are what its processes do, in their order; the
    last ones obey."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *acts: Callable[[str], Awaitable[None]], count: int = 1
    ) -> None:
        self._acts = [*acts]
        self.messages: list[str] = []
        self.started: list[WorkerHandle] = []
        self.second = asyncio.Event()
        """Is set when a second process has started."""
        self.refusals = 0
        """For how many processes the system refuses the start."""
        self.state = GroupEngineState(SharedCounts())
        settings = cast(WorkerSettings, {})
        self.supervisor = Supervisor(
            App(FakeEngine({})), self.state, [[]] * count, settings, self.messages.append
        )
        monkeypatch.setattr(module, "start_worker", self._start)

    async def _start(self, index: int, serial: int, *_: object) -> WorkerHandle:
        if self.refusals:
            self.refusals -= 1
            raise REFUSED
        worker = WorkerHandle(index, serial, cast(Any, Process()))
        worker.channel = Orders(self._acts.pop(0) if self._acts else obey)
        self.started.append(worker)
        if len(self.started) > 1:
            self.second.set()
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
    """End a session, reset limits, or reset all state."""
    if name == "end_session":
        group.state.end("one")
    elif name == "reset_limits":
        group.state.reset_limits()
    else:
        group.state.reset()


@pytest.mark.parametrize("order", ["end_session", "reset_limits", "reset_state"])
def test_order_that_a_worker_has_not_obeyed_is_repeated(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    failures = [FAILS]

    async def fail_once(name: str) -> None:
        if name == order and failures:
            raise failures.pop()

    async def act() -> None:
        orders = await group.serve()
        changed(group, order)
        with pytest.raises(Problem):
            await group.supervisor.conclude(0)
        orders.obeyed.clear()
        for _ in range(2):
            await group.supervisor.conclude(0)
        assert orders.obeyed == [order]

    group = Group(monkeypatch, fail_once)
    asyncio.run(act())


@pytest.mark.parametrize("order", ["end_session", "reset_limits", "reset_state"])
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
            await group.supervisor.conclude(0)
        assert orders.obeyed.count(order) == 2

    group = Group(monkeypatch, change_once)
    asyncio.run(act())


def test_replacement_that_does_not_respond_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PREPARE_TIME", 0.01)
    monkeypatch.setattr(restart_pauses, "SHORT_LIFE", 0.0)
    begun = asyncio.Event()

    async def begin(name: str) -> None:
        begun.set()

    async def act() -> None:
        await group.serve()
        group.started[0].process.kill()
        await begun.wait()
        await group.supervisor.conclude(0)
        assert group.started[2].serves
        assert "worker 1 does not start: it does not respond" in group.messages

    group = Group(monkeypatch, obey, hang, begin)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


def test_call_during_a_long_start_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_TIME", 0.01)
    monkeypatch.setattr(restart_pauses, "SHORT_LIFE", 0.0)
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
            await group.supervisor.conclude(0)
        assert (problem.value.status, "takes long" in problem.value.body.detail) == (503, True)
        assert [name for name, _ in group.state.orders] == ["end_session"]

    group = Group(monkeypatch, obey, begin)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


@pytest.fixture
def quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for reports all the time."""
    monkeypatch.setattr(served_reports, "REPORT_TIME", 0.001)
    monkeypatch.setattr(module, "COLLECT_INTERVAL", 0.001)
    monkeypatch.setattr(restart_pauses, "SHORT_LIFE", 0.0)


@pytest.mark.usefixtures("quick_reports")
def test_hung_worker_is_ended_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def send_no_report(name: str) -> None:
        if name == "report":
            await hang(name)

    async def begin(name: str) -> None:
        begun.set()

    async def act() -> None:
        await group.serve()
        await begun.wait()
        assert group.messages == [
            "worker 1 has sent nothing for 60 s: it is ended",
            "worker 1 was killed by SIGKILL; another one takes its place",
        ]

    group = Group(monkeypatch, send_no_report, begin)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


def test_worker_that_was_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker reports what it serves. The silent one gets one call at a time."""
    reports: list[str] = []

    async def send_no_report(name: str) -> None:
        if name == "report":
            reports.append(name)
            await hang(name)

    async def act() -> None:
        await group.serve()
        silent, other = group.started
        silent.silences = 1
        for _ in range(3):
            await group.supervisor.collect()
        assert isinstance(other.channel, Orders)
        assert (len(reports), other.channel.obeyed.count("report")) == (1, 3)
        assert silent.report_task is not None
        silent.report_task.cancel()

    group = Group(monkeypatch, send_no_report, count=2)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


@pytest.mark.usefixtures("quick_reports")
def test_busy_worker_with_late_reports_is_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = 0
    enough = asyncio.Event()

    async def report_late(name: str) -> None:
        nonlocal reports
        if name == "report":
            reports += 1
            if reports > 3 * served_reports.MAX_SILENCES:
                enough.set()
            group.orders.received += 1  # the result of the report before
            await hang(name)

    async def act() -> None:
        await group.serve()
        await enough.wait()
        assert (len(group.started), group.messages) == (1, [])

    group = Group(monkeypatch, report_late)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


@pytest.mark.parametrize(
    ("fault", "reason"), [(fail, "it has failed"), (end, "it has ended"), (hang, "it does not respond")]
)
def test_start_with_a_worker_that_fails_is_refused(
    monkeypatch: pytest.MonkeyPatch, fault: Callable[[str], Awaitable[None]], reason: str
) -> None:
    monkeypatch.setattr(module, "PREPARE_TIME", 0.01)
    monkeypatch.setattr(worker_handle, "END_TIME", 0.01)
    group = Group(monkeypatch, fault)
    with pytest.raises(CannotServe, match=f"^worker 1 does not start: {reason}$"):
        asyncio.run(asyncio.wait_for(group.serve(), PATIENCE))


def test_worker_that_ends_at_the_start_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end_later(name: str) -> None:
        group.started[0].process.kill()
        for _ in range(10):  # the supervisor sees the end of the process first
            await asyncio.sleep(0)
        raise ChannelClosed

    group = Group(monkeypatch, end_later)
    with pytest.raises(CannotServe, match=r"^worker 1 does not start: it was killed by SIGKILL$"):
        asyncio.run(asyncio.wait_for(group.serve(), PATIENCE))
    assert group.messages == []


def test_worker_that_ends_while_others_start_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart_pauses, "SHORT_LIFE", 0.0)
    begun = asyncio.Event()

    async def end_after_commit(name: str) -> None:
        if name == "commit":
            group.started[0].process.kill()
            for _ in range(10):
                await asyncio.sleep(0)
            assert group.messages == []

    async def begin(name: str) -> None:
        begun.set()

    async def act() -> None:
        await group.serve()
        await begun.wait()
        assert group.messages == ["worker 1 was killed by SIGKILL; another one takes its place"]

    group = Group(monkeypatch, end_after_commit, begin)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


def test_all_workers_that_keep_their_certificate_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_TIME", 0.01)

    def certificate(act: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
        return lambda name: act(name) if name == "load_certificate" else obey(name)

    async def act() -> None:
        await group.serve()
        with pytest.raises(NotChanged, match=r"^worker 1: it has failed; worker 3 does not respond$"):
            await group.supervisor.load_certificate()

    group = Group(monkeypatch, *map(certificate, (fail, obey, hang)), count=3)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


def test_group_without_a_worker_that_can_start_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart_pauses, "SHORT_LIFE", 0.0)

    async def act() -> None:
        failed = asyncio.Event()
        group.supervisor.on_failure = failed.set
        await group.serve()
        group.started[0].process.kill()
        await failed.wait()
        assert group.supervisor.failure == "no worker serves: worker 1 does not start: it has failed"

    group = Group(monkeypatch, obey, fail)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))


REFUSED = OSError(11, "Resource temporarily unavailable")


def test_worker_is_replaced_once_the_system_starts_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act() -> None:
        await group.serve()
        group.refusals = 2
        group.started[0].process.kill()
        await group.second.wait()

    monkeypatch.setattr(restart_pauses, "SHORT_LIFE", 0.0)
    group = Group(monkeypatch)
    asyncio.run(asyncio.wait_for(act(), PATIENCE))
    refused = f"worker 1 does not start: {REFUSED}; the next try is in 0 s"
    assert group.messages == ["worker 1 was killed by SIGKILL; another one takes its place", refused, refused]


def test_refused_process_at_the_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(monkeypatch)
    group.refusals = 1
    with pytest.raises(CannotServe, match=r"worker 1 does not start: .*unavailable"):
        asyncio.run(group.serve())
