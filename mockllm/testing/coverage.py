"""Coverage of a pack's rules, steps and modifiers by its examples, from the decision on each request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from mockllm.core.selection.decision import Decision
from mockllm.engine import Engine
from mockllm.scenario.loader import LoadedScenarios
from mockllm.scenario.raw_entries import RawEntry, raw_entries
from mockllm.testing.expectations import Outcome
from mockllm.testing.match_trace import response_index


class CoveragePoint(NamedTuple):
    """A rule or modifier, or one step of a rule (counted from 1). `word` is step or branch."""

    id: str
    where: str
    step: int | None = None
    word: str = "step"

    def __str__(self) -> str:
        step = "" if self.step is None else f" {self.word} {self.step}"
        return f"{self.where} {self.id}{step}"


class Coverage(Struct):
    """The coverage points of a pack (None: of the user's own files), and those that were reached."""

    points: Sequence[CoveragePoint]
    _reached: set[tuple[str, int | None]] = field(default_factory=set)

    @classmethod
    def of(cls, gathered: LoadedScenarios, pack: str | None) -> Coverage:
        """Create the coverage of all files, enabled or not."""
        files = (*gathered.loaded.files, *gathered.loaded.disabled)
        written = (each for file in files if file.pack == pack for each in raw_entries(file))
        return cls([point for each in written for point in _points(each)])

    def note(self, engine: Engine, decision: Decision, outcome: Outcome) -> None:
        """Record the rule, step and modifiers of a response."""
        self._reached |= {(id, None) for id in outcome.response.modifiers}
        rule = outcome.response.responder_id
        if rule is None:
            return
        self._reached.add((rule, None))
        if decision.outcome == "rule" and decision.selected_rule is not None:
            picked = response_index(engine, decision.selected_rule)
            self._reached.add((rule, None if picked is None else picked + 1))

    @property
    def uncovered(self) -> list[CoveragePoint]:
        """Points that no example reached, in file order. For an unreached rule its steps are omitted."""
        reached = self._reached
        uncovered = (point for point in self.points if not self._has(point))
        return [point for point in uncovered if point.step is None or (point.id, None) in reached]

    @property
    def share(self) -> float:
        """The reached share, from 0 to 1; 1 without points."""
        return sum(map(self._has, self.points)) / len(self.points) if self.points else 1.0

    def _has(self, point: CoveragePoint) -> bool:
        return (point.id, point.step) in self._reached


def _points(written: RawEntry) -> Iterator[CoveragePoint]:
    yield CoveragePoint(written.id, written.file_and_line)
    for key, word in (("sequence", "step"), ("choose", "branch")):
        steps = written.get(key)
        if written.kind == "rule" and isinstance(steps, list) and len(steps) > 1:
            for number in range(1, len(steps) + 1):
                yield CoveragePoint(written.id, written.file_and_line, number, word)
