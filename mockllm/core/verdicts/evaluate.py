"""Verdicts on each client, from all that came: pure, so that the same requests always give the same verdicts."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from msgspec import Struct

from mockllm.core.verdicts.catalog import VERDICTS, VerdictResult
from mockllm.core.verdicts.client import Client
from mockllm.core.verdicts.client_history import ClientHistory, PromptIndex
from mockllm.core.verdicts.observed_request import ObservedRequest
from mockllm.core.verdicts.retry_chains import retry_chains


class ClientReport(Struct, frozen=True):
    """How one client behaved in one session: the verdicts on it, in the table's order."""

    client: Client
    session: str | None
    requests: int
    verdicts: tuple[VerdictResult, ...]


def evaluate(
    deeds: Sequence[ObservedRequest],
    now: float,
    *,
    over: bool = True,
    lost: bool = False,
    since: float | None = None,
) -> list[ClientReport]:
    """The conduct of each client in each session, in the order of their first requests. `now` is on the clock of
    the requests; `over`: what a client has not done by now it never will; `lost`: there were older requests,
    which are not known any more. `since`, in seconds since the epoch: nothing is told of what was over before,
    though it counts for what came of it."""
    ordered = sorted(deeds, key=lambda deed: deed.begun)
    said = PromptIndex(ordered)
    parties: dict[tuple[Client, str | None], list[ObservedRequest]] = {}
    for deed in ordered:
        parties.setdefault((deed.client, deed.session), []).append(deed)
    begin = min((deed.begun for deed in deeds), default=now) if lost else None
    found = []
    for (client, session), own in parties.items():
        told = [deed for deed in own if since is None or deed.at >= since]
        if told:
            dealings = ClientHistory(own, retry_chains(own, begin), said, now, over)
            found.append(
                ClientReport(client, session, len(told), tuple(_given(dealings, {each.id for each in told})))
            )
    return found


def _given(dealings: ClientHistory, told: Container[int]) -> Iterator[VerdictResult]:
    """The verdicts that those requests show, or some of them with others."""
    for verdict in VERDICTS.values():
        cases = tuple(each for each in verdict.finds(dealings) if any(deed.id in told for deed in each.deeds))
        if cases:
            yield VerdictResult(verdict, cases)
