"""Scripts for tests of verdicts: when a client sends which request, and how the request ends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mockllm.core.rendering.plan import (
    CutKind,
    CutStep,
    EventStep,
    Framing,
    Plan,
    ResponseHead,
    Step,
    WaitStep,
)
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.core.verdicts import Client, ClientReport, ObservedRequest, VerdictResult, evaluate
from mockllm.core.verdicts.retry_after import NO_UNITS

CLIENT = Client("Program/1", "k", "127.0.0.1")
START = 1_000.0
"""The start of a script on its clock."""
EPOCH = 1_700_000_000.0
"""The start in seconds since the epoch."""


class ScriptedRequest(Request):
    """A request with fixed messages."""

    dialect = "test"

    def __init__(self, turns: Sequence[tuple[str, str]], *, stream: bool, headers: Mapping[str, str]) -> None:
        raw = json.dumps([*turns, stream]).encode()
        super().__init__(method="POST", path="/v1/x", headers=headers, raw=raw)
        vars(self)["messages"] = tuple(Message(role, (TextPart(text),)) for role, text in turns)  # type: ignore[arg-type]
        vars(self)["stream"] = stream


class ClientScript:
    """Collects observed requests in the order of their ids. All times are in seconds from the start."""

    def __init__(self) -> None:
        self.requests: list[ObservedRequest] = []

    def send(
        self,
        at: float,
        status: int = 200,
        *,
        took: float | None = 0.0,
        prompt: str | Sequence[tuple[str, str]] = "hi",
        left: str | None = "finished",
        headers: Mapping[str, str] | None = None,
        retry: int | None = None,
        response_headers: Mapping[str, str] | None = None,
        body: Any = None,
        plan: Plan | None = None,
        stream: bool = False,
        unfinished: str | None = None,
        client: Client = CLIENT,
        session: str | None = None,
        error: str | None = None,
        faults: tuple[str, ...] = (),
        time_scale: float = 1.0,
        unmatched: bool = False,
        wait_headers: Mapping[str, float] = NO_UNITS,
    ) -> ObservedRequest:
        """Add a request. `unfinished` is the text of a stream without a finish reason."""
        sent = dict(headers or {}) | ({} if retry is None else {"x-stainless-retry-count": str(retry)})
        turns = [("user", prompt)] if isinstance(prompt, str) else prompt
        request = ScriptedRequest(turns, stream=stream, headers=sent)
        response = plan or whole(status, tuple((response_headers or {}).items()), body)
        ended, left = (None, None) if took is None else (START + at + took, left)
        observed = ObservedRequest(
            len(self.requests) + 1, client, session,
            at=EPOCH + at, started=START + at, ended=ended, end_reason=left, status=status, error=error,
            faults=faults,
            read=lambda: request, plan=lambda: response, unfinished_text=lambda request, plan: unfinished,
            time_scale=time_scale, unmatched=unmatched, wait_headers=wait_headers,
        )  # fmt: skip
        self.requests.append(observed)
        return observed

    def send_at(self, times: Sequence[float], status: int = 503, **options: Any) -> None:
        """Add an equal request at each of these times."""
        for time in times:
            self.send(time, status, **options)

    def reports(self, at: float = 1_000.0, **options: Any) -> list[ClientReport]:
        return evaluate(self.requests, START + at, **options)

    def results(self, at: float = 1_000.0, **options: Any) -> dict[str, VerdictResult]:
        """Return the verdicts on all clients by name."""
        return {
            result.verdict.name: result
            for report in self.reports(at, **options)
            for result in report.verdicts
        }

    def verdicts(self, at: float = 1_000.0, **options: Any) -> dict[str, list[int]]:
        """Return the ids of the requests that show each verdict."""
        return {
            name: [observed.id for observed in result.requests]
            for name, result in self.results(at, **options).items()
        }


def whole(status: int = 200, headers: tuple[tuple[str, str], ...] = (), body: Any = None) -> Plan:
    return Plan(ResponseHead(status, headers), (EventStep(json.dumps(body).encode(), 0, "body"),))


def streamed(
    waits: Sequence[float], *, cut: CutKind | None = None, delay: float = 0.0, after: int | None = None
) -> Plan:
    """Return a stream with a chunk after each of these waits. It ends with a cut, or after so many chunks."""
    steps: list[Step] = []
    for chunk, wait in enumerate(waits, 1):
        if after is not None and chunk > after:
            break
        steps += [WaitStep(wait, chunk - 1), EventStep(b"{}", chunk, "chunk")]
    steps += [CutStep(cut, len(waits))] if cut is not None else [EventStep(b"end", len(waits), "end")]
    return Plan(ResponseHead(200, ()), tuple(steps), Framing.SSE, delay)
