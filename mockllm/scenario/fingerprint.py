"""Whether files have changed: size, time and place of every file at or below some paths, as one value.

A hint that something changed may come late, twice or for nothing; this decides.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

Fingerprint: TypeAlias = frozenset[tuple[str, int, int, int]]
"""Path, size, time of change and inode of each file, links followed."""


def fingerprint(watched: Iterable[str | Path]) -> Fingerprint:
    """Of every file there is at or below the paths; what begins with a dot is passed over."""
    found: set[tuple[str, int, int, int]] = set()
    for path in watched:
        for name in files_of(path):
            with contextlib.suppress(OSError):
                stat = os.stat(name)
                found.add((name, stat.st_size, stat.st_mtime_ns, stat.st_ino))
    return frozenset(found)


def files_of(path: str | Path) -> Iterator[str]:
    """The path, or all files below it."""
    if os.path.isdir(path):
        for folder, names in walk(path):
            yield from (os.path.join(folder, name) for name in names if not name.startswith("."))
    else:
        yield str(path)


def walk(path: str | Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder with the names of its files; a link that leads back up is not followed for ever."""
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
