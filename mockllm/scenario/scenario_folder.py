"""Which files a folder of scenarios holds, and the files that they may refer to.

Apart from what is in them. A file that begins with a dot is never read, which is how ConfigMaps work: their
visible names are links into a hidden `..data`, which is swapped as a whole.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mockllm.scenario.diagnostics import nearest
from mockllm.scenario.source_file import LARGEST_FILE

MANIFEST: Final = "pack.yaml"
DEEPEST: Final = 64
"""So many folders may lie below each other."""
SUFFIXES: Final = (".yaml", ".yml")


def is_pack(folder: Path) -> bool:
    """Whether a folder is a pack."""
    return (folder / MANIFEST).is_file()


def scenario_files(folder: Path) -> list[str]:
    """The scenario files of a folder, below it at any depth, by path (with slashes, relative to it). Packs in
    subfolders are left out: they are loaded where they are used."""
    return sorted(_files(folder, "", (os.path.realpath(folder),)))


def _files(folder: Path, prefix: str, above: tuple[str, ...]) -> Iterator[str]:
    if len(above) > DEEPEST:
        raise OSError(errno.ELOOP, f"more than {DEEPEST} folders below each other", str(folder))
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                real = os.path.realpath(entry.path)
                below = Path(entry.path)
                if real not in above and not is_pack(below):  # a link to a folder above would never end
                    yield from _files(below, f"{prefix}{entry.name}/", (*above, real))
            elif entry.name.endswith(SUFFIXES) and (prefix or entry.name != MANIFEST):
                yield f"{prefix}{entry.name}"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """A link that leads to itself is none: whoever reads it as a file is told so."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def linked_from(folder: Path, files: list[str]) -> set[str]:
    """The folders outside of this one that files in it are links into: they are to be watched too."""
    home = os.path.realpath(folder)
    real = {os.path.dirname(os.path.realpath(folder / file)) for file in files}
    return {found for found in real if not within(found, home)}


def within(path: str, folder: str) -> bool:
    """Whether a path is the folder or below it; both are real paths."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def read_bytes(path: str) -> bytes:
    """A file's bytes; of one that is too large, only enough to see that it is. A pipe or device is not waited
    for."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb") as file:
        mode = os.fstat(number).st_mode
        if not stat.S_ISREG(mode):
            reason = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
            words = os.strerror(reason) if stat.S_ISDIR(mode) else "it is no file, but a pipe or a device"
            raise OSError(reason, words, path)
        return file.read(LARGEST_FILE + 1)


def read_reference(folder: str, file: str, name: str) -> bytes:
    """The bytes of the file that `file` (a path below `folder`) calls `name`, relative to itself. ValueError,
    with a person's message, where there is none or it lies outside of `folder`, also by a link."""
    beside = os.path.dirname(os.path.join(folder, file))
    path = os.path.normpath(os.path.join(beside, name))
    if os.path.isabs(name) or not within(path, os.path.normpath(folder)):
        raise ValueError(
            f'"{name}" lies outside of the folder; a file can only refer to files beside or below it'
        )
    if not within(os.path.realpath(path), os.path.realpath(folder)):
        raise ValueError(f'"{name}" is a link that leads out of the folder; put a copy of the file there')
    try:
        content = read_bytes(path)
    except OSError as error:
        raise ValueError(_unread(path, name, error)) from None
    if len(content) > LARGEST_FILE:
        raise ValueError(f'"{name}" is larger than {LARGEST_FILE // 2**20} MiB')
    return content


def _unread(path: str, name: str, error: OSError) -> str:
    if not isinstance(error, FileNotFoundError):
        return f'"{name}" cannot be read: {error.strerror}'
    around = os.path.dirname(path)
    near = nearest(os.path.basename(path), os.listdir(around) if os.path.isdir(around) else ())
    meant = f'; did you mean "{os.path.join(os.path.dirname(name), near)}"?' if near else ""
    return f'there is no file "{name}"{meant}'
