"""One request in the server, from its head to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from msgspec import Struct

from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.engine import EngineRequest, PlannedResponse
from mockllm.server.http1 import NO_CONSTRAINTS, HttpConstraints
from mockllm.server.player import DrainableSink
from mockllm.server.socket_sink import SocketSink

if TYPE_CHECKING:
    from aiohttp import StreamReader

    from mockllm.core.failure import Failure
    from mockllm.core.rendering.websocket_session import WebSocketSession
    from mockllm.core.selection.decision import InFlightSlot
    from mockllm.engine import DeferredResponse, UndecidedResponse
    from mockllm.server.player import Player
    from mockllm.server.protocols import PendingDecisionProtocol
    from mockllm.server.request_heads import RequestHead
    from mockllm.state.fetched_objects import FetchedLookup, ObjectToFetch, StorageConflict

EndReason: TypeAlias = Literal["finished", "close", "reset", "silence", "gone", "stopped"]
"""How an exchange ended.

- `finished`: the response was sent, or a client has cancelled it over its WebSocket
- `close`: the plan cut the connection with FIN, or a provider ended its response early. Also where the server itself
  failed after the first byte, or at a message of a WebSocket
- `reset`: the plan cut it with RST
- `silence`: the plan of a batch's line sent nothing more
- `gone`: the client disconnected, also while a plan sent nothing more
- `stopped`: the server stopped
"""

NO_RESPONSE_YET: Final = PlannedResponse(Plan(ResponseHead(0, ()), ()), None)
"""The response of an exchange before it is known."""


class ExchangeSink(DrainableSink, Protocol):
    """The destination of a response: a `SocketSink`, or the `LineSink` of a line of a batch. The responses on a
    WebSocket have another sink."""

    written: bool
    """Whether bytes of the response were written, or added to the write queue."""

    http2: bool
    """Whether the request came over HTTP/2."""

    @property
    def half_closed(self) -> bool:
        """Whether the client sends no more: it may still read, or may have disconnected."""

    def queue_write(self, data: bytes, /) -> bool:
        """Take all bytes of a response. A connection adds them to the write queue, or writes them at once where there
        is none. A line of a batch collects them. Return False if a player has to write them."""

    def disconnected_at(self, write_times: Sequence[float]) -> float | None:
        """Return when the client disconnected, if it had half-closed the connection before and the time is known."""


class Exchange(Struct, gc=False, kw_only=True):
    """One request with its response, until it has ended. A connection, a WebSocket, a batch or `proxied_turns.py`
    makes it. `respond` sets most requests and responses. Modules that end a wait, respond with a built-in page,
    or serve a WebSocket set the others. `end_exchange` makes an `EndedExchange` of it.

    Python's garbage collector does not visit exchanges (`gc=False`), which saves 0.01 µs for each. A cycle
    through an exchange would never be freed: a connection drops its exchange when that has ended.
    """

    head: RequestHead
    sink: ExchangeSink
    client_address: str = ""
    """The peer's address, without its port."""
    body_stream: StreamReader | None = None
    """The body as it comes; None for a cached head with its whole body, a line of a batch or a message of a
    WebSocket."""
    raw: bytes = b""
    """The bytes of the body, without a Content-Encoding. `Request.body` is the JSON in them."""
    body_complete: bool = False
    """Whether no more of the body is needed: `raw` is complete, the body is refused, or the target is no path."""
    received: bytes = b""
    """All bytes of the request, head and body, if they were parsed in one part. Empty if they came in several reads.
    Empty for a request with a body that did not begin its read, or came while an earlier one was queued or served.
    Also empty if the body is long, refused, in HTTP chunks or encoded."""
    structure_checked: bool = False
    """Whether the structure of `raw` was checked: its depth, its containers and values are within their bounds."""
    now: float = 0.0
    """When the server began to respond, in seconds since the epoch. By then the body was complete or refused,
    or the client had disconnected during it. A target that is no path is refused without its body. `Request.now` is
    equal."""
    monotonic: float = 0.0
    """When the response began, on the clock of the deadlines, which is monotonic: the time of `now`. A hold moves it
    on by its own seconds. `Request.monotonic` stays the time of `now`."""

    request: EngineRequest | None = None
    """The request as its dialect reads it. None where no engine has read it: for the control API, for most built-in
    pages, and after an internal error. Also None where the request broke off in its body."""
    history_is_unread: bool = False
    """Whether the request continues stored responses that a thread has to read before the engine decides."""
    response: PlannedResponse = NO_RESPONSE_YET
    pending_response: DeferredResponse | UndecidedResponse | ObjectToFetch | None = None
    """What the engine has returned in place of the response. A `DeferredResponse` waits for a thread, because its
    planning takes long. Or its decision waits for the plans of earlier responses of its loads. An `UndecidedResponse`
    is decided by the store, which has the counts. An `ObjectToFetch` names a stored object that this process lacks.
    After the fetch, it makes the engine respond again."""
    pending_decision: PendingDecisionProtocol | None = None
    """The decision of the store, once it has begun."""
    fetched: FetchedLookup | None = None
    """What was fetched for this request from the store."""
    storage_confirmation: Awaitable[Failure | StorageConflict | None] | None = None
    """Waits until the store has what the response stores. Its result: None if that is stored, else what prevents it.
    The field is None if nothing is to be confirmed."""
    planned_times: tuple[float, float] | None = None
    """The planned seconds to the first chunk and to the end, where a thread has computed them. Else None: the metrics
    compute them from the plan."""
    slot: InFlightSlot | None = None
    """What its end releases: the slot of the response in limits and loads. Before its decision, the request's entry
    in the queues of loads (`PlanQueueEntry`)."""
    sends_cors_headers: bool = False
    ends_connection: bool = False
    """Set before the response is written: the connection ends with it."""
    body_refused: bool = False
    """Whether the request's body is outside of the bounds (`refused_bodies.py`). It is not stored."""
    hidden: bool = False
    """Neither the journal nor the access log shows it: GET and HEAD of `/health`, which come every few seconds, and
    calls of the control API. Refused calls are hidden, too; a call that fails is not. The metrics of
    requests do not count them. With `control_only` (`--admin-port`), this holds for the 404 of any other path,
    too."""
    constraints: HttpConstraints = NO_CONSTRAINTS
    player: Player | None = None
    """Plays a response that `try_write_whole_and_end` does not write, as long as it plays."""
    proxy_ends_it: bool = False
    """Whether a `ProviderProxy` forwards the request. The exchange then ends when the provider's response has ended,
    also if the client disconnects before. That of a forwarded handshake ends with its WebSocket. False again where
    the provider did not respond, and after an internal error."""
    keep_alive: bool = True
    """Whether the connection can serve another request after the response, as `serialize_head` finds for a response
    that a player plays. It is False where `ends_connection` is set, the request demands the end, or the body has
    neither a length nor HTTP chunks, for example. True for each response that no player plays."""

    in_batch: bool = False
    """Whether the request is a line of a batch."""
    websocket_session: WebSocketSession | None = None
    """The state of the WebSocket on which the request came as a message. Its `lookup` first finds what this WebSocket
    has stored."""

    ended: bool = False
    """Whether the exchange has ended. True also where `end_exchange` failed at the journal entry or the log line."""
    held_seconds: float = 0.0
    """Seconds for which the response was held. `monotonic` includes them."""
    end_reason: EndReason = "finished"
    """How it ended, once it has."""

    @property
    def socket_sink(self) -> SocketSink:
        """The sink, where the request came over a connection. Only a connection sends `100 Continue`, opens a
        WebSocket, or is half-closed by its client."""
        assert isinstance(self.sink, SocketSink), "a line of a batch has no socket"
        return self.sink

    @property
    def request_class(self) -> type[Request]:
        """The dialect's class of the request. `Request` where no engine responds to it."""
        return Request if self.request is None else self.request.request_class
