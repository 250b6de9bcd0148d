"""What is written is whole or not there: interrupted, on a full disk, and in place of what was there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mockllm.packing import atomic_store
from mockllm.packing.atomic_store import drop, put_file, put_tree
from mockllm.scenario.pack_files import PackFiles, PackRejected, read_tree
from tests.packing.pack_files import all_files, pack, run, write


def tree(**files: bytes) -> PackFiles:
    built = PackFiles()
    for name, content in files.items():
        built.add(f"{name}.yaml", content)
    return built


def fails(monkeypatch: pytest.MonkeyPatch, error: BaseException, after: int) -> None:
    """Lets the disk break down after so many files."""
    written = atomic_store._write
    count = 0

    def write_(path: Path, content: bytes) -> None:
        nonlocal count
        count += 1
        if count > after:
            path.write_bytes(content[:1])  # half a file
            raise error
        written(path, content)

    monkeypatch.setattr(atomic_store, "_write", write_)


def test_tree_replaces_another(tmp_path: Path) -> None:
    target = tmp_path / "packs" / "x@1"
    put_tree(tree(a=b"1", b=b"2"), target)
    put_tree(tree(a=b"3"), target)
    assert all_files(tmp_path) == {"packs/x@1/a.yaml"}
    assert (target / "a.yaml").read_bytes() == b"3"
    before = target.stat().st_ino
    put_tree(tree(a=b"3"), target)
    assert target.stat().st_ino == before, "what is there already is not written again"


def test_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "mine", {"a.yaml": "mine"})
    (tmp_path / "x").symlink_to(tmp_path / "mine")
    put_tree(tree(b=b"1"), tmp_path / "x")
    assert all_files(tmp_path) == {"mine/a.yaml", "x/b.yaml"}
    drop(tmp_path / "x", tmp_path)
    (tmp_path / "y").symlink_to(tmp_path / "mine")
    drop(tmp_path / "y", tmp_path)
    assert all_files(tmp_path) == {"mine/a.yaml"}


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()], ids=str
)
@pytest.mark.parametrize("there", [True, False], ids=["over another", "anew"])
def test_partial_tree_is_never_left(
    error: BaseException, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x@1"
    if there:
        put_tree(tree(a=b"old"), target)
    before = all_files(tmp_path)
    fails(monkeypatch, error, after=1)
    with pytest.raises((PackRejected, KeyboardInterrupt)) as raised:
        put_tree(tree(a=b"new", b=b"new", c=b"new"), target)
    if isinstance(error, OSError):
        assert "x@1 cannot be written: No space left on device" in str(raised.value)
    assert all_files(tmp_path) == before
    assert not there or read_tree(target).sha256 == tree(a=b"old").sha256


def test_partial_file_is_never_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_file(b"old", tmp_path / "mockllm.lock")

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PackRejected, match=r"mockllm\.lock cannot be written: No space left on device"):
        put_file(b"new", tmp_path / "mockllm.lock")
    assert all_files(tmp_path) == {"mockllm.lock"}
    assert (tmp_path / "mockllm.lock").read_bytes() == b"old"


def test_failed_rename_leaves_the_old_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x@1"
    put_tree(tree(a=b"old"), target)
    rename, count = os.rename, 0

    def second_fails(one: str, other: str) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise OSError(errno.EACCES, "Permission denied")
        rename(one, other)

    monkeypatch.setattr(os, "rename", second_fails)
    with pytest.raises(PackRejected, match="Permission denied"):
        put_tree(tree(a=b"new"), target)
    assert (target / "a.yaml").read_bytes() == b"old"
    assert all_files(tmp_path) == {"x@1/a.yaml"}


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits there")
def test_full_disk_is_reported_by_the_command(tmp_path: Path) -> None:
    """The limit on the size of files imitates a full disk: the system itself refuses to write."""
    pack(tmp_path / "p")
    write(tmp_path / "p", {"large.txt": "x" * 200_000})
    (tmp_path / "work").mkdir()
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    line = limited + "from mockllm.cli.main import main; main(['pack', 'add', '../p'])"
    done = subprocess.run(
        [sys.executable, "-B", "-c", line], cwd=tmp_path / "work", capture_output=True, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "cannot be written: File too large" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not any("lock" in name or name.endswith(".yaml") for name in all_files(tmp_path / "work"))


def test_read_only_folder_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    built = pack(tmp_path / "p")
    monkeypatch.chdir(write(tmp_path / "work", {".mockllm": "a file where a folder should be"}))
    assert run("pack", "add", built) == 1
    assert "cannot be written: " in capfd.readouterr().err
    assert all_files(tmp_path / "work") == {".mockllm"}
