"""HTTP/1.x as bytes: the head of an answer, chunked framing, and what aiohttp is handed back.

Answers leave in as few writes as their timing allows, so head and body are joined here and written to the
transport by us; aiohttp only parses requests and keeps connections.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from mockllm.core.plan import Data, Plan, Raw

END_OF_CHUNKS: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES: Final = {
    **{status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus},
    529: "HTTP/1.1 529 Overloaded\r\n",
}
_OURS: Final = frozenset(
    {"content-length", "transfer-encoding", "connection", "date", "access-control-allow-origin"}
)
"""The header fields that are written here unless the plan has them (the second, always)."""
_SPELT: Final[dict[str, str]] = {}
"""Names as plans spell them to those of `_OURS`, else to nothing; plans have few of them."""


class Written:
    """What aiohttp is handed as the response: the answer is on the wire already.

    aiohttp asks of a response only `prepare(request)`, `write_eof()` and `keep_alive` when its access log is
    off; a test holds it to that.
    """

    __slots__ = ("keep_alive",)

    def __init__(self, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, request: Any) -> None: ...

    async def write_eof(self) -> None: ...


KEEP: Final = Written(keep_alive=True)
CLOSE: Final = Written(keep_alive=False)


class DateLine:
    """The Date header, made once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._line = ""

    def at(self, now: float) -> str:
        """`now` in seconds since the epoch."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n"
        return self._line


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request decides how its answer is framed."""

    head_only: bool = False
    """A HEAD request: the head of the answer and none of its body."""
    http10: bool = False
    """No chunks: an answer of unknown length ends with the connection."""
    close: bool = False
    """The connection is not used again, whatever the answer is."""


ORDINARY: Final = Asked()


class Opening(NamedTuple):
    """The head as bytes, and how what follows it is framed."""

    head: bytes
    chunked: bool
    bodiless: bool
    keep_alive: bool


def opening(plan: Plan, asked: Asked, date: str, extra: str = "") -> Opening:
    """The head of the plan's answer. `extra` are ready lines that say to which pages it is open.

    A plan's own `content-length`, `connection`, `date` and `access-control-allow-origin` are sent as they
    stand, so that a scenario may lie about them; a length of its own also switches chunks off. Without one, a
    whole answer's length counts all its steps, also those behind a cut.
    """
    status = plan.head.status
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"]
    own: dict[str, str] = {}
    for name, value in plan.head.headers:
        ours = _SPELT.get(name)
        if ours is None:
            ours = _spelt(name)
        if ours:
            own[ours] = value
            if ours == "transfer-encoding":
                continue
        lines.append(f"{name}: {value}\r\n")
    if "date" not in own:
        lines.append(date)
    never = status == 204 or status < 200
    bodiless = never or status == 304 or asked.head_only
    sized = not plan.streamed or "content-length" in own
    if sized:
        if not never and status != 304 and "content-length" not in own:
            lines.append(f"Content-Length: {length(plan)}\r\n")
    elif not never and not asked.http10:
        lines.append("Transfer-Encoding: chunked\r\n")
    keep_alive = not asked.close and (sized or bodiless or not asked.http10)
    if "connection" in own:
        keep_alive = keep_alive and "close" not in own["connection"].lower()
    elif not keep_alive:
        lines.append("Connection: close\r\n")
    elif asked.http10:
        lines.append("Connection: keep-alive\r\n")
    if "access-control-allow-origin" in own:
        extra = ""
    return Opening(_encoded(lines, extra), not (sized or asked.http10), bodiless, keep_alive)


def _spelt(name: str) -> str:
    """Of a name that was not met before."""
    lower = name.lower()
    ours = lower if lower in _OURS else ""
    if len(_SPELT) < 1000:
        _SPELT[name] = ours
    return ours


def length(plan: Plan) -> int:
    """Bytes of a whole answer's body."""
    total = 0
    for step in plan.steps:
        if type(step) is Data:
            total += len(step.payload)
        elif type(step) is Raw:
            total += len(step.data)
    return total


def chunk(data: bytes) -> bytes:
    """One chunk of chunked transfer coding (RFC 9112, section 7.1); `data` is not empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _encoded(lines: list[str], extra: str) -> bytes:
    """The head's bytes. A value that came out of a template cannot start a header field of its own: what
    would end its line becomes a space."""
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text:
        text = "".join(line[:-2].translate(_NO_CONTROLS) + "\r\n" for line in lines)
    text = f"{text}{extra}\r\n"
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


_NO_CONTROLS: Final = dict.fromkeys((0x00, 0x0A, 0x0D), " ")
