"""A client of HTTP/2 on a socket, which can also do what no client should."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from h2 import events
from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine

from tests.waiting import PATIENCE

Fields = Sequence[tuple[str, str]]


@dataclass
class H2Response:
    """What has come on a stream. `reset` is the code of its reset."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    fields: list[tuple[str, str]] = field(default_factory=list)
    informational: list[int] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    reset: int | None = None

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def over(self) -> bool:
        return self.ended or self.reset is not None


class H2Client:
    """One connection. Reading ends with an error in the end, so that a hung server fails a test.

    `reads`: whether the windows open again for what has come.
    """

    def __init__(self, port: int, *, reads: bool = True, preface: bool = True) -> None:
        """Without `preface` the test sends `opening` itself."""
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.h2 = H2Connection(
            H2Configuration(
                header_encoding="latin-1",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                validate_inbound_headers=False,
            )
        )
        going_on = (None, ConnectionState.CLIENT_OPEN)  # streams end behind the server's GOAWAY
        self.h2.state_machine._transitions = {
            **H2ConnectionStateMachine._transitions,
            (ConnectionState.CLIENT_OPEN, ConnectionInputs.RECV_GOAWAY): going_on,
        }
        self.reads = reads
        self.acknowledges = True
        """Whether pings and settings that have come are acknowledged."""
        self.responses: dict[int, H2Response] = {}
        self.goaway: int | None = None
        """The code with which the server ends the connection."""
        self.closed = False
        """Whether the server has closed the connection."""
        self.h2.initiate_connection()
        self.opening = b""
        if preface:
            self.flush()
        else:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.opening = self.h2.data_to_send()

    def __enter__(self) -> H2Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()

    def flush(self) -> None:
        self.sock.sendall(self.h2.data_to_send())

    def send(self, data: bytes) -> None:
        """Send bytes that `h2` knows nothing of."""
        self.sock.sendall(data)

    def begin(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Fields = (),
        end: bool = True,
        authority: str = "test",
    ) -> int:
        """Send the head of a request; return its stream."""
        id = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path)]
        self.h2.send_headers(id, [*pseudo, *headers], end_stream=end)
        self.responses[id] = H2Response()
        return id

    def ask(self, path: str, body: bytes = b"", *, method: str = "", headers: Fields = ()) -> int:
        """Send a request in one write, with the length of its body; return its stream."""
        length = [("content-length", str(len(body)))] if body else []
        method = method or ("POST" if body else "GET")
        id = self.begin(path, method=method, headers=[*length, *headers], end=not body)
        if body:
            self.h2.send_data(id, body, end_stream=True)
        self.flush()
        return id

    def response(self, id: int) -> H2Response:
        """Return a response when it is over."""
        self.until(lambda: self.responses[id].over)
        return self.responses[id]

    def until(self, holds: Callable[[], bool]) -> None:
        """Read until this holds."""
        while not holds():
            assert not self.closed, f"the connection has ended: GOAWAY {self.goaway}, {self.responses}"
            self.read()

    def to_the_end(self) -> None:
        """Read until the server closes the connection."""
        while not self.closed:
            self.read()

    def read(self) -> None:
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.closed = True
            return
        for event in self.h2.receive_data(data):
            self._take(event)
        if self.acknowledges:
            with contextlib.suppress(OSError):  # the server has closed the connection
                self.flush()

    def _take(self, event: events.Event) -> None:
        match event:
            case events.InformationalResponseReceived():
                self.responses[event.stream_id].informational.append(int(event.headers[0][1]))
            case events.ResponseReceived():
                response = self.responses[event.stream_id]
                response.fields = [(str(name), str(value)) for name, value in event.headers]
                response.headers = dict(response.fields)
                response.status = int(response.headers[":status"])
            case events.DataReceived():
                self.responses[event.stream_id].body += event.data
                if self.reads:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case events.StreamEnded():
                self.responses[event.stream_id].ended = True
            case events.StreamReset():
                self.responses[event.stream_id].reset = int(event.error_code)
            case events.ConnectionTerminated():
                self.goaway = int(event.error_code or 0)
