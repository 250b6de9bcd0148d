"""The start of a supervisor, before its workers serve."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mockllm.cli.option import BadOption
from mockllm.cli.serve_workers import ServedGroup, _run_group, _supervise, _tell_certificate
from mockllm.core.matching.rule_matching import RuleIndex
from mockllm.scenario.catalog import Catalog
from mockllm.server.control.api import ControlApi
from mockllm.server.engine_builder import LoadedRules
from mockllm.server.reload import NotChanged
from mockllm.server.server_signals import ServerSignals
from mockllm.server.workers.supervisor import CannotServe
from tests.waiting import PATIENCE


class Group:
    """A supervisor during whose start SIGHUP reloads the files."""

    def __init__(self) -> None:
        self.changed = 0
        self.failure = ""
        self.builder = SimpleNamespace(rules=LoadedRules(), activate=None)
        control = ControlApi.__new__(ControlApi)
        control.context = cast(Any, SimpleNamespace(editor=None))
        app = SimpleNamespace(start=lambda: None, control=control, limits=SimpleNamespace(grace=1.0))
        self.served = ServedGroup(
            app=cast(Any, app), catalog=Catalog((), 0, RuleIndex([])), builder=cast(Any, self.builder),
            state=cast(Any, None), supervisor=cast(Any, self), settings=cast(Any, {}), store=None,
            reload=None, admin_server=None, ready=lambda: None, tasks=self.tasks,
        )  # fmt: skip

    async def tasks(self) -> None: ...

    async def start(self, catalog: Catalog, rules: LoadedRules) -> None:
        if self.builder.activate is not None:
            await self.builder.activate(catalog, rules)

    async def change(self, catalog: Catalog, rules: LoadedRules) -> None:
        self.changed += 1

    async def stop(self, *, at_once: asyncio.Event) -> None: ...


def test_reload_during_the_start_reaches_the_workers() -> None:
    async def supervised() -> None:
        signals = ServerSignals()
        signals.stopping.set()
        async with asyncio.timeout(PATIENCE):
            await _supervise(group.served, signals)

    group = Group()
    asyncio.run(supervised())
    assert group.changed == 1


class Store:
    """A store, its link and what opens it. Notes what is done with it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.link = self
        self.replica = 7

    async def open(self, *_: object) -> Store:
        return self

    def release_replica(self, replica: int) -> None:
        self.done.append(f"released {replica}")

    def close(self) -> None:
        self.done.append("closed")


def test_start_that_fails_releases_the_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    group, store = Group(), Store()
    group.served.store = cast(Any, store)
    group.served.state = cast(Any, SimpleNamespace(store=None))
    group.served.settings = cast(Any, {"values": {"store_wait": 1.0}})

    async def fail(*_: object) -> None:
        raise CannotServe("worker 1 does not start")

    monkeypatch.setattr(group, "start", fail)
    with pytest.raises(CannotServe):
        asyncio.run(asyncio.wait_for(_run_group(group.served), PATIENCE))
    assert store.done == ["released 7", "closed"]


def test_certificate_of_other_workers_changes_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise NotChanged("worker 2 does not respond")

    group = Group()
    monkeypatch.setattr(group, "load_certificate", fail, raising=False)
    with pytest.raises(BadOption, match=r"^worker 2 does not respond; all other workers use the new one$"):
        asyncio.run(_tell_certificate(group.served))
