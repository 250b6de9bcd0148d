"""The last requests that changed rules would affect. Nothing is counted, so guards and chances are ignored."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from itertools import islice

from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.server.control.journal_queries import TimeSlices, decode_again, in_thread_if_large
from mockllm.server.control.models.editing import PreviewedRequest
from mockllm.server.journal.entry import MAX_SHOWN_MODEL, JournalEntry
from mockllm.server.journal.journal import Journal

MAX_USER_LENGTH = 120
"""Most characters of the user's text that a preview shows."""


async def previewed(
    catalog: Catalog, changed: Collection[str], journal: Journal, engine: Engine, most: int
) -> tuple[int, list[PreviewedRequest]]:
    """Return how many requests were checked, and those that the `changed` rules and modifiers (by id) or the lack of
    removed rules affect. `catalog` contains the changed rules."""
    removed = {item.id for item in engine.catalog.items} - {item.id for item in catalog.items}
    slices, checked = TimeSlices(), 0
    requests: list[PreviewedRequest] = []
    for entry in islice(reversed(journal), most):
        await slices.pause()
        checked += 1
        found = await in_thread_if_large(entry, partial(_previewed, catalog, changed, removed, entry, engine))
        if found is not None:
            requests.append(found)
    return checked, requests


def _previewed(
    catalog: Catalog, changed: Collection[str], removed: Collection[str], entry: JournalEntry, engine: Engine
) -> PreviewedRequest | None:
    request = decode_again(entry, engine)
    index, rules, items = catalog.index, catalog.rule_count, catalog.items
    mask = index.match_mask(request)
    first = next((items[number].id for number in index.matching(mask, request, 0, rules)), None)
    numbers = index.matching(mask, request, rules, len(items))
    applied = [items[number].id for number in numbers if items[number].id in changed]
    before = after = entry.responder_id
    if first in changed or before in changed or before in removed:
        after = first
    if after not in changed and after == before and not applied:
        return None
    redactor = entry.full_redactor
    user = request.user if request.generates else None
    return PreviewedRequest(
        id=entry.number,
        method=redactor.text(entry.method),
        path=redactor.target(entry.target),
        model=entry.model and redactor.beginning(entry.model, MAX_SHOWN_MODEL),
        user=redactor.beginning(user, MAX_USER_LENGTH) if user else None,
        status=entry.status,
        before=before,
        after=after,
        modifiers=applied,
    )
