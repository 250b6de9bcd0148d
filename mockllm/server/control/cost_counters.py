"""Running totals of costs and tokens for `/metrics`: each journal entry is counted once, at a scrape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from mockllm.core.reply.reply import Usage
from mockllm.dialects.price import Price
from mockllm.engine import Engine
from mockllm.server.control import costs
from mockllm.server.control.journal_queries import TimeSlices
from mockllm.server.control.models.costs import CostSum
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.metrics import MAX_LABEL_VALUES, NONE, OTHER


class CostLabels(NamedTuple):
    """The labels of a counter."""

    endpoint: str
    model: str


KINDS: Final = ("input", "cached", "cache_write", "output")
"""The kinds of tokens; `input` are those that no cache has to do with."""


class CostCounters:
    """Costs in US dollars, and tokens by kind, of the entries of a journal so far."""

    def __init__(self) -> None:
        self.sums: dict[CostLabels, CostSum] = {}
        self.tokens: dict[tuple[CostLabels, str], int] = {}
        self._last = 0

    async def count(self, entries: Iterable[JournalEntry], engine: Engine, own: Mapping[str, Price]) -> None:
        """Count the entries that are new. An entry that left the journal before is not counted."""
        slices, last = TimeSlices(), self._last
        for entry in tuple(entries):
            if entry.number <= last:
                continue
            await slices.pause()
            self._last = max(self._last, entry.number)
            cost = costs.entry_cost(entry, engine, own)
            if cost is not costs.FREE:
                self._add(entry, cost.usage, cost.dollars)

    def reset(self, last: int) -> None:
        """Set all counters to zero. Entries up to the number `last` are not counted any more."""
        self.sums, self.tokens, self._last = {}, {}, max(self._last, last)

    def _add(self, entry: JournalEntry, usage: Usage, dollars: float | None) -> None:
        model = NONE if entry.model is None else entry.redactor.text(entry.model)
        labels = CostLabels(entry.endpoint or NONE, model)
        if labels not in self.sums and len(self.sums) >= MAX_LABEL_VALUES:
            labels = CostLabels(labels.endpoint, OTHER)
        self.sums.setdefault(labels, CostSum()).add(usage, dollars)
        uncached = max(0, usage.input - usage.cached_read - usage.cache_write)
        for kind, tokens in zip(
            KINDS, (uncached, usage.cached_read, usage.cache_write, usage.output), strict=True
        ):
            self.tokens[labels, kind] = self.tokens.get((labels, kind), 0) + tokens
