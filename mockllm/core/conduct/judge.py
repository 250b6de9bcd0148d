"""Verdicts on each client, from all that came: pure, so that the same requests always give the same verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mockllm.core.conduct.client import Client
from mockllm.core.conduct.dealings import Dealings
from mockllm.core.conduct.deed import Deed
from mockllm.core.conduct.tries import tries
from mockllm.core.conduct.verdicts import VERDICTS, Given


@dataclass(frozen=True)
class Conduct:
    """How one client behaved in one session: the verdicts on it, in the table's order."""

    client: Client
    session: str | None
    requests: int
    verdicts: tuple[Given, ...]


def judge(deeds: Sequence[Deed], now: float, *, over: bool = True) -> list[Conduct]:
    """The conduct of each client in each session, in the order of their first requests. `now` is on the clock of
    the requests; `over`: what a client has not done by now it never will."""
    parties: dict[tuple[Client, str | None], list[Deed]] = {}
    for deed in sorted(deeds, key=lambda deed: deed.begun):
        parties.setdefault((deed.client, deed.session), []).append(deed)
    found = []
    for (client, session), own in parties.items():
        dealings = Dealings(own, tries(own), deeds, now, over)
        cases = ((verdict, tuple(verdict.finds(dealings))) for verdict in VERDICTS.values())
        given = tuple(Given(verdict, instances) for verdict, instances in cases if instances)
        found.append(Conduct(client, session, len(own), given))
    return found
