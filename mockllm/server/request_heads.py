"""The heads of requests: what follows from one is found out once for all requests that begin with its bytes.

A client sends the same head again and again, on one connection or on many; parsing it, finding its call and
its session are most of what a small request costs. Only what came twice is kept, and so much at most.
"""

from __future__ import annotations

from typing import Final

from aiohttp.http_parser import RawRequestMessage

from mockllm.engine.session_id import PREFIX
from mockllm.server.http1 import ResponseFraming, response_framing
from mockllm.server.protocols import EngineProtocol, RequestReaderProtocol
from mockllm.server.request_target import clean, read_target

KEPT: Final = 4096
"""So many heads are kept before all are forgotten; the lengths of bodies are in them."""
LONGEST: Final = 2048
"""A longer head is not kept: bytes."""
SEEN: Final = 20_000
"""So many are known to have come once."""
END: Final = b"\r\n\r\n"


RESERVED: Final = frozenset({"health", "api", "metrics", "dashboard", "ws"})
"""The first parts of paths that are the server's own: no rule and no modifier sees them."""
FEED: Final = "/ws"
"""Where the control API's live feed is."""
STEERING: Final = RESERVED - {"health"}
"""Of these, what the control API answers."""


def is_control_path(path: str) -> bool:
    """Whether a path is the control API's."""
    return path.split("/", 2)[1] in STEERING


_OWN: Final = (*(f"/{first}" for first in sorted(RESERVED)), PREFIX)


class RequestHead:
    """One head. `path` and `query_string` are those of its target, percent-encoded as they came, and `own` tells
    whether that may be the server's own, or a web page asks first; `headers` hold nothing that is not text;
    `length` is the body's, in bytes, where the head was kept."""

    __slots__ = (
        "_engine",
        "_heading",
        "asked",
        "headers",
        "length",
        "message",
        "own",
        "path",
        "query_string",
    )

    def __init__(self, message: RawRequestMessage, path: str, query_string: str, ascii: bool) -> None:
        self.message = message
        self.path = path
        self.query_string = query_string
        self.headers = message.headers if ascii else clean(message.headers)
        self.asked: ResponseFraming = response_framing(message)
        self.own = path == "/" or message.method == "OPTIONS" or path.startswith(_OWN)
        self.length = 0
        self._engine: EngineProtocol | None = None

    @property
    def plain(self) -> bool:
        """Whether the body is told by its length alone, and nothing but an answer is asked for."""
        message = self.message
        odd = message.chunked or message.upgrade or message.compression is not None or message.should_close
        return not odd and "expect" not in message.headers

    def reader(self, engine: EngineProtocol) -> RequestReaderProtocol:
        """As this engine understands it."""
        if self._engine is not engine:
            self._engine = engine
            self._heading = engine.request_reader(
                self.message.method, self.path, self.query_string, self.headers
            )
        return self._heading


def request_head_of(message: RawRequestMessage, ascii: bool) -> RequestHead | None:
    """The head of a request; None where its target is no path. `ascii`: nothing else came."""
    target = read_target(message)
    return None if target is None else RequestHead(message, *target, ascii)


class RequestHeadCache:
    """The heads that came more than once, by their bytes."""

    def __init__(self) -> None:
        self._kept: dict[bytes, RequestHead] = {}
        self._seen: set[int] = set()

    def find(self, data: bytes) -> RequestHead | None:
        """The head that this begins with, if the rest is all of its body and nothing more."""
        end = data.find(END) + 4
        head = self._kept.get(data[:end])
        return head if head is not None and len(data) == end + head.length else None

    def see(self, head: RequestHead, data: bytes, raw: bytes) -> None:
        """A request that came in one piece and was answered: its head, all that came, and its body as it came.
        Nothing is kept of what wants more than an answer."""
        start = data[: data.find(END) + 4]
        known = hash(start)
        if known not in self._seen:  # nearly always, where each request has a head of its own
            if len(self._seen) >= SEEN:
                self._seen.clear()
            self._seen.add(known)
        elif len(data) == len(start) + len(raw) and len(start) <= LONGEST and head.plain:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            head.length = len(raw)
            self._kept[start] = head
