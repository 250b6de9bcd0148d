"""What remains of an exchange that has ended: what the journal, the metrics, the access log and the traces read. The
access log's line about a hold is made of one, too, while the exchange goes on."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.rendering.plan import Plan
from mockllm.core.request.form_fields import without_contents
from mockllm.engine import PlannedResponse
from mockllm.server.http1 import NO_CONSTRAINTS, HttpConstraints
from mockllm.state.fetched_objects import call_or_default_if_missing

if TYPE_CHECKING:
    from mockllm.core.request.request import Request
    from mockllm.engine import EngineRequest
    from mockllm.server.exchange import EndReason, Exchange

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


def is_unsent(response: PlannedResponse, write_times: array[float] | None) -> bool:
    """Return whether no byte of a response was sent. A fault withheld it, its request broke off, or it ended
    before its first write."""
    content = response.content
    return (write_times is not None and not write_times) or (
        isinstance(content, Plan) and content.delivery.sends_nothing
    )


class EndedExchange(Struct, gc=False, kw_only=True):
    """An exchange that has ended. It refers to as few objects as possible, because the journal holds a thousand of
    them. Freeing old objects is slow: they have left the CPU cache. Python's garbage collector does not visit them
    (`gc=False`): no cycle goes through one."""

    response: PlannedResponse
    """The response, or the cached one that it was filled from (see `id_seed`)."""
    now: float
    """When the server began to respond, in seconds since the epoch: see `Exchange`."""
    monotonic: float
    """When the response began, on a monotonic clock: see `Exchange`."""
    duration: float = 0.0
    """Seconds from `monotonic` to the end of the response."""
    end_reason: EndReason = "finished"
    write_times: array[float] | None = None
    """The time of each call of the player's `write_once`, also of one that wrote nothing, on the clock of the
    deadlines. The journal plays the plan again at these times, which results in the writes. Empty if the exchange
    ended before the first call, also if the client disconnected during a hold. Otherwise None if no player has played
    the response:

    - it was written at once, came from a provider or is still held (the log line of a hold)
    - the request broke off, or the server failed at a message of a WebSocket before it began to respond
    - aiohttp wrote the handshake, or it is a turn of a forwarded WebSocket"""
    planned_times: tuple[float, float] | None = None
    """The planned seconds to the first chunk and to the end, where a thread has computed them. Else None: the metrics
    compute them from the plan."""
    method: str = "-"
    target: str = "-"
    """The target of the request, as it came."""
    headers: Mapping[str, str] = NO_HEADERS
    """Empty if `received` has them."""
    raw: bytes = b""
    """The bytes of the body, without the contents of uploaded files. Empty if `received` has them, or if the engine
    has not read the request."""
    received: bytes = b""
    """All bytes of a request, head and body, where `Exchange.received` has them. Empty where that is empty, where
    there are `write_times`, where a file was uploaded, and where no engine has read the request. `headers` then has
    the headers, and `raw` the body that an engine has read."""
    body_length: int = 0
    """Bytes at the end of `received` that are the body."""
    client_address: str = ""
    """The peer's address, without its port; empty if the engine has not read the request."""
    session: str | None = None
    request_class: type[Request] | None = None
    """The dialect's class of the request; None outside of the engine."""
    provider: str | None = None
    model: str | None = None
    constraints: HttpConstraints = NO_CONSTRAINTS
    sends_cors_headers: bool = False
    http2: bool = False
    """Whether the request came over HTTP/2."""
    in_batch: bool = False
    """Whether the request is a line of a batch."""
    id_seed: bytes | None = None
    """The id seed of the response (`Ids.id_seed`), set where `response` is the cached one (`cached_from`), which the
    journal fills with this seed."""
    input_tokens: int = 0
    """The input tokens of the request, set in the same case."""
    held_seconds: float = 0.0
    """Seconds before `monotonic` for which the response was held."""
    pending_bytes: int = 0
    """The bytes that the journal counts for it while it is no entry."""

    @staticmethod
    def of(exchange: Exchange, duration: float, write_times: array[float] | None) -> EndedExchange:
        """Return what remains of an exchange."""
        request, message, response = exchange.request, exchange.head.message, exchange.response
        if response.slot is not None:
            response = replace(response, slot=None)
        if request is None:
            return EndedExchange._of_unread(exchange, response, duration, write_times)
        raw, received, id_seed, input_tokens = exchange.raw, b"", None, 0
        if write_times is None:
            if exchange.received.endswith(raw) and not request.has_uploaded_file:
                received = exchange.received
            if response.cached_from is not None:
                id_seed, response = response.id_seed, response.cached_from
                input_tokens = request.__dict__.get("input_tokens", 0)
        model = request.__dict__.get("model")  # nearly always read before: without a call
        # With more than 15 arguments, Python would make a dict of them: most exchanges differ in no other field.
        ended = EndedExchange(
            response=response, now=exchange.now, monotonic=exchange.monotonic, duration=duration,
            method=message.method, target=message.path,
            received=received, body_length=len(raw) if received else 0,
            client_address=exchange.client_address,
            request_class=request.request_class, provider=request.provider, model=model,
            sends_cors_headers=exchange.sends_cors_headers, id_seed=id_seed, input_tokens=input_tokens,
        )  # fmt: skip
        if not received or model is None or request.session is not None or request.missing_base_path_note:
            ended._add_of_request(request, exchange)
        if (
            write_times is not None
            or exchange.end_reason != "finished"
            or exchange.in_batch
            or exchange.constraints is not NO_CONSTRAINTS
            or exchange.sink.http2
            or exchange.planned_times
            or exchange.held_seconds
        ):
            ended._add_delivery(exchange, write_times)
        return ended

    @staticmethod
    def _of_unread(
        exchange: Exchange, response: PlannedResponse, duration: float, write_times: array[float] | None
    ) -> EndedExchange:
        """Return what remains of an exchange whose request no engine has read."""
        message = exchange.head.message
        ended = EndedExchange(
            response=response, now=exchange.now, monotonic=exchange.monotonic, duration=duration,
            method=message.method, target=message.path, headers=message.headers,
            sends_cors_headers=exchange.sends_cors_headers,
        )  # fmt: skip
        ended._add_delivery(exchange, write_times)
        return ended

    def _add_of_request(self, request: EngineRequest, exchange: Exchange) -> None:
        """Add what only some requests have: a session, a note on the path, or a body that `received` lacks. Read a
        model that was not read before."""
        if not self.received:
            self.headers, self.raw = exchange.head.message.headers, exchange.raw
            if request.has_uploaded_file:
                self.raw = without_contents(request.headers.get("content-type", ""), request.raw)
        if self.model is None:
            self.model = call_or_default_if_missing(partial(getattr, request, "model"), None)
        self.session = request.session
        if (note := request.missing_base_path_note) is not None:  # the path lacks that of the SDKs' base URL
            self.response = replace(self.response, notes=(*self.response.notes, note))

    def _add_delivery(self, exchange: Exchange, write_times: array[float] | None) -> None:
        """Add how the response was delivered, where that is not in one write over HTTP/1.1."""
        self.end_reason, self.write_times = exchange.end_reason, write_times
        self.planned_times, self.held_seconds = exchange.planned_times, exchange.held_seconds
        self.constraints, self.in_batch = exchange.constraints, exchange.in_batch
        self.http2 = exchange.sink.http2
