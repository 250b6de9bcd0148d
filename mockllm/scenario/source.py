"""One scenario file as plain Python data, and where each piece of it stands.

Apart from the language: this layer knows YAML and positions, not what a rule is. `read_source` never raises
for anything a file can hold; what it refuses stands in `Source.mistakes`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from mockllm.core.json import Json
from mockllm.scenario.mistakes import Mistake, Path, path_text

LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes of one scenario file."""

Mark: TypeAlias = "tuple[int, int, Mapping[str, Any] | Sequence[Any] | None]"
"""Where a node stands: packed positions of its key (0: none) and of itself, and the marks of its children."""

COLUMN_BITS: Final = 24
_REFUSED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


class Position(NamedTuple):
    """Counted from 1, columns in characters."""

    line: int
    column: int


def packed(line: int, column: int) -> int:
    """A position as one small number, so that marks are cheap to keep and to hand to another process."""
    return line << COLUMN_BITS | column


@dataclass(frozen=True, slots=True)
class Source:
    """`name` is the path as a person knows it. `data` is None where the text could not be read through.
    `digest` is that of the file's bytes: equal digests, equal sources. `fills` says that parameters are still
    to be put in."""

    name: str
    data: Json
    marks: Mark
    mistakes: tuple[Mistake, ...] = ()
    digest: str = ""
    fills: bool = False

    def where(self, path: Path, key: bool = False) -> Position:
        """Where the value at `path` stands, or its key. What is not there takes the place of the nearest
        thing around it."""
        mark = self.marks
        for step in path:
            children = mark[2]
            if isinstance(children, Mapping) and step in children:
                mark = children[str(step)]
            elif isinstance(children, Sequence) and isinstance(step, int) and step < len(children):
                mark = children[step]
            else:
                key = False
                break
        place = mark[0] if key and mark[0] else mark[1]
        return Position(place >> COLUMN_BITS, place & (1 << COLUMN_BITS) - 1)

    def mark(self, path: Path) -> Mark:
        """The marks of the value at `path`, which must be there."""
        mark = self.marks
        for step in path:
            children: Any = mark[2]
            mark = children[step]
        return mark

    def mistake(self, path: Path, message: str, key: bool = False) -> Mistake:
        """A mistake at `path` of this file."""
        return Mistake(self.name, *self.where(path, key), path_text(path), message)


NOTHING: Final = Source("", {}, (0, packed(1, 1), None))


def digest(content: bytes) -> str:
    """What tells one content of a file from another."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def read_source(text: str | bytes, name: str) -> Source:
    """Reads one YAML document by YAML 1.2's core schema. All mistakes that can be told apart are collected;
    after a syntax error there is no data."""
    from mockllm.scenario.nodes import read_nodes  # the YAML parser takes 20 ms to import

    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        plain = _decoded(raw, name)
    except _Unreadable as unreadable:
        return Source(name, None, (0, packed(1, 1), None), (unreadable.mistake,), digest(raw))
    data, mark, mistakes = read_nodes(plain, name)
    return Source(name, data, mark, tuple(mistakes), digest(raw), "${" in plain)


class _Unreadable(Exception):
    def __init__(self, name: str, line: int, column: int, message: str) -> None:
        self.mistake = Mistake(name, line, column, "", message)


def _decoded(raw: bytes, name: str) -> str:
    """The file's text, or why no parser should see it."""
    if len(raw) > LARGEST_FILE:
        size, most = len(raw) // 2**20, LARGEST_FILE // 2**20
        raise _Unreadable(name, 1, 1, f"the file holds {size} MiB; at most {most} MiB are read: split it")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _Unreadable(name, 1, 1, "the file is saved as UTF-16; save it as UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _after(raw[: error.start].decode("utf-8"))
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _Unreadable(name, *place, message) from None
    text = text.removeprefix("\ufeff")
    refused = _REFUSED.search(text)
    if refused:
        code = ord(refused[0])
        escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
        message = f'the character U+{code:04X} cannot stand in YAML; write "{escape}" in double quotes'
        raise _Unreadable(name, *_after(text[: refused.start()]), message)
    return text


def _after(text: str) -> Position:
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    return Position(len(lines), len(lines[-1]) + 1)
