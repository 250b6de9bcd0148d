"""A client with a separate socket that sends bytes and reads what comes."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass, field
from types import TracebackType

from tests.waiting import PATIENCE


@dataclass
class Got:
    """One response. `body` is without chunks; `complete`: their end has come, or the whole length."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.body.decode()


class Raw:
    """One connection. Reading ends with an error in the end, so that a hung server fails a test."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.sock = socket.create_connection((host, port), timeout=PATIENCE)
        self.rest = b""

    @staticmethod
    def to(url: str) -> Raw:
        """`http://host:port`."""
        host, _, port = url.removeprefix("http://").rpartition(":")
        return Raw(int(port), host.strip("[]"))

    def __enter__(self) -> Raw:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()

    def send(self, data: bytes) -> Raw:
        self.sock.sendall(data)
        return self

    def to_the_end(self) -> bytes:
        """All that comes until the server closes."""
        while data := self.sock.recv(65536):
            self.rest += data
        return self.rest

    def closed_after(self) -> float:
        """Seconds until the server closes, whatever it says before."""
        began = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            self.to_the_end()
        return time.monotonic() - began

    def answer(self, *, head_only: bool = False) -> Got:
        """The next response on the connection."""
        while b"\r\n\r\n" not in self.rest:
            self._more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        got = Got(int(status.split(" ")[1]), headers, b"", True, lines)
        if head_only or got.status in (204, 304) or got.status < 200:
            return got
        if headers.get("transfer-encoding") == "chunked":
            got.complete = self._chunks(got)
        elif "content-length" in headers:
            wanted = int(headers["content-length"])
            while len(self.rest) < wanted and self._more_or_end():
                pass
            got.body, self.rest = self.rest[:wanted], self.rest[wanted:]
            got.complete = len(got.body) == wanted
        else:
            got.body, self.rest = self.to_the_end(), b""
        return got

    def _chunks(self, got: Got) -> bool:
        body: list[bytes] = []
        while True:
            while b"\r\n" not in self.rest:
                if not self._more_or_end():
                    break
            size, _, self.rest = self.rest.partition(b"\r\n")
            data = self._take(int(size or b"0", 16) + 2)
            body.append(data[:-2])
            got.body = b"".join(body) if len(data) <= 2 else b""
            if len(data) <= 2:
                return size == b"0"

    def _take(self, size: int) -> bytes:
        """So many bytes, or what there is before the end."""
        received = [self.rest]
        left = size - len(self.rest)
        while left > 0 and (data := self.sock.recv(65536)):
            received.append(data)
            left -= len(data)
        whole = b"".join(received)
        self.rest = whole[size:]
        return whole[:size]

    def _more(self) -> None:
        assert self._more_or_end(), f"the connection ended after {self.rest!r}"

    def _more_or_end(self) -> bool:
        data = self.sock.recv(65536)
        self.rest += data
        return bool(data)


def request(
    method: str = "GET", path: str = "/", body: bytes = b"", version: str = "1.1", **headers: str
) -> bytes:
    """The bytes of a request; header names are written with `_` for `-`."""
    lines = [f"{method} {path} HTTP/{version}", "Host: test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body and not {"Transfer_Encoding", "Content_Length"} & headers.keys():
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
