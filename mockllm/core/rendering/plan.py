"""A response as data: a head, steps and a delivery. The server writes it at once, or a player writes its steps.

A plan says what is to be done, and does nothing. So pacing and most faults are functions from Plan to Plan that know
no dialect, and a test reads a plan instead of a socket. A plan ends with its last step, and is immutable.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import Enum
from http import HTTPStatus
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from mockllm.core.batch import BatchOutcome, BatchWaits

EventKind: TypeAlias = Literal[
    "open", "chunk", "close", "finish", "usage", "end", "ping", "added", "error", "body"
]
"""The role of an event in its stream. Other steps have none. `open` begins the stream, a choice or a part; `close`
ends a part. `chunk` is a chunk of the content, `finish` has the finish reason, and `end` is the terminator. `usage`
counts tokens, or has other facts about the whole response, such as its moderation. `ping` comes between the others
without content of the reply; one without content that begins the stream or a part is an `open`. A question of an MCP
server to its client is a `ping`. `added` comes from a fault, and belongs to the chunk before it. `error` reports a
failure. `body` is the whole body of a non-streaming response."""

ConnectionCut: TypeAlias = Literal["close", "reset", "silence"]
"""How a connection ends before its response is complete: by FIN, by RST, or by a silence that the client ends."""
CutKind: TypeAlias = ConnectionCut | Literal["end"]
"""How a response is cut: with its connection, or with the `end` that HTTP defines."""

Headers: TypeAlias = tuple[tuple[str, str], ...]


PHRASES: Final = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
"""Reason phrases of HTTP statuses, the same on every version of Python.

Python 3.13 has the new phrases of RFC 9110 for four statuses. These are the older ones, which most servers
still send.
"""


SWITCHING_PROTOCOLS: Final = 101
"""The status of a response that opens a WebSocket (`Delivery.websocket_factory`)."""


class ResponseHead(Struct, frozen=True):
    """Status and headers. The cache of response heads has the `fixed` headers only. The values of
    `per_response_headers` may differ in each response, or these were added after the `fixed` ones.
    In a cached response, a header with an id or a time is a per-response one, and comes after the `fixed` ones. A
    response whose headers would change their order by that is not cached."""

    status: int
    fixed: Headers
    per_response_headers: Headers = ()

    @property
    def headers(self) -> Headers:
        """All headers, in the order of the wire."""
        return self.fixed + self.per_response_headers

    def with_headers(self, headers: Headers) -> ResponseHead:
        """Return the head with these headers, which replace headers of the same name."""
        fixed, per_response = self._others({name.lower() for name, _ in headers})
        return ResponseHead(self.status, fixed + headers, per_response)

    def with_per_response_headers(self, headers: Headers) -> ResponseHead:
        """Return the head with these headers as per-response ones, which replace headers of the same name."""
        if not headers:
            return self
        fixed, per_response = self._others({name.lower() for name, _ in headers})
        return ResponseHead(self.status, fixed, per_response + headers)

    def without(self, *names: str) -> ResponseHead:
        """Return the head without the headers of these names, in lower case."""
        return ResponseHead(self.status, *self._others(names))

    def _others(self, names: Collection[str]) -> tuple[Headers, Headers]:
        """Return the fixed and the per-response headers without those of these names, which are in lower case."""
        return (
            tuple([pair for pair in self.fixed if pair[0].lower() not in names]),
            tuple([pair for pair in self.per_response_headers if pair[0].lower() not in names]),
        )


class EventStep(Struct, frozen=True):
    """One event of a stream, or the whole body. `payload` is unframed. `chunk_number` is the number of the chunk in
    the event, counted from 1, or of the last chunk before the event (0 before the first). `event` and `id` are the
    fields of a server-sent event."""

    payload: bytes
    chunk_number: int
    kind: EventKind
    event: str | None = None
    id: str | None = None


class RawStep(Struct, frozen=True):
    """Bytes that are written without framing.

    `begins_event`: the bytes begin an event all the same, so that the framing continues after them as after any
    event. `continues_event`: they are a further part of such an event.
    `attached_to_chunk`: the bytes belong to their chunk, so that a fault point after the chunk is after the bytes.
    """

    data: bytes
    chunk_number: int
    begins_event: bool = False
    attached_to_chunk: bool = False
    continues_event: bool = False


class StepOutsideHttpChunks(Struct, frozen=True):
    """Bytes that are written outside HTTP's chunks. In a response without HTTP chunks, they are a part of the body.
    The player also writes the lines of a slow head so."""

    data: bytes
    chunk_number: int


class WaitStep(Struct, frozen=True):
    """Seconds before the next step. They count from the previous deadline. With `after_write`, a late write of the
    bytes before it restarts the wait: a client sees the whole gap. `explicit`: the scenario or a recording has the
    wait; where pacing follows, it replaces the wait of the pace. `attached_to_chunk`: as in a RawStep."""

    seconds: float
    chunk_number: int
    explicit: bool = False
    attached_to_chunk: bool = False
    after_write: bool = False


class CutStep(Struct, frozen=True):
    """Nothing follows, and the framing does not close what it opened. `close` sends FIN, `reset` sends RST,
    `silence` sends nothing more until the client disconnects. `end` ends the response as HTTP defines."""

    how: CutKind
    chunk_number: int


Step: TypeAlias = EventStep | RawStep | StepOutsideHttpChunks | WaitStep | CutStep


class Framing(Enum):
    """How an EventStep becomes bytes. Framing happens when the plan is written, so that faults can work on events.

    A new framing needs a member here, and the further changes that docs/adding-a-dialect.md lists. `AWS_EVENT_STREAM`
    has the binary frames of `application/vnd.amazon.eventstream`; in those of `AWS_EVENT_STREAM_BYTES` the payload is
    in base64. The dense forms have no space after colons. Each event of `websocket` is a text message, each of
    `websocket-binary` a binary one. Events of `bytes` are bytes of a streamed body. `plain` is no stream: its only
    event is the body.
    """

    PLAIN = "plain"
    SSE = "sse"
    SSE_CRLF = "sse-crlf"
    SSE_DENSE = "sse-dense"
    SSE_DENSE_CRLF = "sse-dense-crlf"
    NDJSON = "ndjson"
    JSON_ARRAY = "json-array"
    AWS_EVENT_STREAM = "aws-event-stream"
    AWS_EVENT_STREAM_BYTES = "aws-event-stream-bytes"
    WEBSOCKET = "websocket"
    WEBSOCKET_BINARY = "websocket-binary"
    BYTES = "bytes"

    @property
    def is_websocket(self) -> bool:
        """Whether the events are messages of a WebSocket."""
        return self in (Framing.WEBSOCKET, Framing.WEBSOCKET_BINARY)


class Throttle(Struct, frozen=True):
    """Bytes are written at most `size` at a time, and the next ones `gap` seconds later. `head`: whether the wait
    after the head depends on the length of the head; else that wait is one gap. The lines of a slow head are always
    throttled."""

    size: int
    gap: float
    head: bool = True


BodyEnd: TypeAlias = Literal["usual", "http_chunks", "connection_end"]
"""How a client finds the end of the body: by the head as usual, by HTTP chunks, or by the connection's end."""


class ProxyTarget(NamedTuple):
    """The server to which a request is forwarded. `record`: whether the server's recorder stores the response."""

    to: str
    record: bool = False


class Hold(NamedTuple):
    """A response waits until its name is released, or for `at_most` seconds."""

    name: str
    at_most: float


class HeadLayout(Struct, frozen=True):
    """Another legal form of the head: the case of the headers' names, and whether their order is reversed."""

    case: Literal["usual", "lower", "upper"] = "usual"
    reversed: bool = False


class ExpectedResponses(NamedTuple):
    """The responses of an MCP client that a response of the server expects. It is suspended until they come. `key`
    names the suspended response, and `names` the questions of the server."""

    key: str
    names: tuple[str, ...]
    resumes: bool = False
    """Whether the response is the rest of one that is already suspended: its client has connected again."""


class Delivery(Struct, frozen=True):
    """What is unusual in how HTTP and the connection send a response: the form and the speed of head and body. It
    also says what the response waits for, and what responds in its place. `DEFAULT_DELIVERY` is the usual way."""

    extra_head_lines: bytes = b""
    """Raw lines of the head, after the headers, each with its line end."""
    sends_nothing: bool = False
    """Whether no byte is sent: a fault withholds the response, or the request broke off in its body."""
    head_seconds: float = 0.0
    """Seconds over which the head is written, line by line."""
    body_end: BodyEnd = "usual"
    throttles: tuple[Throttle, ...] = ()
    head_layout: HeadLayout | None = None
    proxy_target: ProxyTarget | None = None
    """The server that responds in place of this plan, where requests can be forwarded."""
    hold: Hold | None = None
    """What the response waits for, before its delay."""
    websocket_factory: Callable[[], object] | None = None
    """Makes the `WebSocketSession` of the WebSocket that the response opens."""
    expected_responses: ExpectedResponses | None = None
    """The client's responses that continue the response. The steps after the questions are for a client that sends
    none."""

    def __reduce__(self) -> tuple[object, ...]:
        """Leave out what makes the session of a WebSocket: another process only reads the delivery."""
        names = self.__struct_fields__
        return Delivery, tuple(
            [None if name == "websocket_factory" else getattr(self, name) for name in names]
        )


DEFAULT_DELIVERY: Final = Delivery()

ChunkText: TypeAlias = tuple[int, str]
"""The part of the first choice that a chunk belongs to, counted from 0, and its text. -1 in another choice and in
a native part."""


class BackgroundRun(Struct, frozen=True):
    """A response that goes on in the background, whether the client reads its plan to the end or not. The client
    polls for it: the first `queued_polls` reads find it queued, the next `in_progress_polls` in progress, whatever
    the time is."""

    plan: Plan
    """The whole response."""
    queued_polls: int = 0
    in_progress_polls: int = 0


class BatchStart(BackgroundRun, frozen=True):
    """A batch that begins with the response; `plan` is the response. The engine sets the waits."""

    outcome: BatchOutcome = BatchOutcome()
    waits: BatchWaits = BatchWaits()


class Plan(Struct, frozen=True):
    """A response before bytes are written.

    `delay`: seconds between the beginning of the response and its head; the waits of the steps follow.
    `chunk_texts`: the chunks that a stream would have, for faults on a non-streaming response.
    """

    head: ResponseHead
    steps: Sequence[Step]
    framing: Framing = Framing.PLAIN
    delay: float = 0.0
    delivery: Delivery = DEFAULT_DELIVERY
    chunk_texts: tuple[ChunkText, ...] = ()
    background: BackgroundRun | None = None
    """The response or the batch that goes on whether the client reads this plan to its end or not; None where there
    is none."""

    @property
    def streamed(self) -> bool:
        return self.framing is not Framing.PLAIN
