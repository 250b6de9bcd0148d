"""An app whose engine is rebuilt from a folder of plain files, for the tests of hot reload."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from mockllm.engine import EngineInfo
from mockllm.scenario.diagnostics import StaleSource
from mockllm.server.app import App
from mockllm.server.reload import RebuiltEngine, Reloader
from tests.server.fake_engine import FakeEngine
from tests.waiting import PATIENCE


class World:
    """An app whose engines say how many rules there are: one for each file below the folder."""

    def __init__(self, *watched: Path) -> None:
        self.watched = frozenset(watched)
        self.reported: list[str] = []
        self.warnings: tuple[str, ...] = ()
        self.stale: tuple[StaleSource, ...] = ()
        self.fails: Exception | None = None
        self.delay = 0.0
        self.app = App(self.engine())
        self.reload = Reloader(self.app, self.watched, self.rebuild, self.reported.append)

    def engine(self) -> FakeEngine:
        texts = sorted(
            file.read_text()
            for path in self.watched
            for file in ([path] if path.is_file() else path.rglob("*.yaml"))
            if file.exists() and not any(part.startswith("..") for part in file.relative_to(path).parts)
        )
        return FakeEngine(about=EngineInfo(len(texts), len(texts), tuple(texts), stale=self.stale))

    async def rebuild(self) -> RebuiltEngine:
        await asyncio.sleep(self.delay)
        if self.fails is not None:
            raise self.fails
        return RebuiltEngine(self.engine(), self.watched, self.warnings)

    @property
    def texts(self) -> tuple[str, ...]:
        return self.app.engine.info().rule_paths


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, PATIENCE))


async def until(world: World, *texts: str) -> None:
    while world.texts != texts:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def swap_link(link: Path, target: str) -> None:
    """As Kubernetes does: a new link is renamed over the old."""
    fresh = link.with_name(link.name + "_tmp")
    fresh.symlink_to(target)
    fresh.rename(link)


def config_map(folder: Path) -> None:
    for number in ("1", "2"):
        (folder / f"..{number}").mkdir()
        (folder / f"..{number}" / "a.yaml").write_text(number)
    (folder / "..data").symlink_to("..1")
    (folder / "a.yaml").symlink_to("..data/a.yaml")
