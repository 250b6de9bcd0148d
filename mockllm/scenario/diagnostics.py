"""Errors and warnings about scenario files: where, what was found, what was expected, what to do.

Diagnostics can be pickled: a reload finds them in another process.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.display import counted
from mockllm.core.json.codec import Json

Path: TypeAlias = "tuple[str | int, ...]"
"""Keys and indices from the top of a file to one of its values."""

MAX_PATH_LENGTH: Final = 300
"""Characters of a path that is shown."""
MAX_LISTED_VALUES: Final = 16
"""A message lists at most this number of values to choose from."""
MAX_DIAGNOSTICS: Final = 1_000
"""Mistakes of one file that are listed."""
MAX_COMPARISONS: Final = 100_000
"""Comparisons of names for suggestions in one load of files, which take some 0.5 s."""
MAX_NAME_LENGTH: Final = 200
"""Longer names have no suggestions."""
_comparisons_left: ContextVar[list[int] | None] = ContextVar("comparisons left", default=None)
_PLAIN_KEY: Final = re.compile(r"[^\W\d][\w-]*\Z")
_STEP: Final = re.compile(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.\[]+)')
_ESCAPED: Final = re.compile(r"\\(.)")


class Diagnostic(Struct, frozen=True, order=True):
    """An error or warning. `line` and `column` count from 1; line 0 means that there is no file, as for an option."""

    file: str
    line: int
    column: int
    path: str
    message: str
    refused: bool = False
    """Whether `mockllm check` refuses what the server only warns of."""

    def members(self) -> dict[str, Json]:
        """Return what JSON outputs show of it."""
        return {name: getattr(self, name) for name in ("file", "line", "column", "path", "message")}

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        path = self.path if len(self.path) <= MAX_PATH_LENGTH else f"{self.path[: MAX_PATH_LENGTH - 1]}…"
        return readable(": ".join(part for part in (place, path, self.message) if part))


def first_diagnostics(diagnostics: Sequence[Diagnostic]) -> Sequence[Diagnostic]:
    """Return the first mistakes of each file, with their number in place of the rest."""
    if len(diagnostics) <= MAX_DIAGNOSTICS:
        return diagnostics
    by_file: dict[str, list[Diagnostic]] = {}
    for each in diagnostics:
        by_file.setdefault(each.file, []).append(each)
    listed: list[Diagnostic] = []
    for file, found in by_file.items():
        first, rest = sorted(found)[:MAX_DIAGNOSTICS], sorted(found)[MAX_DIAGNOSTICS:]
        listed += first
        if rest:
            text = f"and {counted(len(rest), 'more mistake')}"
            listed.append(Diagnostic(file, rest[0].line, rest[0].column, "", text))
    return listed


class StaleSource(Struct, frozen=True):
    """A file or folder that could not be reloaded. `reason` is its errors, one in a line. `in_use` is whether
    its last good version is still in use; without such a version it is left out."""

    file: str
    reason: str
    in_use: bool = True

    @property
    def outcome(self) -> str:
        """Return the effect on the served rules as a text."""
        return "its last good version is still in use" if self.in_use else "left out until it is corrected"


def readable(text: str) -> str:
    """Return a text that is safe for a terminal: control characters of others' files are escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)


def readable_line(text: str) -> str:
    """Return a text as `readable` does, in one line."""
    return readable(text).replace("\n", "\\n")


def unexpected(error: Exception) -> str:
    """Return the message for an error that no check of a file has found."""
    return f"cannot be used: {type(error).__name__}: {error}; please report this"


def path_text(path: Path) -> str:
    """Return a path as a text: `rules[2].match.body["$.a"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.match(step):
            text += f".{step}" if text else step
        else:
            quoted = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


def parse_path(text: str) -> Path:
    """Return the path that `path_text` wrote."""
    return tuple(
        int(index) if index else _ESCAPED.sub(r"\1", quoted) if quoted else key
        for index, quoted, key in _STEP.findall(text)
    )


def value_at(data: Json, path: Path) -> Json:
    """Return the value at a path, which must exist."""
    for step in path:
        data = data[step]
    return data


@contextmanager
def limited_suggestions(comparisons: int = MAX_COMPARISONS) -> Iterator[None]:
    """Within it, `nearest` makes at most this number of comparisons, and then suggests nothing: files of others
    may have any number of mistakes."""
    token = _comparisons_left.set([comparisons])
    try:
        yield
    finally:
        _comparisons_left.reset(token)


def suggestions_are_left() -> bool:
    """Return whether `nearest` still compares names."""
    left = _comparisons_left.get()
    return left is None or left[0] > 0


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the most similar of some names, or None if none is similar enough."""
    left = _comparisons_left.get() or [sys.maxsize]
    if len(name) > MAX_NAME_LENGTH or left[0] <= 0:
        return None
    known = {known_name.lower(): known_name for known_name in islice(names, left[0])}
    left[0] -= len(known)
    from difflib import get_close_matches  # imported only when a message is built

    matches = get_close_matches(name.lower(), known, n=1, cutoff=0.7)
    if not matches and len(name) >= 3:
        matches = [key for key in known if key.startswith(name.lower())]
    return known[matches[0]] if matches else None


def suggestion(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean "model"?`, or the names to choose from if none is similar and the list is short,
    or an empty text."""
    names = list(names)
    near = nearest(name, names)
    if near is not None:
        return f'; did you mean "{near}"?'
    return f"; expected {quoted_choice(names)}" if 0 < len(names) <= MAX_LISTED_VALUES else ""


def quoted_choice(values: Iterable[object]) -> str:
    """Return `"a", "b" or "c"`: texts are quoted, other values are written as in YAML."""
    return or_list(quoted_values(values))


def quoted_values(values: Iterable[object]) -> list[str]:
    """Return each value as it is written in YAML, with texts in quotes."""
    return [f'"{value}"' if isinstance(value, str) else scalar_text(value) for value in values]


def or_list(parts: Iterable[str]) -> str:
    """Return `a, b or c`."""
    *first, last = parts
    return f"{', '.join(first)} or {last}" if first else last


def scalar_text(value: object) -> str:
    """Return a value as YAML writes it."""
    return (
        {None: "null", True: "true", False: "false"}[value] if isinstance(value, bool | None) else str(value)
    )
