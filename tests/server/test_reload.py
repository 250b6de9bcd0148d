"""Hot reload: which changes are seen, and what becomes of them."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from watchfiles import Change

from mockllm.scenario.diagnostics import StaleSource
from mockllm.scenario.scenario_folder import fingerprint
from mockllm.server import reload
from mockllm.server.reload import NotChanged, RebuiltEngine, Reloader, is_relevant, layout
from tests.server.reload_world import World, config_map, run, swap_link, until


def editor(folder: Path) -> None:
    (folder / ".a.yaml.swp").write_text("x")
    (folder / "a.yaml~").write_text("2")
    (folder / "a.yaml~").rename(folder / "a.yaml")


def recreate(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "a.yaml").write_text("2")


def nothing(folder: Path) -> None:
    (folder / "a.yaml").write_text("1")


CHANGES: dict[str, tuple[Callable[[Path], None], Callable[[Path], object], tuple[str, ...]]] = {
    "a file is written": (nothing, lambda folder: (folder / "a.yaml").write_text("2"), ("2",)),
    "a file is added": (nothing, lambda folder: (folder / "b.yaml").write_text("2"), ("1", "2")),
    "a file is removed": (nothing, lambda folder: (folder / "a.yaml").unlink(), ()),
    "an editor renames a temporary file": (nothing, editor, ("2",)),
    "a folder of files moves in": (
        nothing,
        lambda folder: (
            shutil.copytree(folder, folder.parent / "x"),
            (folder.parent / "x").rename(folder / "b"),
        ),
        ("1", "1"),
    ),
    "the folder is made anew": (nothing, recreate, ("2",)),
    "a ConfigMap swaps its link": (config_map, lambda folder: swap_link(folder / "..data", "..2"), ("2",)),
}


@pytest.mark.parametrize(("before", "change", "after"), CHANGES.values(), ids=CHANGES)
def test_is_seen(
    tmp_path: Path, before: Callable[[Path], None], change: Callable[[Path], object], after: tuple[str, ...]
) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    before(folder)

    async def main() -> None:
        world = World(folder)
        running = asyncio.create_task(world.reload.run())
        await asyncio.sleep(0.4)
        assert world.reload.swaps == 0
        change(folder)
        await until(world, *after)
        # And what is changed after that too: the watch was laid anew where it had to be.
        await asyncio.sleep(0.4)
        folder.mkdir(exist_ok=True)
        (folder / "z.yaml").write_text("z")
        await until(world, *after, "z")
        running.cancel()

    run(main())


def test_reload_follows_swapped_link(tmp_path: Path) -> None:
    for number in ("1", "2"):
        (tmp_path / "releases" / number).mkdir(parents=True)
        (tmp_path / "releases" / number / "a.yaml").write_text(number)
    (tmp_path / "current").symlink_to("releases/1")

    async def main() -> None:
        world = World(tmp_path / "current")
        running = asyncio.create_task(world.reload.run())
        await asyncio.sleep(0.4)
        swap_link(tmp_path / "current", "releases/2")
        await until(world, "2")
        await asyncio.sleep(0.4)
        (tmp_path / "releases" / "2" / "a.yaml").write_text("3")
        await until(world, "3")
        running.cancel()

    run(main())


def test_reload_follows_link_to_file_elsewhere(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "a.yaml"
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "a.yaml").symlink_to(target)

    async def main() -> None:
        world = World(tmp_path / "home")
        running = asyncio.create_task(world.reload.run())
        for text in ("1", "2"):
            await asyncio.sleep(0.4)
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
            await until(world, text)
        running.cancel()

    run(main())


def test_reload_watches_single_file_only(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("1")

    async def main() -> None:
        world = World(tmp_path / "a.yaml")
        running = asyncio.create_task(world.reload.run())
        await asyncio.sleep(0.4)
        (tmp_path / "b.yaml").write_text("x")
        os.replace(tmp_path / "b.yaml", tmp_path / "a.yaml")
        await until(world, "x")
        running.cancel()
        assert world.reload.swaps == 1

    run(main())


def test_log_in_watched_folder_reloads_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("1")

    async def main() -> None:
        world = World(tmp_path)
        running = asyncio.create_task(world.reload.run())
        with (tmp_path / "out.log").open("w") as log:
            for number in range(5):
                print(number, file=log, flush=True)
                await asyncio.sleep(0.1)
            assert world.reload.swaps == 0
            (tmp_path / "b.yaml").write_text("2")
            await until(world, "1", "2")
            print("reloaded", file=log, flush=True)
            (tmp_path / "c.yaml").write_text("3")
            await until(world, "1", "2", "3")
        running.cancel()
        assert world.reload.swaps == 2

    run(main())


def test_notice_of_changed_log_is_no_notice(tmp_path: Path) -> None:
    for name in ("out.log", "a.yaml", "named.txt"):
        (tmp_path / name).write_text("1")
    named = frozenset({str(tmp_path / "named.txt")})
    matters = {
        name: is_relevant(Change.modified, str(tmp_path / name), named) for name in os.listdir(tmp_path)
    }
    assert matters == {"out.log": False, "a.yaml": True, "named.txt": True}
    assert is_relevant(Change.deleted, str(tmp_path / "out.log"), named), "it may have been a folder"


def test_unrelated_change_does_not_rebuild(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("1")

    async def main() -> None:
        world = World(tmp_path)
        (tmp_path / ".a.yaml.swp").write_text("x")
        assert not await world.reload.check()
        (tmp_path / "a.yaml").write_text("22")
        assert await world.reload.check()
        assert not await world.reload.check()
        assert world.reported == ["reloaded: 1 rule in 1 file"]

    run(main())


def test_diagnostic_is_printed_once_until_it_changes(tmp_path: Path) -> None:
    async def main() -> None:
        world = World(tmp_path)
        for number, (stale, warnings) in enumerate(
            [
                ((StaleSource("a.yaml", "a.yaml:1:1: no"),), ("w",)),
                ((StaleSource("a.yaml", "a.yaml:1:1: no"),), ("w",)),
                (
                    (
                        StaleSource("a.yaml", "a.yaml:2:1: worse"),
                        StaleSource("b.yaml", "b.yaml:1:1: no", in_use=False),
                    ),
                    (),
                ),
                ((), ("w",)),
            ]
        ):
            world.stale, world.warnings = stale, warnings
            (tmp_path / "a.yaml").write_text(str(number) * (number + 1))
            await world.reload.check()
        assert world.reported == [
            "reloaded: 1 rule in 1 file, 1 stale",
            "a.yaml: its last good version is still in use\na.yaml:1:1: no",
            "warning: w",
            "reloaded: 1 rule in 1 file, 1 stale",
            "reloaded: 1 rule in 1 file, 1 stale, 1 left out",
            "a.yaml: its last good version is still in use\na.yaml:2:1: worse",
            "b.yaml: left out until it is corrected\nb.yaml:1:1: no",
            "reloaded: 1 rule in 1 file",
            "warning: w",
        ]

    run(main())


def test_warning_of_first_load_is_printed_once(tmp_path: Path) -> None:
    async def main() -> None:
        world = World(tmp_path)
        world.reload.report_first_warnings(["old", "w"])
        world.warnings = ("w", "new")
        (tmp_path / "a.yaml").write_text("1")
        await world.reload.check()
        world.reload.report_first_warnings(["old"])
        assert world.reported == ["warning: old", "warning: w", "reloaded: 1 rule in 1 file", "warning: new"]

    run(main())


def test_rules_that_processes_did_not_take_are_tried_again(tmp_path: Path) -> None:
    async def main() -> None:
        world = World(tmp_path)
        (tmp_path / "a.yaml").write_text("1")
        world.fails = NotChanged("worker 2 does not respond")
        assert not await world.reload.check()
        with pytest.raises(NotChanged, match="worker 2 does not respond"):
            await world.reload.reload_now()
        world.fails = None
        assert await world.reload.check()
        assert world.texts == ("1",)
        assert world.reported[:2] == ["not reloaded: worker 2 does not respond"] * 2

    run(main())


def test_failed_build_leaves_engine_until_next_change(tmp_path: Path) -> None:
    async def main() -> None:
        world = World(tmp_path)
        before = world.app.engine
        world.fails = RuntimeError("the child died")
        (tmp_path / "a.yaml").write_text("1")
        assert not await world.reload.check()
        assert world.app.engine is before
        assert world.reported == ["not reloaded: the child died"]
        world.fails = None
        (tmp_path / "a.yaml").write_text("22")
        assert await world.reload.check()
        assert world.texts == ("22",)

    run(main())


def test_long_build_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit would seem to have no effect for as long as many rules are compiled."""
    monkeypatch.setattr(reload, "LONG_BUILD", 0.0)

    async def main() -> None:
        world = World(tmp_path)
        world.delay = 0.05
        (tmp_path / "a.yaml").write_text("1")
        assert await world.reload.check()
        assert world.reported == ["reloading the changed files ...", "reloaded: 1 rule in 1 file"]
        monkeypatch.setattr(reload, "LONG_BUILD", 60.0)
        (tmp_path / "a.yaml").write_text("22")
        assert await world.reload.check()
        assert world.reported[2:] == ["reloaded: 1 rule in 1 file"]

    run(main())


def test_files_of_new_engine_are_watched(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()

    async def main() -> None:
        world = World(first)
        world.watched = frozenset({first, second})
        (first / "a.yaml").write_text("1")
        assert await world.reload.check()
        assert not await world.reload.check()
        (second / "b.yaml").write_text("2")
        assert await world.reload.check()
        assert world.texts == ("1", "2")

    run(main())


FILE_CLOCK_STEP = 0.02
"""Seconds by which the times of files may be late: Linux before 6.13 counts ticks. Real builds take longer."""
CHANGES_DURING_BUILD: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "a new file is written": (lambda folder: (folder / "second" / "b.yaml").write_text("3"), ("1", "3")),
    "the new folder is removed": (lambda folder: shutil.rmtree(folder / "second"), ("1",)),
    "a new file is removed": (lambda folder: (folder / "second" / "b.yaml").unlink(), ("1",)),
    "a known file is written": (lambda folder: (folder / "first" / "a.yaml").write_text("3"), ("2", "3")),
    "a file moves into a known folder": (
        lambda folder: (folder / "old.yaml").rename(folder / "first" / "b.yaml"),
        ("0", "1", "2"),
    ),
    "a known file is removed": (lambda folder: (folder / "first" / "a.yaml").unlink(), ("2",)),
}


@pytest.mark.parametrize(("change", "after"), CHANGES_DURING_BUILD.values(), ids=CHANGES_DURING_BUILD)
def test_change_during_rebuild_is_reloaded(
    tmp_path: Path, change: Callable[[Path], object], after: tuple[str, ...]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    (second / "b.yaml").write_text("2")
    (tmp_path / "old.yaml").write_text("0")

    class Meanwhile(World):
        async def rebuild(self) -> RebuiltEngine:
            self.watched = frozenset({first, second})
            built = await super().rebuild()
            if self.texts == ():
                await asyncio.sleep(FILE_CLOCK_STEP)
                change(tmp_path)
            return built

    async def main() -> None:
        world = Meanwhile(first)
        (first / "a.yaml").write_text("1")
        assert await world.reload.check()
        assert world.texts == ("1", "2")
        assert await world.reload.check()
        assert world.texts == after
        assert not await world.reload.check()

    run(main())


def test_file_removed_during_first_load_is_reloaded(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("1")

    async def main() -> None:
        world = World(tmp_path)
        begun = time.time()
        await asyncio.sleep(FILE_CLOCK_STEP)
        (tmp_path / "a.yaml").unlink()
        reload = Reloader(world.app, world.watched, world.rebuild, world.reported.append, begun)
        assert await reload.check()
        assert world.texts == ()
        assert not await reload.check()

    run(main())


def test_fingerprint_ends_at_circular_link(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("1")
    (tmp_path / "loop").symlink_to(".")
    assert len(fingerprint([tmp_path])) == 1
    assert len(layout([tmp_path])) == 1
    assert fingerprint([tmp_path / "absent"]) == frozenset()


def test_path_missing_since_before_first_load_is_no_change(tmp_path: Path) -> None:
    async def main() -> None:
        world = World(tmp_path)
        await asyncio.sleep(FILE_CLOCK_STEP)
        awaited = {tmp_path / "absent", tmp_path / "none" / "absent"}
        reload = Reloader(world.app, awaited, world.rebuild, world.reported.append, time.time())
        assert not await reload.check()
        assert world.reported == []

    run(main())
