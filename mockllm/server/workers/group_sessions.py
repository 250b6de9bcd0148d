"""The state of all workers, as the control API of their supervisor reads and changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mockllm.state.sessions import Sessions
from mockllm.state.shared_counts import SharedCounts, SlotTable

Counts = Mapping[str, tuple[int, int]]
"""Tries and turns by key."""


class GroupSessions(Sessions):
    """Counts that the workers share, and those that they report."""

    def __init__(self, counts: SharedCounts) -> None:
        super().__init__()
        self.counts = counts
        self.table = SlotTable(counts)
        self._lost: dict[str, tuple[int, int]] = {}
        self._reported: dict[str, tuple[int, int]] = {}
        self.forgotten = False
        """Whether the workers do not know yet that all state was deleted."""

    def served(self, place: int) -> int:
        """Return how many requests the worker at a place has served, also if it was killed since."""
        return self.counts[SlotTable.SERVED + place]

    def add_lost(self, counts: Counts) -> None:
        """Add what a worker reported that has ended."""
        _add(self._lost, counts)

    def set_counts(self, reported: Sequence[Counts]) -> None:
        """Set what the workers report."""
        self._reported = dict(self._lost)
        for counts in reported:
            _add(self._reported, counts)

    def totals(self) -> Mapping[str, Sequence[int]]:
        found = {key: (count, count) for key, count in self.table.totals().items()}
        _add(found, self._reported)
        return found

    def reset(self) -> None:
        super().reset()
        self.table.clear()
        self._lost, self._reported = {}, {}
        self.forgotten = True


def _add(total: dict[str, tuple[int, int]], counts: Counts) -> None:
    for key, (tries, turns) in counts.items():
        before = total.get(key, (0, 0))
        total[key] = (before[0] + tries, before[1] + turns)
