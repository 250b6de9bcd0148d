"""An engine that responds by the path alone, for the tests of the server, and the content of its streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead, Step, WaitStep
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import EMPTY_LOOKUP, ObjectLookup, StorageUpdate, StoredObject
from mockllm.engine import EngineInfo, EngineRequest, PlannedResponse
from mockllm.state.fetched_objects import ObjectToFetch

Built = Callable[[Request], Plan | PlannedResponse]


def whole(text: str = "hello", status: int = 200, delay: float = 0.0) -> Plan:
    """A non-streaming response of plain text."""
    head = ResponseHead(status, (("Content-Type", "text/plain"),))
    return Plan(head, (EventStep(text.encode(), 1, "body"),), Framing.PLAIN, delay)


def streamed(*steps: Step, delay: float = 0.0) -> Plan:
    """A stream of server-sent events."""
    return Plan(ResponseHead(200, (("Content-Type", "text/event-stream"),)), steps, Framing.SSE, delay)


def say(text: str, chunk_number: int = 1) -> EventStep:
    return EventStep(text.encode(), chunk_number, "chunk")


def chunks(count: int, gap: float) -> Plan:
    """`count` events, `gap` seconds apart, the first after one gap."""
    steps: list[Step] = []
    for number in range(1, count + 1):
        steps += [WaitStep(gap, number - 1), say(f"chunk {number}", number)]
    return streamed(*steps)


class FakeHeading(NamedTuple):
    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]

    def with_headers(self, headers: Mapping[str, str], *, is_unique: bool = False) -> FakeHeading:
        return self._replace(headers=headers)

    def use_session(self, now: float, monotonic: float) -> None:
        """No head has a session."""

    def read(
        self,
        raw: bytes,
        client_address: str,
        now: float,
        monotonic: float | None = None,
        *,
        uses_session: bool = True,
    ) -> EngineRequest:
        head = self._asdict()
        return EngineRequest(**head, raw=raw, client_address=client_address, now=now, monotonic=monotonic)


class FakeEngine:
    """`plans` by path; anything else is a 404 that echoes what was read."""

    def __init__(
        self, plans: Mapping[str, Plan | Built] | None = None, about: EngineInfo | None = None
    ) -> None:
        self.plans = dict(plans or {})
        self.seen: list[Request] = []
        self._about = about or EngineInfo(rules=3, files=1, rule_paths=("/mine",), bases=(("OpenAI", "/v1"),))

    def request_reader(
        self, method: str, path: str, query_string: str, headers: Mapping[str, str], *, over_tls: bool = False
    ) -> FakeHeading:
        return FakeHeading(method, path, query_string, headers)

    def read_ahead(self, request: Request) -> None:
        """The path alone decides."""

    def begin_response(self, request: Request, *, deferrable: bool = True) -> PlannedResponse:
        self.seen.append(request)
        built = self.plans.get(request.path)
        if built is None:
            return PlannedResponse(whole(f"no {request.method} {request.path}", 404), None, unmatched=True)
        planned = built if isinstance(built, Plan) else built(request)
        return (
            planned
            if isinstance(planned, PlannedResponse)
            else PlannedResponse(planned, f"a.yaml:{request.path}")
        )

    def stored(self, session: str, id: str) -> StoredObject | ObjectToFetch | None:
        return None

    def apply_storage_update(
        self, session: str, update: StorageUpdate, read: ObjectLookup = EMPTY_LOOKUP
    ) -> bool:
        """Store nothing."""
        return True

    def serves(self, request: Request) -> bool:
        return request.path in self.plans

    def refuse(self, failure: Failure, request: Request) -> PlannedResponse:
        body = dumps({"error": {"type": failure.type, "message": failure.message}})
        head = ResponseHead(failure.status or 400, (("Content-Type", "application/json"),))
        return PlannedResponse(Plan(head, (EventStep(body, 0, "body"),)), None)

    def info(self) -> EngineInfo:
        return self._about
