"""Puts packs and locks onto the disk: whole or not at all.

Everything is written beside its place under another name and renamed when it is complete, so that what is
interrupted, or a full disk, leaves what was there before.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from mockllm.scenario.pack_files import PackFiles, PackRejected, read_tree


def put_tree(tree: PackFiles, target: Path) -> None:
    """Writes the files of a pack as the folder `target`, in place of what is there. Refused where it cannot."""
    try:
        if target.is_dir() and not target.is_symlink() and _same(tree, target):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
        try:
            made.chmod(0o755)
            for path in sorted(tree.files):
                file = made / path
                file.parent.mkdir(parents=True, exist_ok=True)
                _write(file, tree.files[path])
            _exchange(made, target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise PackRejected(f"{target} cannot be written: {error.strerror or error}") from None


def put_file(content: bytes, target: Path) -> None:
    """Writes a file whole, in place of what is there. Refused where it cannot."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
        os.close(number)
        try:
            _write(Path(name), content)
            os.chmod(name, 0o644)
            os.replace(name, target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise PackRejected(f"{target} cannot be written: {error.strerror or error}") from None


def drop(folder: Path, upto: Path) -> None:
    """Removes a pack's folder, and the empty ones above it below `upto`."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.is_dir():
        shutil.rmtree(folder)
    for above in folder.parents:
        if above == upto or upto not in above.parents or not above.is_dir() or any(above.iterdir()):
            return
        above.rmdir()


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


def _exchange(made: Path, target: Path) -> None:
    if not os.path.lexists(target):
        os.rename(made, target)
        return
    old = Path(tempfile.mkdtemp(prefix=".old-", dir=target.parent)) / "pack"
    try:
        os.rename(target, old)
        try:
            os.rename(made, target)
        except OSError:
            os.rename(old, target)
            raise
    finally:
        if old.is_symlink():
            old.unlink()
        shutil.rmtree(old.parent, ignore_errors=True)
