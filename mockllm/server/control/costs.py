"""The costs of the requests in the journal: those that a call reads, and running totals for `/metrics`."""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final, NamedTuple

from mockllm.core.reply.reply import Usage
from mockllm.dialects.price import Price
from mockllm.engine import Engine
from mockllm.engine.engine_request import decode_response
from mockllm.engine.response_cost import ResponseCost, cost_of
from mockllm.server.access_log import printable_line
from mockllm.server.control.journal_queries import TimeSlices, decode_again, in_thread_if_large
from mockllm.server.control.models.costs import CostReport, CostSum, ModelCost, SessionCost
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.metrics import MAX_LABEL_VALUES, NONE, OTHER

FREE: Final = ResponseCost(Usage(0, 0), 0.0)
"""For a request that costs nothing: an error, or a call that uses no model."""


def entry_cost(entry: JournalEntry, engine: Engine, own: Mapping[str, Price]) -> ResponseCost:
    """Return the cost of an entry."""
    if entry.request_class is None or entry.status >= 400 or entry.method != "POST":
        return FREE
    request = decode_again(entry, engine)
    if not request.generates and request.api != "embeddings":
        return FREE
    decoded = decode_response(request, entry.response.plan)
    return cost_of(request, decoded, own, in_batch=entry.in_batch)


async def report(entries: Iterable[JournalEntry], engine: Engine, own: Mapping[str, Price]) -> CostReport:
    """Return the costs by model and by session, the dearest first."""
    models: dict[tuple[str | None, str | None], ModelCost] = {}
    sessions: dict[str | None, SessionCost] = {}
    slices = TimeSlices()
    for entry in entries:
        await slices.pause()
        cost = await in_thread_if_large(entry, partial(entry_cost, entry, engine, own))
        if cost is FREE:
            continue
        name = entry.session and entry.redactor.session(entry.session)
        model = entry.shown_model
        of_model = models.setdefault((entry.provider, model), ModelCost(provider=entry.provider, model=model))
        of_session = sessions.setdefault(name, SessionCost(session=name))
        for each in (of_model, of_session):
            each.add(cost.usage, cost.dollars)
    by_cost = sorted(models.values(), key=lambda each: -each.cost)
    return CostReport(
        cost=sum(each.cost for each in by_cost),
        unpriced=sum(each.unpriced for each in by_cost),
        models=by_cost,
        sessions=sorted(sessions.values(), key=lambda each: -each.cost),
    )


class CostLabels(NamedTuple):
    """The labels of a counter."""

    endpoint: str
    model: str


KINDS: Final = ("input", "cached", "cache_write", "output")
"""The kinds of tokens; `input` are those that no cache has to do with."""


class CostCounters:
    """Costs in US dollars, and tokens by kind, of a journal so far. Each entry is counted once, at a scrape."""

    def __init__(self) -> None:
        self.sums: dict[CostLabels, CostSum] = {}
        self.tokens: dict[tuple[CostLabels, str], int] = {}
        self._last = 0
        self._lock = Lock()

    async def count(self, entries: Iterable[JournalEntry], engine: Engine, own: Mapping[str, Price]) -> None:
        """Count the entries that are new. An entry that left the journal before is not counted."""
        async with self._lock:  # a scrape that began before may still count the same entries
            await self._count(entries, engine, own)

    async def _count(self, entries: Iterable[JournalEntry], engine: Engine, own: Mapping[str, Price]) -> None:
        slices, last, sums = TimeSlices(), self._last, self.sums
        for entry in tuple(entries):
            if entry.number <= last:
                continue
            await slices.pause()
            self._last = max(self._last, entry.number)
            cost = await in_thread_if_large(entry, partial(entry_cost, entry, engine, own))
            if cost is not FREE and self.sums is sums:  # no reset came meanwhile
                self._add(entry, cost.usage, cost.dollars)

    def reset(self, last: int) -> None:
        """Set all counters to zero. Entries up to the number `last` are not counted any more."""
        self.sums, self.tokens, self._last = {}, {}, max(self._last, last)

    def _add(self, entry: JournalEntry, usage: Usage, dollars: float | None) -> None:
        model = entry.shown_model
        labels = CostLabels(entry.endpoint or NONE, printable_line(model) if model else NONE)
        if labels not in self.sums and len(self.sums) >= MAX_LABEL_VALUES:
            labels = CostLabels(labels.endpoint, OTHER)
        self.sums.setdefault(labels, CostSum()).add(usage, dollars)
        uncached = max(0, usage.input - usage.cache_read - usage.cache_write)
        for kind, tokens in zip(
            KINDS, (uncached, usage.cache_read, usage.cache_write, usage.output), strict=True
        ):
            self.tokens[labels, kind] = self.tokens.get((labels, kind), 0) + tokens
