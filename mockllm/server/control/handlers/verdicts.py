"""The handler of verdicts on the clients whose requests the journal stores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from pydantic import BaseModel

from mockllm.core.key_forms import redact_text
from mockllm.core.verdicts import Client, ClientReport, ObservedRequest, VerdictResult, evaluate
from mockllm.dialects.provider_facts import wait_headers
from mockllm.engine import Engine
from mockllm.engine.prompt_caching import MIN_BYTES, observed_prompt
from mockllm.server.control.api_types import ApiCall, ApiRoute, TextResponse
from mockllm.server.control.context import ControlContext
from mockllm.server.control.costs import entry_cost
from mockllm.server.control.journal_queries import TimeSlices, decode_again, in_thread_if_large
from mockllm.server.control.models.journal import ClientVerdicts, VerdictGiven, VerdictList, VerdictQuery
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.journal import Journal
from mockllm.server.verdict_input import is_judged_method, unfinished

XML: Final = "application/xml"
FULL: Final = 0.8
"""Share of the journal's memory bound from which older requests may have been dropped."""


async def show_verdicts(context: ControlContext, call: ApiCall[VerdictQuery]) -> BaseModel | TextResponse:
    """How clients behave.

    The requests are decoded in slices, and large ones in a thread, so that other responses are not delayed.
    """
    judged = judged_entries(context.journal, call.query)
    requests = [observed_request(entry, context.engine) for entry in judged]
    slices = TimeSlices()
    for entry, request in zip(judged, requests, strict=True):
        await in_thread_if_large(entry, partial(_decode, request))
        await slices.pause()
    failed = any(request.failed for request in requests)  # else the evaluation decodes next to nothing
    for entry, request in zip(judged, requests, strict=True) if failed else ():
        await in_thread_if_large(entry, partial(_decode_for_retries, request))
        await slices.pause()
    reports = client_reports(requests, context.journal, call.query, time.monotonic())  # the journal's clock
    if call.query.format == "json":
        return await _with_costs(verdict_list(reports), context)
    from mockllm.core.verdicts.junit import junit

    return TextResponse(junit(reports), XML)


def _decode(request: ObservedRequest) -> None:
    """Compute what the evaluation reads of each request."""
    _ = request.prompt, request.is_for_mcp_server and request.request.mcp


def _decode_for_retries(request: ObservedRequest) -> None:
    """Compute what the evaluation compares to find retries."""
    _ = request.hash, request.request.user, request.refused_permanently, request.wait


async def _with_costs(found: VerdictList, context: ControlContext) -> VerdictList:
    """Set the cost of each verdict's requests."""
    verdicts = [verdict for client in found.clients for verdict in client.verdicts]
    shown = {number for verdict in verdicts for number in verdict.requests}
    dollars: dict[int, float | None] = {}
    slices = TimeSlices()
    for entry in tuple(context.journal) if shown else ():
        if entry.number in shown:
            cost = await in_thread_if_large(entry, partial(entry_cost, entry, context.engine, context.prices))
            dollars[entry.number] = cost.dollars
            await slices.pause()
    for verdict in verdicts:
        single = [dollars.get(number) for number in verdict.requests]
        known = [each for each in single if each is not None]
        verdict.cost = round(sum(known), 9) if len(known) == len(single) else None
    return found


def judged_entries(journal: Journal, query: VerdictQuery) -> list[JournalEntry]:
    """Return the requests that clients are judged by."""
    return [entry for entry in journal if _is_judged(entry, query)]


def client_reports(
    requests: Sequence[ObservedRequest], journal: Journal, query: VerdictQuery, now: float
) -> list[ClientReport]:
    """Evaluate the clients that a query selects. `now` is on the server's monotonic clock."""
    reports = evaluate(requests, now, over=query.over, lost=_has_dropped(journal), since=query.since)
    return [report for report in reports if query.client is None or report.client.is_called(query.client)]


def _has_dropped(journal: Journal) -> bool:
    """Return whether the journal may have dropped older requests without being cleared."""
    first = next(iter(journal), None)
    if first is None:
        return False
    if journal.lost(first.number):
        return True
    return first.number > 1 and (
        len(journal) >= journal.max_entries or journal.bytes >= journal.max_bytes * FULL
    )


def _is_judged(entry: JournalEntry, query: VerdictQuery) -> bool:
    """Return whether a request counts; truncated bodies do not, as they cannot be distinguished."""
    return (
        is_judged_method(entry.method)
        and entry.body_stored
        and (query.session is None or entry.is_of_session(query.session))
    )


def observed_request(entry: JournalEntry, engine: Engine) -> ObservedRequest:
    """Return a journal entry as input of the evaluation."""
    response = entry.response
    agent = next((value for name, value in entry.headers if name.lower() == "user-agent"), "")
    return ObservedRequest(
        entry.number,
        Client(entry.redactor.text(agent), entry.api_key_hash or "", entry.client_address),
        entry.session and entry.redactor.session(entry.session),
        at=entry.now,
        started=entry.monotonic,
        ended=entry.monotonic + entry.duration,
        end_reason=entry.end_reason,
        status=entry.status,
        error=response.error,
        faults=response.faults,
        read=lambda: decode_again(entry, engine),
        plan=lambda: response.plan,
        unfinished_text=unfinished,
        prompt=observed_prompt if len(entry.raw) >= MIN_BYTES else None,
        time_scale=engine.time_scale(entry.session),
        is_for_mcp_server=entry.request_class is not None and entry.request_class.is_for_mcp_server,
        unmatched=response.unmatched,
        wait_headers=wait_headers(entry.provider),
    )


def verdict_list(reports: list[ClientReport]) -> VerdictList:
    return VerdictList(
        clients=[
            ClientVerdicts(
                client=str(report.client),
                session=report.session,
                requests=report.requests,
                verdicts=[_verdict(result) for result in report.verdicts],
            )
            for report in reports
        ]
    )


def _verdict(result: VerdictResult) -> VerdictGiven:
    return VerdictGiven(
        verdict=result.verdict.name,
        good=result.verdict.good,
        says=redact_text(result.message),
        rule_of_conduct=result.verdict.rule_with_source,
        requests=[request.id for request in result.requests],
    )


ROUTES: Final = (
    ApiRoute(
        "GET", "/api/verdicts", show_verdicts, VerdictList, query=VerdictQuery, or_type="application/xml"
    ),
)
