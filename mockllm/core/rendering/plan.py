"""What goes on the wire, as data: a head and steps. The server's player carries it out.

Because effects are data, pace and faults are functions from Plan to Plan that know no dialect, and a
test reads a plan instead of a socket. A plan ends by stopping, and is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["open", "say", "close", "finish", "usage", "end", "ping", "error", "body"]


How: TypeAlias = Literal["close", "reset", "silence", "end"]
"""Ways of ending an answer before its end."""

Headers: TypeAlias = tuple[tuple[str, str], ...]


class ResponseHead(Struct, frozen=True):
    """`own` are the headers that no other answer has (ids): apart, so that what repeats is encoded once."""

    status: int
    fixed: Headers
    unique_headers: Headers = ()

    @property
    def headers(self) -> Headers:
        """All of them, in the order of the wire."""
        return self.fixed + self.unique_headers

    def with_headers(self, headers: Headers) -> ResponseHead:
        """These headers take the place of those of the same name, the others stay."""
        names = {name.lower() for name, _ in headers}
        kept, own = (
            tuple(pair for pair in pairs if pair[0].lower() not in names)
            for pairs in (self.fixed, self.unique_headers)
        )
        return ResponseHead(self.status, kept + headers, own)

    def with_unique_headers(self, headers: Headers) -> ResponseHead:
        """The same, for headers that no other answer has."""
        if not headers:
            return self
        names = {name.lower() for name, _ in headers}
        fixed, own = (
            tuple([pair for pair in pairs if pair[0].lower() not in names])
            for pairs in (self.fixed, self.unique_headers)
        )
        return ResponseHead(self.status, fixed, own + headers)

    def without(self, name: str) -> ResponseHead:
        """Without the header of this name, in lower case."""
        kept = (
            tuple(pair for pair in pairs if pair[0].lower() != name)
            for pairs in (self.fixed, self.unique_headers)
        )
        return ResponseHead(self.status, *kept)


class EventStep(Struct, frozen=True):
    """One event of a stream, or the whole body. `payload` is unframed; `beat` is the number of the piece
    that it says or the last one said before it (0 before the first)."""

    payload: bytes
    chunk_index: int
    kind: Kind
    event: str | None = None


class RawStep(Struct, frozen=True):
    """Bytes that are written as they are, without framing. `event`: they begin an event all the same, so that
    the framing goes on behind them as behind any. `bound`: they go with their beat, as what says it or what a
    fault put behind it, so that a place behind that beat is behind them."""

    data: bytes
    chunk_index: int
    event: bool = False
    bound: bool = False


class UnchunkedStep(Struct, frozen=True):
    """Bytes that are written beside HTTP's chunks, not into one; in an answer without chunks a part of its
    body."""

    data: bytes
    chunk_index: int


class WaitStep(Struct, frozen=True):
    """Seconds to let pass before the next step, counted from the deadline before, never from 'now'.
    `scripted`: written between two chunks, in place of the gap that pace would make there. `bound`: as of
    Raw."""

    seconds: float
    chunk_index: int
    scripted: bool = False
    bound: bool = False


class CutStep(Struct, frozen=True):
    """Nothing follows, and what the framing opened stays open. `close` sends FIN, `reset` sends RST, `silence`
    sends nothing more until the client leaves; `end` ends the answer as HTTP has it."""

    how: How
    chunk_index: int


Step: TypeAlias = EventStep | RawStep | UnchunkedStep | WaitStep | CutStep


class Framing(Enum):
    """How a Data step becomes bytes; decided when it is written, so that faults can work on events.

    A new framing (AWS event stream) is a member here and a row in `core.framing`.
    """

    PLAIN = "plain"
    SSE = "sse"
    SSE_CRLF = "sse-crlf"
    NDJSON = "ndjson"
    JSON_ARRAY = "json-array"


class Flow(Struct, frozen=True):
    """Bytes leave at most `size` at a time, and the next ones `gap` seconds later. `head`: those of the head
    count like any; else it is one piece."""

    size: int
    gap: float
    head: bool = True


Body: TypeAlias = Literal["usual", "chunks", "close"]
"""How the end of a body is found: by what the head says as usual, in HTTP's chunks, or by the connection's."""


class ProxyTarget(NamedTuple):
    """Where a request is passed on to; `record`: what is answered there is written down, where the server records."""

    to: str
    record: bool = False


class Delivery(Struct, frozen=True):
    """How HTTP and the connection carry an answer, where not as usual."""

    lines: bytes = b""
    """Lines that stand in the head as they are, behind the headers, each with its end."""
    withheld: bool = False
    """Nothing of the head is sent."""
    over: float = 0.0
    """Seconds over which the head leaves, line by line."""
    body: Body = "usual"
    flows: tuple[Flow, ...] = ()
    proxy_target: ProxyTarget | None = None
    """Who answers in place of this plan, where a server can ask."""


USUAL: Final = Delivery()

Spoken: TypeAlias = tuple[int, str]
"""What a beat says, and which part of the first choice it is of, counted from 0; -1 in another choice."""


class Plan(Struct, frozen=True):
    """`delay`: seconds from the request's last byte for which the head is held back; the steps' waits are
    counted from there. `spoken`: of a whole answer that may be broken, what its stream would say, beat by
    beat."""

    head: ResponseHead
    steps: Sequence[Step]
    framing: Framing = Framing.PLAIN
    delay: float = 0.0
    delivery: Delivery = USUAL
    chunk_texts: tuple[Spoken, ...] = ()

    @property
    def streamed(self) -> bool:
        return self.framing is not Framing.PLAIN
