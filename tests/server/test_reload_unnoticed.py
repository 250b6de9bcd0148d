"""Hot reload where the system's notices of changes do not come: the reloader looks at the files itself."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.server.reload_world import World, run, until


def test_reload_polls_files_without_notifications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_notices(paths: Collection[str], *, recursive: bool) -> None:
        raise OSError("too many watches")

    monkeypatch.setattr("mockllm.server.reload.notices", no_notices)
    monkeypatch.setattr("mockllm.server.reload.POLL", 0.01)

    async def main() -> None:
        world = World(tmp_path)
        running = asyncio.create_task(world.reload.run())
        (tmp_path / "a.yaml").write_text("1")
        await until(world, "1")
        running.cancel()
        assert any("too many watches" in line for line in world.reported)

    run(main())


class Deaf:
    """Watches that never notice anything."""

    def __call__(self, paths: Collection[str], *, recursive: bool) -> Deaf:
        return self

    def __aiter__(self) -> Deaf:
        return self

    async def __anext__(self) -> None:
        await asyncio.Event().wait()


def test_safety_poll_sees_missed_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.server.reload.notices", Deaf())
    monkeypatch.setattr("mockllm.server.reload.SAFETY", 0.05)
    monkeypatch.setattr("mockllm.server.reload.WATCH_ACTIVE_AFTER", 0.0)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text("1")

    async def main() -> None:
        world = World(tmp_path)
        running = asyncio.create_task(world.reload.run())
        await asyncio.sleep(0.2)
        shutil.rmtree(tmp_path / "deep")
        await until(world)
        (tmp_path / "b.yaml").write_text("2")
        await until(world, "2")
        running.cancel()

    run(main())


def test_reload_waits_for_missing_folder(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "a.yaml").write_text("1")

    async def main() -> None:
        world = World(folder)
        running = asyncio.create_task(world.reload.run())
        await asyncio.sleep(0.4)
        folder.rename(tmp_path / "old")
        await until(world)
        await asyncio.sleep(0.4)
        (tmp_path / "old").rename(folder)
        await until(world, "1")
        (folder / "b.yaml").write_text("2")
        await until(world, "1", "2")
        running.cancel()

    run(main())
