"""Which rules several processes can share."""

from __future__ import annotations

from collections.abc import Iterator

from mockllm.scenario.catalog import Catalog, CatalogItem
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.language.reply import ReplySpec
from mockllm.store.own_server import missing_store

MAX_NAMED = 5
"""Most rules that a message names."""
QUEUE = "the wait depends on the ends of responses that other processes still plan"


def unshareable(catalog: Catalog) -> list[Diagnostic]:
    """Return the mistake that some rules count, where the processes share no store; it is at the first of them."""
    counting = [item for item in catalog.items if item.needs_counts]
    if not counting:
        return []
    named = [f"{item.id} ({', '.join(counted_words(item))})" for item in counting[:MAX_NAMED]]
    more = f" and {len(counting) - MAX_NAMED} more" if len(counting) > MAX_NAMED else ""
    message = (
        f"several processes cannot share what these rules count: {', '.join(named)}{more}; "
        f"leave out --workers, or give the processes a store: --store redis://HOST:PORT/DB, or {missing_store()}"
    )
    return [at_item(counting[0], message)]


def beyond_store(catalog: Catalog) -> list[Diagnostic]:
    """Return a mistake for each modifier that also a store cannot count exactly."""
    leaky = any(item.limit is not None and item.limit.strategy == "leaky-bucket" for item in catalog.items)
    diagnostics = []
    for item in catalog.items:
        if item.load is None:
            continue
        if item.load.batch is not None:
            diagnostics.append(_refused(item, f"load.batch: {QUEUE}"))
        elif item.load.queue:
            diagnostics.append(_refused(item, f"load.queue: {QUEUE}"))
        elif item.load.max_inflight is not None and leaky:
            diagnostics.append(_refused(item, f"load beside a leaky-bucket limit: {QUEUE}"))
    return diagnostics


def of_one_process(catalog: Catalog) -> list[Diagnostic]:
    """Return a mistake for each rule and modifier whose responses wait for something that another process receives.
    This is a release of `hold`, or the client's response to an MCP server; the process that plays the response
    waits."""
    diagnostics = []
    for item in catalog.items:
        responses = () if item.selector is None else item.selector.responses
        settings = [each.settings for each in responses] + ([item.settings] if item.settings else [])
        if any(each.hold is not None for each in settings):
            diagnostics.append(_refused(item, "hold: another one receives the release"))
        if any(
            isinstance(each.spec, ReplySpec) and each.spec.mcp and each.spec.mcp.ask for each in responses
        ):
            diagnostics.append(_refused(item, "mcp.ask: another one may receive the client's response"))
    return diagnostics


def _refused(item: CatalogItem, reason: str) -> Diagnostic:
    return at_item(item, f"several processes have no {reason}; leave out --workers")


def at_item(item: CatalogItem, message: str) -> Diagnostic:
    """Return a mistake at a rule or modifier."""
    file, _, line = item.file_and_line.rpartition(":")
    return Diagnostic(file, int(line) if line.isdecimal() else 0, 1, item.id, message)


def counted_words(item: CatalogItem) -> Iterator[str]:
    """Yield the words of the language by which a rule counts."""
    guard, selector = item.guard, item.selector
    if item.per != "global":
        yield "per"
    if selector is not None and selector.mode != "one":
        yield selector.mode
    elif guard is not None and guard.times is not None:
        yield "times"
    if guard is not None:
        yield from (
            word
            for word, used in (
                ("skip", guard.skip),
                ("every", guard.every > 1),
                ("chance", guard.chance is not None),
                ("during", guard.during),
                ("requires_state", guard.requires),
            )
            if used
        )
    yield from (
        word for word, used in (("sets_state", item.sets), ("limit", item.limit), ("load", item.load)) if used
    )
