"""The files of recorded requests. Each has the responses to equal requests, in their order.

A file that has many responses, or long ones, is full. The next response to an equal request goes to a further file.
Its rule follows when the rule of the file before it has responded so often. So each file can be loaded, and a
response costs no more work the more were recorded.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from errno import EFBIG
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.recordings.atomic_files import write_file
from mockllm.recordings.interaction import Interaction
from mockllm.recordings.scenario_writer import RecordedRule, RequestParser, recorded_text, rules_of
from mockllm.scenario.source_file import MAX_FILE_SIZE

MIB: Final = 1 << 20
FULL_FILE: Final = 4 * MIB
"""Bytes of a file that gets no further response: it is written as a whole for each."""
FULL_SEQUENCE: Final = 500
"""Responses of such a file."""
MAX_HELD: Final = 64 * MIB
"""Bytes of the files that are held in memory, to be written with a further response."""
BODY_WEIGHT: Final = 8
"""Bytes of memory for each byte of a request's body: its JSON is parsed."""


class _LastFile(Struct):
    """The last file of a request. `rule` is None where the file gets no further response, or is no longer held."""

    number: int
    responses: int
    rule: RecordedRule | None
    size: int


class RecordingFiles(Struct):
    """Writes the files, and holds the rules of those that were written last: they may get a further response."""

    _last: dict[Path, _LastFile] = field(default_factory=dict)
    _held: OrderedDict[Path, None] = field(default_factory=OrderedDict)
    _held_size: int = 0

    def add(
        self, path: Path, interaction: Interaction, title: str, reader: RequestParser
    ) -> tuple[Path, list[str]]:
        """Write an interaction to the file at the path of its request, or to a further one. The first one replaces
        what an earlier recorder has written. Return the file, and notes on what it omits. Raises OSError if the
        interaction is not stored."""
        (rule,) = rules_of([interaction], reader)
        notes = [note for recorded in rule.interactions for note in recorded.notes]
        last = self._last.get(path)
        if last is not None and last.rule is not None:
            grown = replace(last.rule, interactions=[*last.rule.interactions, *rule.interactions])
            text = recorded_text([grown], title).encode()
            if len(text) <= FULL_FILE:
                file = _numbered(path, last.number)
                write_file(file, text)
                self._remember(path, last.number, grown, len(text))
                return file, notes
        return self._begin(path, last, rule, title), notes

    def _begin(self, path: Path, before: _LastFile | None, rule: RecordedRule, title: str) -> Path:
        """Write the first file of a request, or the one behind its last file. Return its path."""
        number = 1 if before is None else before.number + 1
        rule.is_continued = before is not None
        file, text = _numbered(path, number), recorded_text([rule], title).encode()
        if len(text) > MAX_FILE_SIZE:
            raise OSError(EFBIG, f"its file would exceed {MAX_FILE_SIZE // MIB} MiB")
        write_file(file, text)
        _remove_from(path, number + 1)
        if before is not None:
            _limit(_numbered(path, before.number), before.responses, file.name)
        self._remember(path, number, rule, len(text))
        return file

    def _remember(self, path: Path, number: int, rule: RecordedRule, size: int) -> None:
        """Hold the rule of a written file, unless it is full, and release those that were written long ago."""
        self._release(path)
        last = self._last[path] = _LastFile(number, len(rule.interactions), None, 0)
        if size < FULL_FILE and last.responses < FULL_SEQUENCE:
            last.rule, last.size = rule, size + BODY_WEIGHT * len(rule.recorded.body)
            self._held[path] = None
            self._held_size += last.size
        while self._held_size > MAX_HELD:
            self._release(next(iter(self._held)))

    def _release(self, path: Path) -> None:
        if path in self._held:
            del self._held[path]
            last = self._last[path]
            self._held_size -= last.size
            last.rule = None


def _numbered(path: Path, number: int) -> Path:
    """Return the path of a file by its number. It is sorted behind those with lower numbers, so its rule follows."""
    return path if number == 1 else path.with_name(f"{path.stem}_{number:04}{path.suffix}")


def _remove_from(path: Path, number: int) -> None:
    """Remove the files of an earlier recorder from this number on."""
    with suppress(FileNotFoundError):
        while True:
            _numbered(path, number).unlink()
            number += 1


def _limit(file: Path, responses: int, following: str) -> None:
    """Let the rule of a file respond so often only: then the rule of the following file is next. Leave a file that a
    user has removed, or whose rule a user has changed so."""
    with suppress(FileNotFoundError):
        before, match, after = file.read_bytes().partition(b"\n    match: ")
        condition, end, rest = after.partition(b"\n")
        if match and not rest.startswith(b"    times: "):
            times = f"    times: {responses}  # then those in {following}\n"
            write_file(file, b"".join((before, match, condition, end, times.encode(), rest)))
