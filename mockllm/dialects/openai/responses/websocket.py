"""The responses protocol over a WebSocket: `GET /v1/responses` with an upgrade, then `response.create` messages.

Each `response.create` is a request to the rules, as the body of POST /v1/responses is; its events are text messages.
Requests with the same `stream_id` (or with none) run one after another. Errors are events with a status. The socket
remembers its last responses, also those with `store: false`, so that the next request can continue them. Sources: the
SDK's `responses.connect` and `ResponsesServerEvent`; the client of openai/codex (`responses_websocket.rs`), which
also sends `generate: false` to warm up and `response.processed`. `response.cancel` and its event are inferred.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import object_of, read_object, text_of
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead, Step
from mockllm.core.rendering.websocket_session import (
    NOTHING_TO_DO,
    ChangeStoredObjects,
    PlayedSeconds,
    SendMessages,
    StartResponse,
    StopResponse,
    WebSocketAction,
    message_plan,
    nothing_played,
    timed_messages,
)
from mockllm.core.reply.reply import Choice, Reply, Usage
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.errors import error_object
from mockllm.dialects.openai.responses.dialect import Responses
from mockllm.dialects.openai.responses.errors import ROWS
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.openai.responses.stored_calls import storage_update
from mockllm.dialects.openai.responses.stored_conversations import (
    conversation_items,
    stored_conversation,
    without_items,
)
from mockllm.dialects.openai.validators import missing_parameter, refuse

CREATE: Final = "response.create"
WARM_UP: Final = "response.create (generate: false)"
IGNORED: Final = ("response.processed",)
REMEMBERED: Final = 100
"""The most responses that a WebSocket stores."""
MESSAGE_FIELDS: Final = frozenset({"type", "stream_id", "generate"})
"""The fields of a message that no body of POST /v1/responses has."""
ENDS: Final = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"')


class MessageRequest(ResponsesRequest):
    """A `response.create` message, read as the body of POST /v1/responses."""

    background = False
    documented_fields = ResponsesRequest.documented_fields | MESSAGE_FIELDS

    @cached_property
    def stream(self) -> bool:
        return True

    @cached_property
    def stream_id(self) -> str | None:
        return text_of(object_of(self.body).get("stream_id"))


class ResponsesWebSocket(Responses):
    """A `response.create` message."""

    request_class = MessageRequest

    def check(self, request: Request) -> Failure | None:
        if request.fields.get("background") is True:
            return refuse("The 'background' parameter is not supported over WebSocket.", "background")
        return super().check(request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self.encode_stream(reply, request, identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return as_websocket_messages(super().encode_stream(reply, request, identity), request)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return socket_error(failure, request, identity, super().error(failure, request, identity))

    def encoding_key(self, request: Request) -> object:
        assert isinstance(request, MessageRequest)
        return super().encoding_key(request), value_or_digest(request.stream_id)


class WarmUpRequest(MessageRequest):
    api = "warm_up"
    generates = False


class WarmUp(ResponsesWebSocket):
    """A `response.create` message with `generate: false`: a response without output, which no rule makes."""

    api = "warm_up"
    generates = False
    request_class = WarmUpRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        reply = Reply((Choice(()),), Usage(request.input_tokens, 0))
        return self.encode_stream(reply, request, identity)


def as_websocket_messages(plan: Plan, request: Request) -> Plan:
    """Return a stream as messages, each with the stream id of its request."""
    assert isinstance(request, MessageRequest)
    steps: Sequence[Step] = plan.steps
    if request.stream_id is not None:
        member = b',"stream_id":%b}' % dumps(request.stream_id)
        steps = tuple(
            replace(step, payload=step.payload[:-1] + member) if isinstance(step, EventStep) else step
            for step in steps
        )
    return replace(plan, steps=steps, framing=Framing.WEBSOCKET)


def socket_error(failure: Failure, request: Request, identity: ResponseIdentity, plan: Plan) -> Plan:
    """Return an error as one message, with the status and the headers that `plan` has over HTTP."""
    headers = {
        name: value
        for name, value in plan.head.headers
        if name in ("x-request-id", "retry-after", "retry-after-ms") or name.startswith("x-ratelimit-")
    }
    event = {
        "type": "error",
        "status": plan.head.status,
        "error": error_object(failure, request, identity, ROWS),
        "headers": headers,
    }
    return as_websocket_messages(
        Plan(plan.head, (EventStep(dumps(event), 0, "error"),), Framing.WEBSOCKET), request
    )


class UnfinishedResponse(NamedTuple):
    """A response that is being sent: its request, and the names that find it in the store if it is sent whole."""

    request: MessageRequest
    names: Sequence[str]

    def cancelled(self, payload: bytes) -> Iterable[WebSocketAction]:
        """Return the change of the store by its end, which is this event. Only what was sent stays."""
        update = storage_update(_ended_by(payload), self.request)
        if update is None or update.stored is None:
            return
        unsent = [name for name in self.names if name not in update.names]
        update = update._replace(others=self._conversations(unsent), forgotten=tuple(unsent))
        yield ChangeStoredObjects(self.request.session or "", update)

    def _conversations(self, unsent: Collection[str]) -> tuple[StoredObject, ...]:
        """Return the request's conversation without these items if it has some of them."""
        id = self.request.conversation
        lookup, monotonic = self.request.object_lookup, self.request.monotonic
        stored = None if id is None else stored_conversation(id, lookup, monotonic)
        if stored is None or not any(item["id"] in unsent for item in conversation_items(stored)):
            return ()
        return (without_items(stored, unsent),)


class ResponsesSession:
    """The state of one WebSocket of the responses protocol."""

    def __init__(self) -> None:
        self._stored: OrderedDict[str, StoredObject] = OrderedDict()
        self._events: dict[str, Sequence[tuple[float, bytes]]] = {}
        """The messages of the running responses, with their times, by stream."""
        self._running: dict[str, UnfinishedResponse] = {}

    def opening(self) -> Sequence[WebSocketAction]:
        return NOTHING_TO_DO

    def receive(
        self, message: str | bytes, now: float, played: PlayedSeconds = nothing_played
    ) -> Sequence[WebSocketAction]:
        event = _event(message)
        if event is None:
            return (_refusal(refuse("A message is a text with a JSON object.")),)
        kind, stream = event.get("type"), text_of(event.get("stream_id")) or ""
        if kind == CREATE:
            raw = message.encode("utf-8", "replace") if isinstance(message, str) else message
            name = WARM_UP if event.get("generate") is False else CREATE
            return (StartResponse(name, raw, stream),)
        if kind == "response.cancel":
            return (StopResponse(stream),)
        if kind in IGNORED:
            return NOTHING_TO_DO
        failure = (
            missing_parameter("type")
            if kind is None
            else refuse(
                f"Invalid value: '{kind}'. Supported values are: 'response.create' and 'response.cancel'.",
                "type",
                "invalid_value",
            )
        )
        return (_refusal(failure),)

    def lookup(self, lookup: ObjectLookup) -> ObjectLookup:
        return WebSocketLookup(self._stored, lookup)

    def messages(self, queue_name: str, request: Request, plan: Plan) -> Plan:
        plan = message_plan(plan)
        self._remember(queue_name, request, timed_messages(plan))
        return plan

    def _remember(self, stream: str, request: Request, events: Sequence[tuple[float, bytes]]) -> None:
        assert isinstance(request, MessageRequest)
        self._events[stream] = events
        ends = events and any(events[-1][1].startswith(b'{"type":' + end) for end in ENDS)
        names = self._remember_end(request, events[-1][1]) if ends else ()
        self._running[stream] = UnfinishedResponse(request, names)

    def _remember_end(self, request: MessageRequest, payload: bytes) -> Sequence[str]:
        """Remember a response by its last event. Return the names that find it in the store."""
        update = storage_update(_ended_by(payload), request, always=True)
        if update is None or update.stored is None:
            return ()
        self._stored[update.stored.id] = update.stored
        while len(self._stored) > REMEMBERED:
            self._stored.popitem(last=False)
        return update.names

    def ended(self, queue_name: str, sent: float | None) -> Sequence[WebSocketAction]:
        events, running = self._events.pop(queue_name, ()), self._running.pop(queue_name, None)
        if sent is None or running is None or not events:
            return NOTHING_TO_DO
        begun = [payload for seconds, payload in events if seconds <= sent]
        # sent now, so that the client learns which response it has cancelled
        begin = () if begun else (events[0][1],)
        gone = [read_object(payload) for payload in (*begin, *begun)]
        first = object_of(gone[0].get("response"))
        if not first:
            return (SendMessages(begin),)
        output = [event["item"] for event in gone if event.get("type") == "response.output_item.done"]
        cancelled: dict[str, Json] = {
            "type": "response.incomplete",
            "response": {**first, "status": "cancelled", "output": output},
            "sequence_number": len(gone),
        }
        if queue_name:  # the id of the stream
            cancelled["stream_id"] = queue_name
        payload = dumps(cancelled)
        self._remember_end(running.request, payload)
        return (*running.cancelled(payload), SendMessages((*begin, payload)))


class WebSocketLookup(ObjectLookup):
    """The responses of a WebSocket, then those of its session."""

    __slots__ = ("_lookup", "_own")

    def __init__(self, own: OrderedDict[str, StoredObject], lookup: ObjectLookup) -> None:
        self._own, self._lookup = own, lookup

    def stored(self, name: str) -> StoredObject | None:
        return self._own.get(name) or self._lookup.stored(name)

    def all_stored(self, prefix: str) -> Sequence[StoredObject]:
        return self._lookup.all_stored(prefix)

    def tool_by_call_id(self, id: str) -> str | None:
        return self._lookup.tool_by_call_id(id)

    def version(self, name: str) -> bytes | None:
        return self._lookup.version(name)


def _ended_by(payload: bytes) -> Plan:
    """Return the last event of a stream as a plan."""
    return Plan(ResponseHead(200, ()), (EventStep(payload, 0, "end"),), Framing.WEBSOCKET)


def _event(message: str | bytes) -> dict[str, Json] | None:
    """Return the event of a text message; None for any other message."""
    if not isinstance(message, str):
        return None
    try:
        event = loads(message.encode("utf-8", "replace"))
    except JSONDecodeError:
        return None
    return event if type(event) is dict else None


def _refusal(failure: Failure) -> SendMessages:
    """Return the error of a message that is not a request."""
    error = {"message": failure.message, "type": "invalid_request_error", **failure.fields}
    return SendMessages((dumps({"type": "error", "status": 400, "error": error}),))
