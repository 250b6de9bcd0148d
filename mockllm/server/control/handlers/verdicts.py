"""Verdicts on the clients whose requests the journal holds, as the control API gives them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from mockllm.core.verdicts import Client, ClientReport, ObservedRequest, VerdictResult, evaluate
from mockllm.engine import Engine
from mockllm.server.control.api_types import ApiCall, TextResponse
from mockllm.server.control.journal_queries import read_again
from mockllm.server.control.models.verdict_reports import (
    ClientVerdicts,
    VerdictGiven,
    VerdictList,
    VerdictQuery,
)
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.journal import Journal
from mockllm.server.verdict_input import JUDGED, unfinished

if TYPE_CHECKING:
    from mockllm.server.control.control import ControlApi

XML: Final = "application/xml"
SLICE: Final = 20
"""So many requests are read in one turn of the loop: less than a millisecond."""
FULL: Final = 0.8
"""A journal whose room is taken to this part has let go of requests."""


async def show_verdicts(control: ControlApi, call: ApiCall) -> BaseModel | TextResponse:
    """The answers of others are not held up: what there is to read is read in slices."""
    found = deeds(control.journal, control.engine, call.query)
    failed = any(each.failed for each in found)  # else next to nothing will be looked at
    for number, each in enumerate(found if failed else ()):
        _ = each.hash, each.request.user, each.refused_permanently, each.wait
        if number % SLICE == 0:
            await asyncio.sleep(0)
    judged = conduct(found, control.journal, call.query, time.monotonic())  # as the journal's times
    if call.query.format == "json":
        return told(judged)
    from mockllm.core.verdicts.junit import junit

    return TextResponse(junit(judged), XML)


def deeds(journal: Journal, engine: Engine, query: VerdictQuery) -> list[ObservedRequest]:
    """What clients are judged by."""
    return [deed(each, engine) for each in journal if _is_judged(each, query)]


def conduct(
    found: Sequence[ObservedRequest], journal: Journal, query: VerdictQuery, now: float
) -> list[ClientReport]:
    """How the clients behaved that a query asks for. `now` is on the server's own clock."""
    judged = evaluate(found, now, over=query.over, lost=_has_let_go(journal), since=query.since)
    return [each for each in judged if query.client is None or each.client.is_called(query.client)]


def _has_let_go(journal: Journal) -> bool:
    """Whether there may have been older requests than it holds, which nobody asked it to forget."""
    first = next(iter(journal), None)
    if first is None or first.number == 1:
        return False
    return len(journal) >= journal.size or journal.bytes >= journal.room * FULL


def _is_judged(each: JournalEntry, query: VerdictQuery) -> bool:
    """What was too large to be kept cannot be told from others."""
    return each.method == JUDGED and each.whole and (query.session is None or each.session == query.session)


def deed(each: JournalEntry, engine: Engine) -> ObservedRequest:
    """A request of the journal for the judge."""
    answer = each.answer
    agent = next((value for name, value in each.headers if name.lower() == "user-agent"), "")
    return ObservedRequest(
        each.number,
        Client(agent, each.key or "", each.client),
        each.session,
        at=each.at,
        started=each.since,
        ended=each.since + each.took,
        left=each.left,
        status=each.status,
        error=answer.error,
        faults=answer.faults,
        read=lambda: read_again(each, engine),
        plan=lambda: answer.plan,
        unfinished_text=unfinished,
    )


def told(found: list[ClientReport]) -> VerdictList:
    """As JSON has it."""
    return VerdictList(
        clients=[
            ClientVerdicts(
                client=str(each.client),
                session=each.session,
                requests=each.requests,
                verdicts=[_given(given) for given in each.verdicts],
            )
            for each in found
        ]
    )


def _given(given: VerdictResult) -> VerdictGiven:
    return VerdictGiven(
        verdict=given.verdict.name,
        good=given.verdict.good,
        says=given.message,
        rule_of_conduct=given.verdict.rule_with_source,
        requests=[observed.id for observed in given.requests],
    )
