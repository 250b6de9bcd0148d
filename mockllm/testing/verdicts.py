"""Verdicts on the clients of a test's server: `assert not mockllm.verdicts.bad`.

The verdicts are defined in `mockllm.core.verdicts`. This module presents them to a test, with the requests that show
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from mockllm.core.redaction import Redactor, client_key_hash, optional_key_hash, secrets_of
from mockllm.core.verdicts import VERDICTS, Client, ClientReport, ObservedRequest, VerdictResult, evaluate
from mockllm.dialects.provider_facts import wait_headers
from mockllm.engine.prompt_caching import MIN_BYTES, observed_prompt
from mockllm.server.verdict_input import is_judged_method, unfinished
from mockllm.testing.received_request import Received


class Verdict:
    """One verdict on one client."""

    def __init__(self, result: VerdictResult, report: ClientReport, requests: Sequence[Received]) -> None:
        verdict = result.verdict
        self.name = verdict.name
        self.good = verdict.good
        self.says = result.message
        """The first case in a sentence, and the number of others; `#3` is the third request."""
        self.rule_of_conduct = verdict.rule_with_source
        """The rule that a client should follow, and its source."""
        self.client = str(report.client)
        """The user agent, the hash of the key, the address."""
        self.session = report.session
        self.requests = [requests[observed.id - 1] for observed in result.requests]
        """The requests that show it."""
        self.shown = [str(observed) for observed in result.requests]
        """The same as lines."""

    def __str__(self) -> str:
        """Return the verdict, the rule, and the requests."""
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
        """The bad verdicts."""
        return Verdicts([each for each in self if not each.good])

    @property
    def good(self) -> Verdicts:
        return Verdicts([each for each in self if each.good])

    @property
    def names(self) -> list[str]:
        """The names, each once, in the order of the table: `"recovered" in mockllm.verdicts.names`."""
        names = {each.name for each in self}
        return [name for name in VERDICTS if name in names]

    def check(self, *allowed: str) -> None:
        """Raise AssertionError with all details for a bad verdict that is not allowed, ValueError for an unknown
        name."""
        for name in allowed:
            if name not in VERDICTS:
                raise ValueError(f"unknown verdict {name!r}; expected one of {', '.join(VERDICTS)}")
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
        """Return a short form, which pytest shows."""
        return "[" + ", ".join(f"{each.name}: {each.says}" for each in self) + "]"


def verdicts(received: Sequence[Received], now: float, *, lost: bool = False) -> Verdicts:
    """Return the verdicts on the clients of these requests. `now`, in seconds since the epoch, is the end: no later
    requests of a client are expected. `lost` means that older requests were dropped."""
    observed = [
        _observed(number, each) for number, each in enumerate(received, 1) if is_judged_method(each.method)
    ]
    reports = evaluate(observed, now, lost=lost)
    return Verdicts([Verdict(result, report, received) for report in reports for result in report.verdicts])


def _observed(number: int, each: Received) -> ObservedRequest:
    request = each.request
    target = f"{request.path}?{request.query_string}"
    key = client_key_hash(request.headers, target) or optional_key_hash(request.api_key)
    redactor = Redactor(secrets_of(request.headers.items(), target))
    return ObservedRequest(
        number,
        Client(redactor.text(request.headers.get("user-agent", "")), key or "", request.client_address),
        request.session,
        at=request.now,
        started=request.now,
        ended=None if each.took is None else request.now + each.took,
        end_reason=each.left,
        status=each.status,
        error=each.error,
        faults=each.faults,
        read=lambda: request,
        plan=lambda: each._response.plan,
        unfinished_text=unfinished,
        prompt=observed_prompt if len(request.raw) >= MIN_BYTES else None,
        time_scale=each._response.time_scale,
        is_for_mcp_server=request.is_for_mcp_server,
        unmatched=each._response.unmatched,
        wait_headers=wait_headers(request.provider),
    )
