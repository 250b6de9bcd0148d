"""An engine that answers by the path alone: what the server is tested with, and what a stream of it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import Data, Framing, Head, Plan, Step, Wait
from mockllm.core.request.request import Request
from mockllm.engine import About, Answer

Made = Callable[[Request], Plan | Answer]


def whole(text: str = "hello", status: int = 200, delay: float = 0.0) -> Plan:
    """A whole answer of plain text."""
    head = Head(status, (("Content-Type", "text/plain"),))
    return Plan(head, (Data(text.encode(), 1, "body"),), Framing.PLAIN, delay)


def streamed(*steps: Step, delay: float = 0.0) -> Plan:
    """A stream of server-sent events."""
    return Plan(Head(200, (("Content-Type", "text/event-stream"),)), steps, Framing.SSE, delay)


def say(text: str, beat: int = 1) -> Data:
    return Data(text.encode(), beat, "say")


def chunks(count: int, gap: float) -> Plan:
    """`count` events, `gap` seconds apart, the first after one gap."""
    steps: list[Step] = []
    for number in range(1, count + 1):
        steps += [Wait(gap, number - 1), say(f"chunk {number}", number)]
    return streamed(*steps)


class FakeHeading(NamedTuple):
    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]

    def read(self, raw: bytes, client: str, now: float) -> Request:
        return Request(**self._asdict(), raw=raw, client=client, now=now)


class FakeEngine:
    """`plans` by path; anything else is a 404 that echoes what was read."""

    def __init__(self, plans: Mapping[str, Plan | Made] | None = None, about: About | None = None) -> None:
        self.plans = dict(plans or {})
        self.seen: list[Request] = []
        self._about = about or About(rules=3, files=1, routes=("/mine",), bases=(("OpenAI", "/v1"),))

    def heading(self, method: str, path: str, query_string: str, headers: Mapping[str, str]) -> FakeHeading:
        return FakeHeading(method, path, query_string, headers)

    def answer(self, request: Request) -> Answer:
        self.seen.append(request)
        made = self.plans.get(request.path)
        if made is None:
            return Answer(whole(f"no {request.method} {request.path}", 404), None, missed=True)
        given = made if isinstance(made, Plan) else made(request)
        return given if isinstance(given, Answer) else Answer(given, f"a.yaml:{request.path}")

    def refuse(self, failure: Failure, request: Request) -> Answer:
        body = dumps({"error": {"type": failure.type, "message": failure.message}})
        head = Head(failure.status or 400, (("Content-Type", "application/json"),))
        return Answer(Plan(head, (Data(body, 0, "body"),)), None)

    def about(self) -> About:
        return self._about
