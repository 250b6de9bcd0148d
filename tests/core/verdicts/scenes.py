"""Scenes for the judge, written as a script: what a client asked when, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mockllm.core.rendering.plan import CutStep, EventStep, Framing, How, Plan, ResponseHead, Step, WaitStep
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.core.verdicts import Client, ClientReport, ObservedRequest, VerdictResult, evaluate

CLIENT = Client("Program/1", "k", "127.0.0.1")
BEGUN = 1_000.0
"""When a scene begins, on its clock."""
EPOCH = 1_700_000_000.0
"""The same in seconds since the epoch."""


class Asked(Request):
    """A request whose readings are given."""

    dialect = "test"

    def __init__(self, said: Sequence[tuple[str, str]], *, stream: bool, headers: Mapping[str, str]) -> None:
        raw = json.dumps([*said, stream]).encode()
        super().__init__(method="POST", path="/v1/x", headers=headers, raw=raw)
        vars(self)["messages"] = tuple(Message(role, (TextPart(text),)) for role, text in said)  # type: ignore[arg-type]
        vars(self)["stream"] = stream


class Scene:
    """Builds deeds in the order of their ids; all times are in seconds from the beginning."""

    def __init__(self) -> None:
        self.deeds: list[ObservedRequest] = []

    def ask(
        self,
        at: float,
        status: int = 200,
        *,
        took: float | None = 0.0,
        said: str | Sequence[tuple[str, str]] = "hi",
        left: str | None = "finished",
        headers: Mapping[str, str] | None = None,
        retry: int | None = None,
        told: Mapping[str, str] | None = None,
        body: Any = None,
        plan: Plan | None = None,
        stream: bool = False,
        heard: str | None = None,
        client: Client = CLIENT,
        session: str | None = None,
        error: str | None = None,
        faults: tuple[str, ...] = (),
    ) -> ObservedRequest:
        """`told` are headers of the answer; `heard` what its stream said that never said why it ended."""
        sent = dict(headers or {}) | ({} if retry is None else {"x-stainless-retry-count": str(retry)})
        messages = [("user", said)] if isinstance(said, str) else said
        request = Asked(messages, stream=stream, headers=sent)
        made = plan or whole(status, tuple((told or {}).items()), body)
        ended, left = (None, None) if took is None else (BEGUN + at + took, left)
        deed = ObservedRequest(
            len(self.deeds) + 1, client, session,
            at=EPOCH + at, begun=BEGUN + at, ended=ended, left=left, status=status, error=error, faults=faults,
            read=lambda: request, plan=lambda: made, hear=lambda request, plan: heard,
        )  # fmt: skip
        self.deeds.append(deed)
        return deed

    def often(self, at: Sequence[float], status: int = 503, **more: Any) -> None:
        """The same at each of these times."""
        for each in at:
            self.ask(each, status, **more)

    def judged(self, at: float = 1_000.0, **more: Any) -> list[ClientReport]:
        return evaluate(self.deeds, BEGUN + at, **more)

    def given(self, at: float = 1_000.0, **more: Any) -> dict[str, VerdictResult]:
        """The verdicts on all, by name."""
        return {each.verdict.name: each for one in self.judged(at, **more) for each in one.verdicts}

    def shown(self, at: float = 1_000.0, **more: Any) -> dict[str, list[int]]:
        """The same, with the ids of what shows each."""
        return {name: [deed.id for deed in each.deeds] for name, each in self.given(at, **more).items()}


def whole(status: int = 200, headers: tuple[tuple[str, str], ...] = (), body: Any = None) -> Plan:
    return Plan(ResponseHead(status, headers), (EventStep(json.dumps(body).encode(), 0, "body"),))


def streamed(
    waits: Sequence[float], *, cut: How | None = None, delay: float = 0.0, after: int | None = None
) -> Plan:
    """A stream of a chunk behind each of these waits; it ends with a cut, behind so many chunks."""
    steps: list[Step] = []
    for beat, wait in enumerate(waits, 1):
        if after is not None and beat > after:
            break
        steps += [WaitStep(wait, beat - 1), EventStep(b"{}", beat, "say")]
    steps += [CutStep(cut, len(waits))] if cut is not None else [EventStep(b"end", len(waits), "end")]
    return Plan(ResponseHead(200, ()), tuple(steps), Framing.SSE, delay)
