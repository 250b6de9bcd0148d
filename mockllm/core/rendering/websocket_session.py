"""A WebSocket as data: what a protocol makes of a client's messages. The server carries out the actions.

A protocol's session is pure: it has no socket and no clock. It returns actions for each message and for each response
that ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple, Protocol, TypeAlias

from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, Step, WaitStep
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import ObjectLookup, StorageUpdate

WEBSOCKET_METHOD: str = "WS"
"""The method of handshakes and messages in the route table. For a message, a space and the name of its event follow,
which no method of HTTP contains."""
MAX_CONVERSATION: int = 4 * 2**20
"""The bytes of the conversation of a WebSocket, as JSON; the oldest items are evicted first. Each turn reads all."""


class SendMessages(NamedTuple):
    """Messages, in this order: texts, or bytes if `binary`."""

    payloads: tuple[bytes, ...]
    binary: bool = False


class StartResponse(NamedTuple):
    """A request to the rules: `kind` names its route, `body` is its body. `queue_name` names a queue of the
    WebSocket's requests, which wait for each other."""

    kind: str
    body: bytes
    queue_name: str = ""


class PlayMessages(NamedTuple):
    """The recorded messages that respond to one message of the client. They are sent at the times of the plan, after
    the response to the client's message before. `kind` names the client's message and `body` is its content, for the
    log and the journal; `note` is a remark on it."""

    kind: str
    body: bytes
    plan: Plan
    note: str | None = None
    queue_name: str = ""


class StopResponse(NamedTuple):
    """The present response of a queue (see `StartResponse`) is not sent to its end."""

    queue_name: str = ""


class ChangeStoredObjects(NamedTuple):
    """The stored objects of a session change, such as a response that is not sent to its end. It had been stored
    when it was planned."""

    session: str
    update: StorageUpdate


class CloseWebSocket(NamedTuple):
    """The WebSocket ends with this code."""

    code: int
    reason: str = ""


class ServeOthers(NamedTuple):
    """The server may serve others before it takes the next action, which the session needs some time to make.
    Responses on this WebSocket may end meanwhile. Only `receive` has this action."""


WebSocketAction: TypeAlias = (
    SendMessages
    | StartResponse
    | PlayMessages
    | StopResponse
    | ChangeStoredObjects
    | CloseWebSocket
    | ServeOthers
)
PlayedSeconds: TypeAlias = Callable[[str], float]
"""The seconds of its plan for which the response of a queue has been sent; minus infinity where none has begun."""
SERVE_OTHERS: ServeOthers = ServeOthers()
NOTHING_TO_DO: Sequence[WebSocketAction] = ()


def nothing_played(queue_name: str) -> float:
    """Return that no response has begun (`PlayedSeconds`)."""
    return -inf


def message_plan(plan: Plan, framing: Framing = Framing.WEBSOCKET) -> Plan:
    """Return the plan with one message for each event, or one for the body. A plan that is not framed for a WebSocket
    loses the times of its events: all its waits come before the first message."""
    if plan.framing.is_websocket:
        return plan
    steps: list[Step] = [WaitStep(sum(step.seconds for step in plan.steps if isinstance(step, WaitStep)), 0)]
    steps += [EventStep(payload, 0, "body") for payload, _ in events(plan)]
    steps += [step for step in plan.steps if isinstance(step, CutStep)]
    return Plan(plan.head, tuple(steps), framing, plan.delay)


def timed_messages(plan: Plan) -> list[tuple[float, bytes]]:
    """Return the messages of a plan with their times in seconds."""
    seconds, messages = plan.delay, []
    for step in plan.steps:
        if isinstance(step, WaitStep):
            seconds += step.seconds
        elif isinstance(step, EventStep):
            messages.append((seconds, step.payload))
    return messages


class WebSocketSession(Protocol):
    """The state of one WebSocket. No method raises on any message."""

    def opening(self) -> Sequence[WebSocketAction]:
        """Return what is done when the WebSocket opens."""

    def receive(
        self, message: str | bytes, now: float, played: PlayedSeconds = nothing_played
    ) -> Iterable[WebSocketAction]:
        """Return what is done on a message; `now` is in seconds since the epoch. An iterator makes
        each action when the server takes it."""

    def lookup(self, lookup: ObjectLookup) -> ObjectLookup:
        """Return what the requests of this WebSocket find of the session's stored objects."""

    def messages(self, queue_name: str, request: Request, plan: Plan) -> Plan:
        """Return a response as the messages that are sent. The session may keep it."""

    def ended(self, queue_name: str, sent: float | None) -> Sequence[WebSocketAction]:
        """Return what is done after a response. `sent`: the seconds of its plan after which a StopResponse ended it;
        None where it was sent to its end. Minus infinity: it had not begun."""


def is_handshake(method: str, headers: Mapping[str, str]) -> bool:
    """Return whether a request is the handshake of a WebSocket (RFC 6455, section 4.1)."""
    return method == "GET" and headers.get("upgrade", "").strip().lower() == "websocket"
