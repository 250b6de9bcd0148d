"""Reads a pack from a zip or a wheel, in memory: nothing is extracted to disk under the archive's names.

The sizes that an archive declares are not trusted: every file is read only up to its bound.
"""

from __future__ import annotations

import configparser
import lzma
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Final

from mockllm.scenario.pack_files import (
    MAX_FILES,
    MAX_PACK_FILE_SIZE,
    MAX_PACK_SIZE,
    PackFiles,
    PackRejected,
    is_ignored,
)
from mockllm.scenario.pack_resolver import ENTRY_POINTS
from mockllm.scenario.scenario_folder import MANIFEST

MOST_ENTRIES: Final = 4 * MAX_FILES
ENTRY: Final = b"PK\x01\x02"
"""The signature of each entry in an archive's directory."""
MAX_RATIO: Final = 200
"""Largest compression ratio of a file above 1 MiB."""
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)


def read_zip(path: Path, inside: str) -> PackFiles:
    """Read the pack in a zip: at its top level, in its only folder, or in the folder `inside`."""
    return _read(path, inside, None)


def read_wheel(path: Path, name: str) -> PackFiles:
    """Read the pack in a wheel by its entry point in the group `mockllm.packs`; of several packs the named one."""
    return _read(path, "", name)


def _read(path: Path, inside: str, name: str | None) -> PackFiles:
    try:
        if path.stat().st_size > 2 * MAX_PACK_SIZE:
            raise PackRejected(f"{path} is larger than a pack can be")
        if _entries(path) > MOST_ENTRIES:  # before the archive is parsed
            raise PackRejected(f"it holds more than {MAX_FILES} files")
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            begin = f"{inside}/" if inside else _begin(entries)
            if name is not None:
                begin = _entry_point_folder(archive, entries, name)
            return _tree(archive, entries, begin)
    except UnicodeDecodeError:
        raise PackRejected(f"{path} cannot be read: the name of a file in it is not UTF-8") from None
    except RuntimeError as error:  # the archive needs a password
        raise PackRejected(f"{path} cannot be read: {error}") from None
    except _BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PackRejected(f"{path} cannot be read: {reason}") from None


def _entries(path: Path) -> int:
    """Return an upper bound of the entries in an archive, by their signature."""
    count, rest = 0, b""
    with path.open("rb") as file:
        while block := file.read(2**20):
            data = rest + block
            count += data.count(ENTRY)
            rest = data[-len(ENTRY) + 1 :]
    return count


def _tree(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], begin: str) -> PackFiles:
    tree = PackFiles()
    for entry in entries:
        path = entry.orig_filename if "\0" in entry.orig_filename else entry.filename
        mode = entry.external_attr >> 16
        outside = not path.startswith(begin)
        if ".." in path.replace("\\", "/").split("/") or path.startswith(("/", "\\")):
            tree.expect(path, 0)  # also outside of the pack: such a name is malicious
        if outside or entry.filename.endswith("/"):  # `is_dir` fails for an empty name
            continue
        path = path.removeprefix(begin)
        if is_ignored(path):
            continue
        if stat.S_ISLNK(mode):
            raise PackRejected(f'"{path}" is a link; put a copy of the file there')
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise PackRejected(f'"{path}" is not a file')
        tree.expect(path, entry.file_size)
        if entry.file_size > 2**20 and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise PackRejected(f'"{path}" is packed more than {MAX_RATIO} times: a zip bomb')
        tree.add(path, _content(archive, entry))
    return tree


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:
        return file.read(MAX_PACK_FILE_SIZE + 1)


def _begin(entries: list[zipfile.ZipInfo]) -> str:
    """Return the prefix of the manifest: none, or the only folder of the archive."""
    if any(entry.filename == MANIFEST for entry in entries):
        return ""
    tops = {entry.filename.partition("/")[0] for entry in entries if not is_ignored(entry.filename)}
    tops.discard("__MACOSX")
    return f"{tops.pop()}/" if len(tops) == 1 else ""


def _entry_point_folder(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str) -> str:
    files = [entry for entry in entries if entry.filename.endswith(".dist-info/entry_points.txt")]
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        for entry in files:
            if entry.file_size > 2**20:
                raise PackRejected("its entry points are larger than a pack can be")
            parser.read_string(_content(archive, entry).decode("utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        raise PackRejected("its entry points cannot be read") from None
    points = dict(parser[ENTRY_POINTS]) if ENTRY_POINTS in parser else {}
    if not points:
        raise PackRejected(f"the wheel names no pack: it has no entry points in the group {ENTRY_POINTS}")
    if len(points) > 1 and name not in points:
        raise PackRejected(f"the wheel contains several packs; add #NAME: {', '.join(sorted(points))}")
    return points.get(name, next(iter(points.values()))).replace(".", "/") + "/"
