"""Ended exchanges for tests of the journal, and journals that are filled with them."""

from __future__ import annotations

from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal.journal import (
    Journal,
)
from tests.server.fake_engine import whole


def ended_exchange(
    number: int = 0, body: bytes = b"", answer: PlannedResponse | None = None, path: str = "/v1/x"
) -> EndedExchange:
    built = answer or PlannedResponse(whole(str(number)), f"a.yaml:r{number}", unmatched=number % 2 == 1)
    return EndedExchange(
        client_address="127.0.0.1",
        raw=body,
        now=100.0 + number,
        monotonic=5.0,
        response=built,
        duration=0.25,
        method="POST",
        target=path,
        request_class=Request,
    )


def fill(journal: Journal, count: int, body: bytes = b"") -> Journal:
    for number in range(count):
        journal.add(ended_exchange(number, body))
    return journal
