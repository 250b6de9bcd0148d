"""The costs of the requests in the journal, computed when a call reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mockllm.core.reply.reply import Usage
from mockllm.dialects.price import Price
from mockllm.engine import Engine
from mockllm.engine.request_reader import decode_response
from mockllm.engine.response_cost import ResponseCost, cost_of
from mockllm.server.control.journal_queries import TimeSlices, decode_again
from mockllm.server.control.models.costs import CostReport, ModelCost, SessionCost
from mockllm.server.journal.entry import JournalEntry

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
        cost = entry_cost(entry, engine, own)
        if cost is FREE:
            continue
        name = entry.session and entry.redactor.session(entry.session)
        model = entry.model and entry.redactor.text(entry.model)
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
