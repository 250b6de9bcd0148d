"""What goes on the wire, as data: a head and steps. The server's player carries it out.

Because effects are data, pace and faults are functions from Plan to Plan that know no dialect, and a
test reads a plan instead of a socket. A plan ends by stopping. It is never changed; its classes are not
frozen because every answer makes some of them, and frozen ones cost three times as much to make.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["open", "say", "close", "finish", "usage", "end", "ping", "error", "body"]


Headers: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(slots=True, unsafe_hash=True)
class Head:
    """`own` are the headers that no other answer has (ids): apart, so that what repeats is encoded once."""

    status: int
    fixed: Headers
    own: Headers = ()

    @property
    def headers(self) -> Headers:
        """All of them, in the order of the wire."""
        return self.fixed + self.own

    def with_headers(self, headers: Headers) -> Head:
        """These headers take the place of those of the same name, the others stay."""
        names = {name.lower() for name, _ in headers}
        kept, own = (
            tuple(pair for pair in pairs if pair[0].lower() not in names) for pairs in (self.fixed, self.own)
        )
        return Head(self.status, kept + headers, own)


@dataclass(slots=True, unsafe_hash=True)
class Data:
    """One event of a stream, or the whole body. `payload` is unframed; `beat` is the number of the piece
    that it says or the last one said before it (0 before the first)."""

    payload: bytes
    beat: int
    kind: Kind
    event: str | None = None


@dataclass(slots=True, unsafe_hash=True)
class Raw:
    """Bytes that are written as they are, without framing."""

    data: bytes
    beat: int


@dataclass(slots=True, unsafe_hash=True)
class Wait:
    """Seconds to let pass before the next step, counted from the deadline before, never from 'now'.
    `scripted`: written between two chunks, in place of the gap that pace would make there."""

    seconds: float
    beat: int
    scripted: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends here: `close` sends FIN, `reset` sends RST."""

    how: Literal["close", "reset"]
    beat: int


Step: TypeAlias = Data | Raw | Wait | Cut


class Framing(Enum):
    """How a Data step becomes bytes; decided when it is written, so that faults can work on events.

    A new framing (AWS event stream) is a member here and a row in `core.framing`.
    """

    PLAIN = "plain"
    SSE = "sse"
    SSE_CRLF = "sse-crlf"
    NDJSON = "ndjson"
    JSON_ARRAY = "json-array"


@dataclass(slots=True, unsafe_hash=True)
class Plan:
    """`delay`: seconds from the request's last byte for which the head is held back; the steps' waits are
    counted from there."""

    head: Head
    steps: tuple[Step, ...]
    framing: Framing = Framing.PLAIN
    delay: float = 0.0

    @property
    def streamed(self) -> bool:
        return self.framing is not Framing.PLAIN


Change: TypeAlias = Callable[[Plan], Plan]
"""What pace and faults are."""
