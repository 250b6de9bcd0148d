"""One scenario file as plain Python data, and where each piece of it stands.

Apart from the language: this layer knows positions, not what a rule is, nor (see `reading`) how YAML is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic, Path, path_text

LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes of one scenario file."""

Mark: TypeAlias = "tuple[int, int, Mapping[str, Any] | Sequence[Any] | None]"
"""Where a node stands: packed positions of its key (0: none) and of itself, and the marks of its children."""

COLUMN_BITS: Final = 24


class Position(NamedTuple):
    """Counted from 1, columns in characters."""

    line: int
    column: int


def packed(line: int, column: int) -> int:
    """A position as one small number, so that marks are cheap to keep and to hand to another process."""
    return line << COLUMN_BITS | column


class Source(Struct, frozen=True):
    """`name` is the path as a person knows it. `data` is None where the text could not be read through.
    `digest` is that of the file's bytes: equal digests, equal sources. `fills` says that parameters are still
    to be put in."""

    name: str
    data: Json
    marks: Mark
    mistakes: tuple[Diagnostic, ...] = ()
    digest: str = ""
    fills: bool = False

    def where(self, path: Path, key: bool = False) -> Position:
        """Where the value at `path` stands, or its key. What is not there takes the place of the nearest
        thing around it."""
        there = self.there(path)
        mark = self.mark(there)
        place = mark[0] if key and mark[0] and there == path else mark[1]
        return Position(place >> COLUMN_BITS, place & (1 << COLUMN_BITS) - 1)

    def there(self, path: Path) -> Path:
        """As much of a path as the file has: a short form such as `reply: Hi` has nothing below it."""
        mark = self.marks
        for depth, step in enumerate(path):
            children: Any = mark[2]
            try:
                mark = children[step]
            except (TypeError, LookupError):
                return path[:depth]
        return path

    def mark(self, path: Path) -> Mark:
        """The marks of the value at `path`, which must be there."""
        mark = self.marks
        for step in path:
            children: Any = mark[2]
            mark = children[step]
        return mark

    def mistake(self, path: Path, message: str, key: bool = False) -> Diagnostic:
        """A mistake at `path` of this file."""
        return Diagnostic(self.name, *self.where(path, key), path_text(path), message)


NOTHING: Final = Source("", {}, (0, packed(1, 1), None))


def digest(content: bytes) -> str:
    """What tells one content of a file from another."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
