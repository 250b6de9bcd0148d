"""A WebSocket without a socket: a session of a dialect, and an engine for the requests that it makes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from math import inf
from typing import Any, cast

from mockllm.core.rendering.event_parser import events, sent_bytes
from mockllm.core.rendering.plan import CutStep, Plan
from mockllm.core.rendering.websocket_frames import CLOSE, WebSocketFrame, read_frames
from mockllm.core.rendering.websocket_session import (
    ChangeStoredObjects,
    CloseWebSocket,
    PlayMessages,
    SendMessages,
    ServeOthers,
    StartResponse,
    StopResponse,
    WebSocketAction,
    WebSocketSession,
)
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.state.engine_state import EngineState
from tests.language.virtual_server import NOW, VirtualServer

UPGRADE = {"upgrade": "websocket"}


@cache
def _catalog(rules: str) -> Catalog:
    """Load rules once: a test of fields opens hundreds of sockets."""
    return VirtualServer(rules).engine.catalog


class VirtualSocket:
    """An open socket. Responses are sent at once, unless `held`: then they run until they are stopped."""

    def __init__(self, rules: str, path: str, query: str = "") -> None:
        self.engine = Engine(_catalog(rules), EngineState())
        self.path, self.query = path, query
        plan = self._respond("GET", b"")
        assert plan.head.status == 101
        assert plan.delivery.websocket_factory is not None
        self.session = cast(WebSocketSession, plan.delivery.websocket_factory())
        self.held: set[str] = set()
        self.running: dict[str, float] = {}
        self.started: list[StartResponse] = []
        """All requests to the rules."""
        self._plans: dict[str, Plan] = {}
        """The held responses by their queues."""
        self.closes: list[tuple[int, str]] = []
        """The codes and reasons with which the server has closed the socket."""
        self.opening = self._perform(self.session.opening())

    def _respond(self, method: str, body: bytes, queue_name: str | None = None) -> Any:
        request = self.engine.read(method, self.path, self.query, UPGRADE, body, "", NOW)
        if queue_name is not None:
            request.object_lookup = self.session.lookup(request.object_lookup)
        plan = self.engine.respond(request).plan
        return plan if queue_name is None else self.session.messages(queue_name, request, plan)

    def send(self, message: Any, after: float = 0.0) -> list[Any]:
        """Return the events that a message leads to. A response that it stops has run for so many seconds."""
        self.running = dict.fromkeys(self.running, after)
        text = message if isinstance(message, str | bytes) else json.dumps(message)
        return self._perform(self.session.receive(text, NOW, lambda queue: self.running.get(queue, -inf)))

    def held_events(self, queue_name: str) -> list[Any]:
        """Return all events of a held response."""
        return [json.loads(payload) for payload, _ in events(self._plans[queue_name])]

    def release(self, queue_name: str) -> list[Any]:
        """Send a held response to its end."""
        del self.running[queue_name]
        self.held.clear()
        return self._play(queue_name, self._plans.pop(queue_name))

    def _perform(self, actions: Any) -> list[Any]:
        found: list[Any] = []
        for action in cast("Iterable[WebSocketAction]", actions):
            if isinstance(action, SendMessages):
                found += map(json.loads, action.payloads)
            elif isinstance(action, PlayMessages):
                found += [json.loads(payload) for payload, _ in events(action.plan)]
            elif isinstance(action, StartResponse):
                self.started.append(action)
                plan = self._respond(f"WS {action.kind}", action.body, action.queue_name)
                if action.kind in self.held:
                    self.running[action.queue_name] = 0.0
                    self._plans[action.queue_name] = plan
                    continue
                found += self._play(action.queue_name, plan)
            elif isinstance(action, StopResponse):
                if action.queue_name in self.running:
                    found += self._perform(
                        self.session.ended(action.queue_name, self.running.pop(action.queue_name))
                    )
            elif isinstance(action, CloseWebSocket):
                self.closes.append((action.code, action.reason))
            elif isinstance(action, ChangeStoredObjects):
                self.engine.apply_storage_update(action.session, action.update)
            else:
                assert isinstance(action, ServeOthers)
        return found

    def _play(self, queue_name: str, plan: Plan) -> list[Any]:
        """Return the events of a response that is sent to its end, and of what follows."""
        found = [json.loads(payload) for payload, _ in events(plan)]
        if plan.steps and isinstance(plan.steps[-1], CutStep):
            self.closes += [_close(frame) for frame in read_frames(sent_bytes(plan)) if frame.opcode == CLOSE]
            return found
        return found + self._perform(self.session.ended(queue_name, None))


def _close(frame: WebSocketFrame) -> tuple[int, str]:
    return int.from_bytes(frame.payload[:2], "big"), frame.payload[2:].decode()
