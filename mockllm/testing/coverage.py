"""Which rules, steps and modifiers of a pack its examples reach: told by what was settled for each request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from mockllm.core.selection.decision import Decision
from mockllm.engine import Engine
from mockllm.scenario.loader import LoadedScenarios
from mockllm.scenario.raw_entries import RawEntry, raw_entries
from mockllm.testing.expectations import Outcome
from mockllm.testing.match_trace import picked_of


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
    """What there is in a pack (`None`: in the user's own files), and what of it was reached."""

    spots: Sequence[CoveragePoint]
    _reached: set[tuple[str, int | None]] = field(default_factory=set)

    @classmethod
    def of(cls, gathered: LoadedScenarios, pack: str | None) -> Coverage:
        """Of all that stands in the files, enabled or not."""
        files = (*gathered.loading.files, *gathered.loading.disabled)
        written = (each for file in files if file.pack == pack for each in raw_entries(file))
        return cls([spot for each in written for spot in _spots(each)])

    def note(self, engine: Engine, settled: Decision, outcome: Outcome) -> None:
        """A request was answered."""
        self._reached |= {(id, None) for id in outcome.answer.modifiers}
        rule = outcome.answer.rule
        if rule is None:
            return
        self._reached.add((rule, None))
        if settled.outcome == "rule" and settled.rule is not None:
            picked = picked_of(engine, settled.rule)
            self._reached.add((rule, None if picked is None else picked + 1))

    @property
    def missed(self) -> list[CoveragePoint]:
        """What no example reached, in the order of the files; of a rule that none reached not its steps, too."""
        return [
            spot
            for spot in self.spots
            if not self._has(spot) and (spot.step is None or self._has(_rule(spot)))
        ]

    @property
    def share(self) -> float:
        """How much of it was reached, of 1; all of nothing."""
        return sum(map(self._has, self.spots)) / len(self.spots) if self.spots else 1.0

    def _has(self, spot: CoveragePoint) -> bool:
        return (spot.id, spot.step) in self._reached


def _rule(spot: CoveragePoint) -> CoveragePoint:
    return CoveragePoint(spot.id, spot.where)


def _spots(written: RawEntry) -> Iterator[CoveragePoint]:
    yield CoveragePoint(written.id, written.where)
    for key, word in (("sequence", "step"), ("choose", "branch")):
        steps = written.get(key)
        if written.kind == "rule" and isinstance(steps, list) and len(steps) > 1:
            for number in range(1, len(steps) + 1):
                yield CoveragePoint(written.id, written.where, number, word)
