"""Atomic writes of packs and lockfiles.

Files are written under a temporary name beside the target and renamed when complete. After an interruption or on a
full disk, the old files remain.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mockllm.recordings.atomic_files import write_file
from mockllm.scenario.pack_files import PackFiles, PackRejected, read_tree


def put_tree(tree: PackFiles, target: Path) -> None:
    """Write the files of a pack as the folder `target`, and replace an existing one. Raises PackRejected."""
    try:
        if target.is_dir() and not target.is_symlink() and _same(tree, target):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
        try:
            temporary.chmod(0o755)
            for path in sorted(tree.files):
                file = temporary / path
                file.parent.mkdir(parents=True, exist_ok=True)
                _write(file, tree.files[path])
            _replace(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise PackRejected(f"{target} cannot be written: {error.strerror or error}") from None


def put_file(content: bytes, target: Path) -> None:
    """Write a file, and replace an existing one. Raises PackRejected."""
    try:
        write_file(target, content)
    except OSError as error:
        raise PackRejected(f"{target} cannot be written: {error.strerror or error}") from None


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Lock a folder, so that one process at a time reads and changes a file in it. Where the system or the file
    system has no such lock, nothing is locked."""
    fd = _locked(folder)
    try:
        yield
    finally:
        if fd is not None:
            os.close(fd)


def _locked(folder: Path) -> int | None:
    """Return the descriptor of a folder that this process has locked, as soon as no other one has."""
    try:
        from fcntl import LOCK_EX, flock  # POSIX only

        fd = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    with suppress(OSError):
        flock(fd, LOCK_EX)
    return fd


def drop(folder: Path, upto: Path) -> None:
    """Remove a pack's folder, and its empty parents below `upto`."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.is_dir():
        shutil.rmtree(folder)
    for parent in folder.parents:
        if parent == upto or upto not in parent.parents or not parent.is_dir() or any(parent.iterdir()):
            return
        parent.rmdir()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _same(tree: PackFiles, target: Path) -> bool:
    try:
        return read_tree(target).sha256 == tree.sha256
    except PackRejected:
        return False


def _replace(new: Path, target: Path) -> None:
    if not os.path.lexists(target):
        os.rename(new, target)
        return
    old = Path(tempfile.mkdtemp(prefix=".old-", dir=target.parent)) / "pack"
    try:
        os.rename(target, old)
        try:
            os.rename(new, target)
        except OSError:
            os.rename(old, target)
            raise
    finally:
        if old.is_symlink():
            old.unlink()
        shutil.rmtree(old.parent, ignore_errors=True)
