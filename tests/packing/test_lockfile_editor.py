"""The lockfile where several commands change it at the same time."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

from mockllm.packing.atomic_store import one_writer
from mockllm.packing.lockfile_editor import LockfileEditor
from mockllm.scenario.lockfile import read_lock
from tests.packing.pack_files import pack


def test_two_commands_at_once_lock_both_packs(tmp_path: Path) -> None:
    path = str(tmp_path / "mockllm.lock")
    editors = [LockfileEditor(path) for _ in range(2)]
    for editor, name in zip(editors, ("team/x", "team/y"), strict=True):
        editor.add([editor.root(str(pack(tmp_path / name, name)))])
    assert sorted(read_lock(path).packs) == ["team/x", "team/y"]
    LockfileEditor(path).remove("team/x")
    editors[0].add([editors[0].root(str(pack(tmp_path / "z", "team/z")))])
    assert sorted(read_lock(path).packs) == ["team/y", "team/z"]
    assert list(editors[0].missing()) == []


def test_changes_of_the_lockfile_take_turns(tmp_path: Path) -> None:
    begun = Event()
    ended: list[str] = []

    def change() -> None:
        begun.set()
        with one_writer(tmp_path):
            ended.append("second")

    with one_writer(tmp_path):
        thread = Thread(target=change)
        thread.start()
        assert begun.wait(60)
        ended.append("first")
    thread.join(60)
    assert ended == ["first", "second"]
