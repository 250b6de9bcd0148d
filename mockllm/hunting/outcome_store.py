"""The outcomes of a hunt's runs in a file, so that an interrupted hunt can continue."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import IO, Protocol

import msgspec
from msgspec import Struct

from mockllm.core.hunting.disturbance import Schedule, schedule_key
from mockllm.core.hunting.outcome import RunOutcome


class Trial(Protocol):
    """Something that can run the client once against a schedule."""

    @property
    def parallel(self) -> bool:
        """Whether several runs can take place at once."""

    @property
    def inline(self) -> bool:
        """Whether runs have to take place in the caller's thread."""

    def run(self, schedule: Schedule) -> RunOutcome:
        """Run the client once."""

    def end(self) -> None:
        """End the runs that take place in other threads, and those that begin later."""


class StoredRun(Struct, frozen=True):
    """A line of the file: the run's key, its number among equal runs, and its outcome."""

    key: str
    number: int
    outcome: RunOutcome


class OutcomeStore:
    """Runs a trial, or returns what an earlier hunt stored of the same run."""

    def __init__(self, trial: Trial, path: Path | None, purpose: str, *, resume: bool) -> None:
        """`path`: the file, None for no file. `purpose`: what the hunt runs; the file of another purpose is not
        used. Raise OSError if the file cannot be written."""
        self._trial = trial
        self._lock = Lock()
        self._ended = False
        self._path = path
        self._known: dict[tuple[str, int], RunOutcome] = {}
        self._file: IO[bytes] | None = None
        if path is None:
            return
        size = 0
        if resume:
            self._known, size = _read(path, purpose)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._file.truncate(size)  # a line behind one that was cut could not be read
        if not size:
            self._file.write(msgspec.json.encode(purpose) + b"\n")

    @property
    def known(self) -> int:
        """The stored runs of an earlier hunt."""
        return len(self._known)

    @property
    def parallel(self) -> bool:
        return self._trial.parallel

    @property
    def inline(self) -> bool:
        return self._trial.inline

    def run(self, schedule: Schedule, number: int = 0) -> RunOutcome:
        """Return the outcome of the run with this number among runs of the same schedule."""
        key = schedule_key(schedule)
        known = self._known.get((key, number))
        if known is not None:
            return known
        outcome = self._trial.run(schedule)
        if self._file is not None and not self._ended:
            line = msgspec.json.encode(StoredRun(key, number, outcome)) + b"\n"
            with self._lock:
                self._file.write(line)
                self._file.flush()
        return outcome

    def end(self) -> None:
        """End the runs that take place. Their outcomes say nothing about the client, and are not stored."""
        self._ended = True
        self._trial.end()

    def close(self, *, complete: bool) -> None:
        """Close the file, and delete it after a complete hunt."""
        if self._file is not None:
            self._file.close()
            if complete and self._path is not None:
                self._path.unlink(missing_ok=True)


def _read(path: Path, purpose: str) -> tuple[dict[tuple[str, int], RunOutcome], int]:
    """Return the stored runs, and the bytes up to the last of them; none of a missing or broken file, or of another
    purpose. A last line that was cut when the hunt was interrupted does not count."""
    try:
        first, *lines, _ = path.read_bytes().split(b"\n")
        if msgspec.json.decode(first) != purpose:
            return {}, 0
    except (OSError, ValueError):
        return {}, 0
    known, size = {}, len(first) + 1
    for line in lines:
        try:
            stored = msgspec.json.decode(line, type=StoredRun)
        except msgspec.DecodeError:
            break
        known[stored.key, stored.number] = stored.outcome
        size += len(line) + 1
    return known, size
