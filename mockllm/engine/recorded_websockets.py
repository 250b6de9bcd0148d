"""Recorded WebSockets: the plan of the handshake, whose session plays the recorded messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from mockllm.core.rendering.pacing import chunk_waits
from mockllm.core.rendering.plan import DEFAULT_DELIVERY, SWITCHING_PROTOCOLS, Plan, ResponseHead
from mockllm.core.rendering.recorded_websocket import (
    RecordedMessage,
    RecordedTurn,
    RecordedWebSocketSession,
    paced_waits,
    recorded_waits,
    turns_of,
)
from mockllm.core.tokens import estimate
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.plan_context import PlanContext
from mockllm.engine.replay import UnreplayableRecording
from mockllm.engine.websocket_handshake import is_websocket_handshake
from mockllm.scenario.catalog import CompiledResponse
from mockllm.scenario.language.replay import ReplaySpec, WebSocketMessageSpec
from mockllm.scenario.settings_merge import ResolvedSettings

MAX_CACHED: int = 256
"""The most recordings that are cached as turns."""


class NoHandshake(UnreplayableRecording):
    """A rule replays a WebSocket to a request that opens none."""

    def __init__(self) -> None:
        super().__init__("it replays the messages of a WebSocket, and this request opens none")


class WebSocketReplayPlanner:
    """Makes the plans of recorded WebSockets, and caches their turns."""

    def __init__(self) -> None:
        # a recording is divided into turns once for all of its handshakes
        self._turns: BoundedCache[tuple[CompiledResponse, Sequence[RecordedTurn]]] = BoundedCache(MAX_CACHED)

    def plan(self, context: PlanContext, spec: ReplaySpec, resolved: ResolvedSettings) -> Plan:
        """Return the plan of a handshake. Raises NoHandshake for any other request."""
        if not is_websocket_handshake(context.request):
            raise NoHandshake
        turns = self._turns_of(context.compiled, spec)
        waits = _waits(context, spec, resolved)
        head = ResponseHead(SWITCHING_PROTOCOLS, tuple(spec.headers.items()))
        return Plan(
            head,
            (),
            delivery=replace(
                DEFAULT_DELIVERY, websocket_factory=lambda: RecordedWebSocketSession(turns, waits)
            ),
        )

    def _turns_of(self, compiled: CompiledResponse, spec: ReplaySpec) -> Sequence[RecordedTurn]:
        cached = self._turns.get(id(compiled))
        if cached is None:
            cached = (compiled, turns_of(_messages(spec.messages or ())))
            self._turns.put(id(compiled), cached)
        return cached[1]


def _messages(specs: Sequence[WebSocketMessageSpec]) -> list[RecordedMessage]:
    messages, at = [], 0.0
    for spec in specs:
        at = at if spec.at is None else spec.at
        values = (at, spec.bytes, spec.from_ == "client", spec.is_binary, spec.close)
        messages.append(RecordedMessage(*values))
    return messages


def _waits(
    context: PlanContext, spec: ReplaySpec, resolved: ResolvedSettings
) -> Callable[[RecordedTurn], Sequence[float]]:
    """Return the waits of a turn: as recorded, or by the scenario's pace."""
    if spec.speed is not None:
        return recorded_waits(spec.speed)
    random = context.randomness.random("pace")

    def pace(messages: Sequence[RecordedMessage]) -> Sequence[float]:
        if resolved.unpaced:
            return [0.0] * len(messages)
        sizes = [estimate(each.data.decode("utf-8", "replace")) for each in messages]
        return [min(wait, resolved.max_wait) for wait in chunk_waits(resolved.pace, sizes, random)]

    return paced_waits(pace)
