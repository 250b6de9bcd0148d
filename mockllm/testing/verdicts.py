"""Verdicts on the clients of a test's server: `assert not mockllm.verdicts.bad`.

What they are and when they are given stands in `mockllm.core.verdicts`; here they are told to a test, with the
requests that show them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from mockllm.core.verdicts import VERDICTS, Client, ClientReport, ObservedRequest, VerdictResult, evaluate
from mockllm.server.journal import redaction
from mockllm.server.verdict_input import JUDGED, unfinished
from mockllm.testing.received_request import Received


class Verdict:
    """One verdict on one client."""

    def __init__(self, given: VerdictResult, conduct: ClientReport, requests: Sequence[Received]) -> None:
        verdict = given.verdict
        self.name = verdict.name
        self.good = verdict.good
        self.says = given.message
        """Its first case in a sentence, and how many others there are; `#3` is the third request."""
        self.rule_of_conduct = verdict.rule_with_source
        """What a client should do, and who says so."""
        self.client = str(conduct.client)
        """Its user agent, the hash of its key, its address."""
        self.session = conduct.session
        self.requests = [requests[observed.id - 1] for observed in given.requests]
        """The requests that show it."""
        self.shown = [str(observed) for observed in given.requests]
        """The same, a line each."""

    def __str__(self) -> str:
        """The verdict, the rule, and the requests."""
        lines = (self.rule_of_conduct, *self.shown)
        return f"{self.name} by {self.client}: {self.says}" + "".join(f"\n    {line}" for line in lines)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.says}>"


class Verdicts(Sequence[Verdict]):
    """The verdicts on all clients, or some of them."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self._verdicts = verdicts

    @property
    def bad(self) -> Verdicts:
        """What clients do that they should not."""
        return Verdicts([each for each in self if not each.good])

    @property
    def good(self) -> Verdicts:
        return Verdicts([each for each in self if each.good])

    @property
    def names(self) -> list[str]:
        """Each once, in the order of the table: `"recovered" in mockllm.verdicts.names`."""
        given = {each.name for each in self}
        return [name for name in VERDICTS if name in given]

    def check(self, *allowed: str) -> None:
        """AssertionError with all there is to tell, where a bad one was given that is not allowed. ValueError
        where there is no such verdict."""
        for name in allowed:
            if name not in VERDICTS:
                raise ValueError(f"there is no verdict {name!r}; there are {', '.join(VERDICTS)}")
        found = Verdicts([each for each in self.bad if each.name not in allowed])
        if found:
            raise AssertionError(str(found))

    @overload
    def __getitem__(self, place: int) -> Verdict: ...
    @overload
    def __getitem__(self, place: slice) -> Verdicts: ...
    def __getitem__(self, place: int | slice) -> Verdict | Verdicts:
        return Verdicts(self._verdicts[place]) if isinstance(place, slice) else self._verdicts[place]

    def __len__(self) -> int:
        return len(self._verdicts)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self._verdicts)

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no verdict"

    def __repr__(self) -> str:
        """Short: pytest shows no more of it."""
        return "[" + ", ".join(f"{each.name}: {each.says}" for each in self) + "]"


def verdicts(came: Sequence[Received], now: float, *, lost: bool = False) -> Verdicts:
    """On the clients of these requests. `now` in seconds since the epoch: what a client has not done by then it
    never will; `lost`: there were older ones."""
    deeds = [_deed(number, each) for number, each in enumerate(came, 1) if each.method == JUDGED]
    return Verdicts(
        [Verdict(given, each, came) for each in evaluate(deeds, now, lost=lost) for given in each.verdicts]
    )


def _deed(number: int, each: Received) -> ObservedRequest:
    request = each.request
    key = redaction.key_of(request.headers, f"{request.path}?{request.query_string}")
    return ObservedRequest(
        number,
        Client(request.headers.get("user-agent", ""), key or "", request.client),
        request.session,
        at=request.now,
        started=request.now,
        ended=None if each.took is None else request.now + each.took,
        left=each.left,
        status=each.status,
        error=each.error,
        faults=each.faults,
        read=lambda: request,
        plan=lambda: each._answer.plan,
        unfinished_text=unfinished,
    )
