"""One cell of the matrix: a fault on one provider's call, streamed or non-streaming, seen by a client of raw bytes.

The effect of a fault is described as a change of the response without the fault (`Plain`): the same request to a
fresh engine gets the same ids, and the server's clock is fixed.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.aws_event_stream import read_frames, unwrapped
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.providers import GENERATING_CALLS
from tests.server.raw_client import request

End: TypeAlias = Literal["kept", "fin", "rst", "silent"]
"""What comes behind a response: the connection is used again, closed, reset, or nothing at all."""

CHUNKS = ("one ", "zwölf ", "<three> ", "four")
"""The content of the response, chunk by chunk."""
QUIET = 0.25
"""Seconds without a byte that are a silence, where one is expected."""
PATIENCE = 60.0
"""Seconds that a busy machine may need, where none is."""


@dataclass(frozen=True)
class ReceivedResponse:
    """What a client saw of a response. `body` is without HTTP's chunks, as far as they could be read; `broken`:
    what came where a chunk's size should be."""

    lines: tuple[str, ...]
    body: bytes
    end: End
    took: float = 0.0
    chunked: bool = False
    """Whether it came in HTTP's chunks."""
    complete: bool = True
    """Whether HTTP stated that this is all: by length, or by a last chunk."""
    broken: bytes = b""

    @property
    def status(self) -> int:
        return int(self.lines[0].split(" ")[1])

    def headers(self, name: str) -> list[str]:
        """All headers of a name."""
        return [line.split(": ", 1)[1] for line in self.lines[1:] if line.lower().startswith(f"{name}: ")]


def ask(port: int, requested: WireRequest, patience: float = PATIENCE) -> ReceivedResponse:
    """Send a request, and see what comes of it until the connection ends, is silent, or can be used again."""
    body = requested.body if isinstance(requested.body, bytes) else json.dumps(requested.body).encode()
    headers = {name.replace("-", "_"): value for name, value in requested.headers.items()}
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
        began = time.monotonic()
        sock.sendall(request(requested.method, requested.path, body, **headers))
        reader = _Reader(sock, patience)
        seen = reader.seen()
        took = time.monotonic() - began
        if seen.complete and seen.end == "kept":
            sock.sendall(request("GET", "/health"))
            seen = replace(seen, end=reader.ending())
        if seen.end == "silent":  # leaves at once, where a server would wait for who only says no more
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return replace(seen, took=took)


class _Reader:
    """Reads one response as leniently as it can be read."""

    def __init__(self, sock: socket.socket, patience: float) -> None:
        self.sock = sock
        self.sock.settimeout(patience)
        self.data = b""
        self.end: End | None = None

    def more(self) -> bool:
        """Whether something came."""
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionResetError:
            self.end = "rst"
            return False
        except TimeoutError:
            self.end = "silent"
            return False
        if not data:
            self.end = "fin"
        self.data += data
        return bool(data)

    def until(self, mark: bytes) -> bytes | None:
        while mark not in self.data:
            if not self.more():
                return None
        found, _, self.data = self.data.partition(mark)
        return found

    def take(self, size: int) -> bytes:
        while len(self.data) < size and self.more():
            pass
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def ending(self) -> End:
        """Behind a complete response and a request for another."""
        self.data = b""
        self.end = None
        self.more()
        return self.end or "kept"

    def seen(self) -> ReceivedResponse:
        head = self.until(b"\r\n\r\n")
        if head is None:
            return ReceivedResponse((), self.data, self.end or "kept", complete=False)
        lines = tuple(head.decode("latin-1").split("\r\n"))
        seen = ReceivedResponse(lines, b"", "kept")
        if seen.headers("transfer-encoding") == ["chunked"]:
            return self.chunks(seen)
        if lengths := seen.headers("content-length"):
            body = self.take(int(lengths[-1]))
            complete = len(body) == int(lengths[-1])
            return replace(seen, body=body, complete=complete, end=self.end or "kept", broken=self.rest())
        while self.more():
            pass
        return replace(seen, body=self.data, complete=False, end=self.end or "kept")

    def rest(self) -> bytes:
        """What came behind the length, in the same write."""
        rest, self.data = self.data, b""
        return rest

    def chunks(self, seen: ReceivedResponse) -> ReceivedResponse:
        body: list[bytes] = []
        while True:
            size = self.until(b"\r\n")
            if size is None or not re.fullmatch(rb"[0-9a-f]+", size):
                broken = size or b""
                while size is not None and self.more():
                    pass
                break
            data = self.take(int(size, 16))
            body.append(data)
            after = self.take(2)
            if after != b"\r\n" or size == b"0":
                broken = b"" if after == b"\r\n" else after + self.data
                if size == b"0":
                    return replace(seen, body=b"".join(body), chunked=True, end=self.end or "kept")
                while self.more():
                    pass
                broken = after + self.data if after else b""
                break
        reported = b"".join(body)
        return replace(
            seen, body=reported, chunked=True, complete=False, end=self.end or "kept", broken=broken
        )


# --- what is expected ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Plain:
    """The response without the fault."""

    seen: ReceivedResponse
    streamed: bool
    endpoint: str = "openai-chat"
    """The protocol: its dialect and api."""

    @property
    def dialects(self) -> list[ReplyDialect]:
        """The calls of the protocol, one of each provider that has it."""
        return [call.dialect for call in GENERATING_CALLS if call.endpoint == self.endpoint]

    @property
    def body(self) -> bytes:
        return self.seen.body

    @property
    def events(self) -> list[bytes]:
        """The stream's events, with all that frames them: joined they are the body."""
        if self.array:
            return re.split(rb"(?=\n,\r\n)", self.body.removesuffix(b"\n]"))
        if self.ndjson:
            return self.body.splitlines(keepends=True)
        if self.binary:
            ends = [0, *(frame.end for frame in read_frames(self.body))]
            return [self.body[start:end] for start, end in pairwise(ends)]
        return re.findall(rb".*?\r?\n\r?\n", self.body, re.DOTALL)

    @property
    def array(self) -> bool:
        """Whether it is a JSON array."""
        return self.body.startswith(b"[")

    @property
    def ndjson(self) -> bool:
        """Whether each line is a JSON object."""
        return self.streamed and self.body.startswith(b"{")

    @property
    def binary(self) -> bool:
        """Whether it is in binary frames."""
        return self.streamed and self.body.startswith(b"\0")

    @property
    def encoded(self) -> bool:
        """Whether the bytes of its events are in base64."""
        return self.binary and b'{"bytes":' in self.body

    @property
    def crlf(self) -> bool:
        return b"\r\n\r\n" in self.body and not self.array

    @property
    def says(self) -> list[int]:
        """Which events have the chunks, in order; missing chunks (an echo …) fail here."""
        found: list[int] = []
        for text in CHUNKS:
            since = found[-1] + 1 if found else 0
            found.append(next(n for n, event in enumerate(self.events) if n >= since and says(event, text)))
        return found

    def behind(self, chunks: int) -> int:
        """The byte behind so many chunks; of a non-streaming response, where its stream would have sent them."""
        if not self.streamed:
            return self.body.index(written(CHUNKS[0])) + len(written("".join(CHUNKS[:chunks])))
        if not chunks:
            return sum(map(len, self.events[: self.says[0]]))
        return sum(map(len, self.events[: self.says[chunks - 1] + 1]))

    def payload(self, event: bytes) -> bytes:
        """An event's data, without its frame."""
        if self.array:
            return event.removeprefix(b"[").removeprefix(b"\n,\r\n")
        if self.ndjson:
            return event.removesuffix(b"\n")
        if self.binary:
            return readable(event)
        found = re.search(rb"data: (.*?)\r?\n\r?\n", event, re.DOTALL)
        assert found is not None
        return found[1]


def written(text: str) -> bytes:
    """A text in JSON, as most write it; angle brackets are looked for in `says` alone."""
    return dumps(text)[1:-1]


def says(event: bytes, text: str) -> bool:
    plain, event = b'"' + written(text) + b'"', readable(event)
    return plain in event or plain.replace(b"<", b"\\u003c").replace(b">", b"\\u003e") in event


def readable(events: bytes) -> bytes:
    """The payloads of binary frames; other events as they are."""
    return b"".join(unwrapped(frame.payload) for frame in read_frames(events)) or events


class Any_(Enum):
    ANY = "any"


ANY: Final = Any_.ANY


@dataclass(frozen=True)
class Expect:
    """What must be seen. `lines`: the head, without what states the body's form; None is that of the response
    without the fault. What is ANY is looked at by `check`."""

    body: bytes | Any_
    end: End = "kept"
    lines: tuple[str, ...] | Any_ | None = None
    took: float = 0.0
    complete: bool = True
    framed: Literal["length", "chunks", "connection", "nothing"] | None = None
    broken: bytes | None = b""
    check: Callable[[ReceivedResponse], None] | None = None


@dataclass(frozen=True)
class Not:
    """It is not applied, and this is why: the response is as without it."""

    reason: str


Row: TypeAlias = Callable[[Plain], Expect | Not]


@dataclass(frozen=True)
class Fault:
    """A row of the matrix: what must be seen of a fault with these settings (beside its defaults), on streams and
    on non-streaming responses."""

    streamed: Row
    whole: Row
    settings: Mapping[str, Any] = field(default_factory=dict)
    pace: Mapping[str, Any] = field(default_factory=dict)
    reply: Mapping[str, Any] = field(default_factory=lambda: {"chunks": list(CHUNKS)})
    wanted: NeutralRequest = field(default_factory=NeutralRequest)
    """The request, where the fault looks at it."""


FRAMING = ("transfer-encoding", "content-length", "connection")


def stated(lines: tuple[str, ...]) -> list[str]:
    """The lines of a head, without those that tell the body's form, or its tokens: bodies are looked at for these."""
    names = [line.partition(":")[0].lower() for line in lines]
    return [
        line
        for name, line in zip(names, lines, strict=True)
        if name not in FRAMING and not name.endswith("-token-count")
    ]


def assert_seen(seen: ReceivedResponse, expected: Expect, plain: Plain) -> None:
    """The response is what was expected, to the byte."""
    lines = plain.seen.lines if expected.lines is None else expected.lines
    if lines is not ANY:
        assert stated(seen.lines) == stated(lines)
    if expected.body is not ANY:
        assert seen.body == expected.body
    assert seen.end == expected.end
    assert seen.complete == expected.complete
    if expected.broken is not None:
        assert seen.broken == expected.broken
    assert seen.took >= expected.took
    form = expected.framed or ("chunks" if plain.streamed else "length")
    assert framed(seen) == form
    if expected.check is not None:
        expected.check(seen)


def framed(seen: ReceivedResponse) -> str:
    if not seen.lines:
        return "nothing"
    if seen.chunked:
        return "chunks"
    return "length" if seen.headers("content-length") else "connection"
