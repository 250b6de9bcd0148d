"""One scenario file as plain Python data, with the position of every value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic, Path, path_text, scalar_text, value_at

MAX_FILE_SIZE: Final = 16 * 1024 * 1024
"""Maximum number of bytes of one scenario file."""
MAX_ALIAS_VALUES: Final = 100_000
"""Values that aliases may repeat in one file."""

Mark: TypeAlias = "tuple[int, int, dict[str, Mark] | list[Mark] | None]"
"""The position of a node: the packed positions of its key (0: none) and of itself, and the marks of its children."""

COLUMN_BITS: Final = 24
_QUOTED: Final = (
    r'(?<=write "){shown}(?=")|(?<=write \[){shown}(?=\])|(?<=found ){shown}\b|(?<=number ){shown}\b'
)
"""The places of a value in a message."""


class Position(NamedTuple):
    """A position, counted from 1; columns count characters."""

    line: int
    column: int


def pack_position(line: int, column: int) -> int:
    """Return a position as one small integer, which is cheap to store and to send to another process."""
    return line << COLUMN_BITS | column


def child_mark(mark: Mark, step: str | int) -> Mark:
    """Return the mark of a child. Raise LookupError if there is no such child."""
    children = mark[2]
    if isinstance(children, dict) and isinstance(step, str):
        member: Mark = children[step]  # mypy infers Any for the children of a recursive type
        return member
    if isinstance(children, list) and isinstance(step, int):
        item: Mark = children[step]
        return item
    raise LookupError(step)


class Source(Struct, frozen=True):
    """A file that was read. `name` is its path as the user wrote it. `data` is None if the text could not be
    read to its end. `digest` is that of the file's bytes: equal digests, equal sources. `has_params` is
    whether parameters still have to be substituted."""

    name: str
    data: Json
    marks: Mark
    diagnostics: tuple[Diagnostic, ...] = ()
    digest: str = ""
    has_params: bool = False
    written: Mapping[int, str] = field(default_factory=dict)
    """By position, the texts of numbers and truths that are not written as `scalar_text` writes their values."""
    blocks: Mapping[int, str] = field(default_factory=dict)
    """By position, the lines of block scalars with a template, below the line that begins them."""

    def position(self, path: Path, key: bool = False) -> Position:
        """Return the position of the value at `path`, or of its key. A missing value has the position of its
        nearest parent."""
        depth, mark = self._nearest(path)
        place = mark[0] if key and mark[0] and depth == len(path) else mark[1]
        return Position(place >> COLUMN_BITS, place & (1 << COLUMN_BITS) - 1)

    def existing_path(self, path: Path) -> Path:
        """Return the part of a path that exists in the file: a short form such as `reply: Hi` has nothing
        below it."""
        return path[: self._nearest(path)[0]]

    def _nearest(self, path: Path) -> tuple[int, Mark]:
        """Return how many steps of a path exist, and the mark of the last one."""
        mark = self.marks
        for depth, step in enumerate(path):
            try:
                mark = child_mark(mark, step)
            except LookupError:
                return depth, mark
        return len(path), mark

    def mark(self, path: Path) -> Mark:
        """Return the mark of the value at `path`, which must exist."""
        mark = self.marks
        for step in path:
            mark = child_mark(mark, step)
        return mark

    def diagnostic(self, path: Path, message: str, key: bool = False, offset: int = 0) -> Diagnostic:
        """Return a diagnostic at `path` of this file. `offset`: where in a block scalar the mistake is."""
        position = self._position_in_block(path, offset) if self.blocks and not key else None
        position = position or self.position(path, key)
        return Diagnostic(self.name, *position, path_text(path), self._as_written(path, message))

    def _position_in_block(self, path: Path, offset: int) -> Position | None:
        """Return the position of a character of a block scalar, if it is known. Line breaks and indentation of the
        file differ from those of the text, so other characters are counted."""
        existing = self.existing_path(path)
        place, text = self.mark(existing)[1], value_at(self.data, existing)
        block = self.blocks.get(place)
        if (
            block is None
            or not isinstance(text, str)
            or not "".join(block.split()).startswith("".join(text.split()))
        ):
            return None
        left = len("".join(text[:offset].split()))
        for number, line in enumerate(block.splitlines(), (place >> COLUMN_BITS) + 1):
            for column, character in enumerate(line, 1):
                if not character.isspace():
                    if not left:
                        return Position(number, column)
                    left -= 1
        return None

    def _as_written(self, path: Path, message: str) -> str:
        """Return a message that quotes the number at a place as the file has it: `1.10`, not `1.1`."""
        if not self.written or self.existing_path(path) != path:
            return message
        text = self.written.get(self.mark(path)[1])
        if text is None:
            return message
        shown = re.escape(scalar_text(value_at(self.data, path)))
        return re.sub(_QUOTED.format(shown=shown), lambda _: text, message)


EMPTY_SOURCE: Final = Source("", {}, (0, pack_position(1, 1), None))


def content_digest(content: bytes) -> str:
    """Return the digest of a file's bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
