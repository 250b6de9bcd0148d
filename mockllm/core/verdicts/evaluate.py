"""The evaluation of clients: a pure function, so that equal requests always give equal verdicts."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from msgspec import Struct

from mockllm.core.verdicts.catalog import VERDICTS, VerdictResult
from mockllm.core.verdicts.client_history import ClientHistory, PromptIndex
from mockllm.core.verdicts.observed_request import Client, ObservedRequest
from mockllm.core.verdicts.retry_chains import retry_chains


class ClientReport(Struct, frozen=True):
    """The verdicts on one client in one session, in the order of the table."""

    client: Client
    session: str | None
    requests: int
    verdicts: tuple[VerdictResult, ...]


def evaluate(
    requests: Sequence[ObservedRequest],
    now: float,
    *,
    over: bool = True,
    lost: bool = False,
    since: float | None = None,
) -> list[ClientReport]:
    """Return a report for each client in each session, in the order of their first requests.

    `now` is on the clock of the requests, before their `time_scale`.
    `over`: the clients have ended, so no further request will follow.
    `lost`: older requests existed, which are not known any more. `since`, in seconds since the epoch, leaves out
    verdicts on earlier requests only; earlier requests still count as the start of later retry chains.
    """
    scales = dict.fromkeys(observed.time_scale for observed in requests)
    if len(scales) < 2:
        return _evaluate(requests, now / next(iter(scales), 1.0), over=over, lost=lost, since=since)
    reports = []
    for scale in scales:  # each has its own clock
        own = [observed for observed in requests if observed.time_scale == scale]
        reports += _evaluate(own, now / scale, over=over, lost=lost, since=since)
    return reports


def _evaluate(
    requests: Sequence[ObservedRequest], now: float, *, over: bool, lost: bool, since: float | None
) -> list[ClientReport]:
    """Return the reports of clients that have one clock; `now` is on it."""
    ordered = sorted(requests, key=lambda observed: (observed.started, observed.id))
    prompts = PromptIndex(ordered)
    groups: dict[tuple[Client, str | None], list[ObservedRequest]] = {}
    for observed in ordered:
        groups.setdefault((observed.client, observed.session), []).append(observed)
    lost_before = min((observed.started for observed in requests), default=now) if lost else None
    reports = []
    for (client, session), own in groups.items():
        recent = {observed.id for observed in own if since is None or observed.at >= since}
        if recent:
            history = ClientHistory(own, retry_chains(own, lost_before), prompts, now, over, lost)
            reports.append(ClientReport(client, session, len(recent), tuple(_results(history, recent))))
    return reports


def _results(history: ClientHistory, recent: Container[int]) -> Iterator[VerdictResult]:
    """Yield the verdicts with evidence that has at least one recent request."""
    for verdict in VERDICTS.values():
        evidence = tuple(
            item for item in verdict.find(history) if any(observed.id in recent for observed in item.requests)
        )
        if evidence:
            yield VerdictResult(verdict, evidence)
