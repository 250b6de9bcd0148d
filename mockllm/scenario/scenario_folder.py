"""The files of a folder of scenarios, the files that they may refer to, and whether any of them changed.

Files whose names begin with a dot are never read. This is how ConfigMaps work: their visible names are links
into a hidden `..data`, which is replaced as a whole.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

from mockllm.scenario.diagnostics import nearest
from mockllm.scenario.source_file import MAX_FILE_SIZE

MANIFEST: Final = "pack.yaml"
MAX_FOLDER_DEPTH: Final = 64
"""Maximum depth of nested folders."""
SUFFIXES: Final = (".yaml", ".yml")
_NEARLY: Final = re.compile(r"\.ya?ml(\.txt)?\Z", re.IGNORECASE)
"""The suffixes, and those that a user may take for them: editors and other systems write them."""
UNDECODED: Final = re.compile("[\udc80-\udcff]")
"""What Python reads in place of the bytes of a name that are not UTF-8. Neither headers nor JSON can contain it."""


def is_pack(folder: Path) -> bool:
    """Return whether a folder is a pack. One without rights is none; reading its files reports the error."""
    return os.path.isfile(folder / MANIFEST)


def scenario_files(folder: Path) -> list[str]:
    """Return the scenario files of a folder, at any depth, by path (with slashes, relative to the folder).
    Packs in subfolders are left out: they are loaded where they are used."""
    return listed_files(folder)[0]


def has_scenario_files(folder: Path) -> bool:
    """Return whether a folder exists with a scenario file; also if it cannot be read, as loading reports."""
    try:
        return folder.is_dir() and bool(scenario_files(folder))
    except OSError:
        return True


def listed_files(folder: Path) -> tuple[list[str], list[str]]:
    """Return the scenario files of a folder, and the files that are none because of their name alone. These are files
    such as `a.YAML` and `a.yaml.txt`, and those whose name is not UTF-8."""
    found = sorted(_files(folder, "", (os.path.realpath(folder),)))
    misnamed = [name for name in found if not name.endswith(SUFFIXES) or UNDECODED.search(name)]
    return sorted(set(found).difference(misnamed)), misnamed


def _files(folder: Path, prefix: str, above: tuple[str, ...]) -> Iterator[str]:
    if len(above) > MAX_FOLDER_DEPTH:
        raise OSError(errno.ELOOP, f"more than {MAX_FOLDER_DEPTH} folders below each other", str(folder))
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                real = os.path.realpath(entry.path)
                below = Path(entry.path)
                if real not in above and not is_pack(below):  # a link to a folder above would never end
                    yield from _files(below, f"{prefix}{entry.name}/", (*above, real))
            elif _NEARLY.search(entry.name) and (prefix or entry.name != MANIFEST):
                yield f"{prefix}{entry.name}"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder. A link that leads to itself is none; reading it as a file reports
    the error."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def linked_folders(folder: Path, files: list[str]) -> set[str]:
    """Return the folders outside of this one that contain its files because a folder is a link, and which must be
    watched too. The folder of a file that is a link itself is none: it may be the whole disk."""
    home = os.path.realpath(folder)
    real = {os.path.realpath((folder / file).parent) for file in files}
    return {path for path in real if not within(path, home)}


def within(path: str, folder: str) -> bool:
    """Return whether a path is the folder or below it; both are real paths."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def read_bytes(path: str) -> bytes:
    """Return a file's bytes; of a file that is too large, only enough to detect that. A pipe or device is not
    waited for."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb") as file:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a file, but a pipe or a device", path)
        return file.read(MAX_FILE_SIZE + 1)


def unreadable(path: str, error: OSError) -> str:
    """Return why a file cannot be read, in words."""
    if isinstance(error, FileNotFoundError) and os.path.islink(path):
        return f"it is a link to {os.readlink(path)}, which does not exist"
    return f"cannot be read: {error.strerror}"


def path_inside(folder: str, file: str, name: str) -> str:
    """Return the path of the file that `file` (a path below `folder`) names, relative to itself. Raise ValueError,
    with a message for users, if it is outside of `folder`. Nothing is read: the message must not tell what exists."""
    path = os.path.normpath(os.path.join(folder, os.path.dirname(file), name))
    if os.path.isabs(name) or not within(path, os.path.normpath(folder)):
        raise ValueError(
            f'"{name}" is outside of the folder; a file can only refer to files beside or below it'
        )
    return path


def read_reference(folder: str, file: str, name: str) -> bytes:
    """Return the bytes of the file that `file` (a path below `folder`) names, relative to itself. Raise
    ValueError, with a message for users, if it does not exist or is outside of `folder`, even by a link."""
    path = path_inside(folder, file, name)
    if not within(os.path.realpath(path), os.path.realpath(folder)):
        raise ValueError(f'"{name}" is a link that leads out of the folder; put a copy of the file there')
    try:
        content = read_bytes(path)
    except OSError as error:
        raise ValueError(_read_failure(path, name, error)) from None
    if len(content) > MAX_FILE_SIZE:
        raise ValueError(f'"{name}" is larger than {MAX_FILE_SIZE // 2**20} MiB')
    return content


def _read_failure(path: str, name: str, error: OSError) -> str:
    if not isinstance(error, FileNotFoundError):
        return f'"{name}" cannot be read: {error.strerror}'
    return f'there is no file "{name}"{meant_path(path, name)}'


def meant_path(path: str, name: str, *, scenarios: bool = False) -> str:
    """Return a suggestion of the nearest name beside a missing path, shown as `name`, or an empty text. `scenarios`
    leaves out files that are not read as scenarios."""
    around = os.path.dirname(path)
    listed = os.path.isdir(around) and os.access(around, os.R_OK)
    names = os.listdir(around) if listed else []
    if scenarios:
        names = [
            each for each in names if each.endswith(SUFFIXES) or os.path.isdir(os.path.join(around, each))
        ]
    near = nearest(os.path.basename(path), names)
    return f'; did you mean "{os.path.join(os.path.dirname(name), near)}"?' if near else ""


LISTING: Final = "*"
"""The name of a watched path that means the names in its folder: a template may name each of them."""
Fingerprint: TypeAlias = frozenset[tuple[str, int, int, int]]
"""Path, size, time of change and inode of each file, links followed."""


def fingerprint(watched: Iterable[str | Path]) -> Fingerprint:
    """Return size, time and inode of the files at the paths and of the scenario files below them, as one value. Other
    files below a folder (a log that the server writes there) do not matter; names that begin with a dot neither.

    A notification of a change may be late, repeated or wrong; comparing fingerprints decides.
    """
    files: set[tuple[str, int, int, int]] = set()
    for path in watched:
        for name in iter_files(path):
            if name != str(path) and not name.endswith(SUFFIXES):
                continue
            with contextlib.suppress(OSError):
                stat = watched_status(name)
                files.add((name, stat.st_size, stat.st_mtime_ns, stat.st_ino))
    return frozenset(files)


def watched_status(path: str) -> os.stat_result:
    """Return the status of a watched file, or for a `LISTING` that of its folder. A link to nothing has the status of
    the link, whose removal is a change. Raise OSError if there is none."""
    if os.path.basename(path) == LISTING:
        path = os.path.dirname(path)
    try:
        return os.stat(path)
    except OSError:
        return os.lstat(path)


def iter_files(path: str | Path) -> Iterator[str]:
    """Yield the path, or all files below it."""
    if os.path.isdir(path):
        for folder, names in walk_folders(path):
            yield from (os.path.join(folder, name) for name in names if not name.startswith("."))
    else:
        yield str(path)


def walk_folders(path: str | Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder with the names of its files; a link that leads back up is followed once only."""
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(path, followlinks=True):
        with contextlib.suppress(OSError):
            stat = os.stat(folder)
            if (stat.st_dev, stat.st_ino) in seen:
                folders.clear()
                continue
            seen.add((stat.st_dev, stat.st_ino))
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield folder, names
