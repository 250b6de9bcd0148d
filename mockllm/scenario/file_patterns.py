"""Names of files with templates: the files that such a name can be, which are read when the scenarios are loaded.

A template's value has no slash, so that a request cannot leave the folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

FilePattern: TypeAlias = Sequence[str | None]
"""The parts of a name; None is the value of a template."""
MAX_MATCHES: Final = 1000
_VALUE: Final = "\0"


def matching_names(pattern: FilePattern, names: Iterable[str]) -> list[str]:
    """Return the names that fit."""
    fits = _regex("".join(_VALUE if part is None else part for part in pattern)).fullmatch
    return [name for name in names if fits(name)]


def matching_files(folder: str, pattern: FilePattern) -> list[str]:
    """Return the files of a folder whose names, relative to it, fit. Raise ValueError where none does, or more than
    MAX_MATCHES do."""
    *folders, last = _segments(pattern)
    names = _below(folder, _below(folder, [""], *(f"{segment}/" for segment in folders)), last)
    names = [name for name in names if os.path.isfile(os.path.join(folder, name))]
    shown = shown_pattern(pattern)
    if not names:
        raise ValueError(
            f'there is no file "{shown}"; the files that a template can name are read at the start'
        )
    if len(names) > MAX_MATCHES:
        raise ValueError(f'more than {MAX_MATCHES:,} files are "{shown}"')
    return names


def shown_pattern(pattern: FilePattern) -> str:
    """Return the name for a message, with a `*` for each template."""
    return "".join("*" if part is None else part for part in pattern)


def listed_folders(folder: str, pattern: FilePattern) -> list[str]:
    """Return the folders, relative to `folder`, in which a new file or folder may be one that fits. Those without
    any file that fits are among them."""
    above, listed = [""], list[str]()
    for segment in _segments(pattern):
        if _VALUE in segment:
            listed += (name for name in above if os.path.isdir(os.path.join(folder, name)))
        above = _below(folder, above, f"{segment}/")
    return listed[:MAX_MATCHES]


def _segments(pattern: FilePattern) -> list[str]:
    return "".join(_VALUE if part is None else part for part in pattern).split("/")


def _below(folder: str, above: list[str], *segments: str) -> list[str]:
    """Return the entries that fit the segments of a path, a level each. Those of folders end with a slash."""
    for segment in segments:
        end = "/" * segment.endswith("/")
        above = [
            f"{name}{entry}{end}"
            for name in above
            for entry in _entries(os.path.join(folder, name), segment.removesuffix("/"))
        ]
    return above


def _entries(folder: str, segment: str) -> list[str]:
    """Return the entries of a folder that fit a part of a path; those of a part without a template need not exist."""
    if _VALUE not in segment:
        return [segment]
    try:
        entries = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []
    return [name for name in entries if _regex(segment).fullmatch(name)][: MAX_MATCHES + 1]


def _regex(text: str) -> re.Pattern[str]:
    return re.compile("[^/]*".join(map(re.escape, text.split(_VALUE))))
