"""Load from the second core: wrk where it is installed, else a small generator of our own, which also checks
the responses.

Both keep a fixed number of connections busy and send the bodies in turn.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Literal, TypeAlias, cast

from benchmarks.sides import LOAD_CORE, placed, put
from mockllm.server.http_server import run_on_best_loop

PATH = "/v1/chat/completions"
CONNECTIONS = 32
WRK = shutil.which("wrk")
HEADERS = {
    "Content-Type": "application/json",
    "Authorization": "Bearer sk-benchmark",
    "User-Agent": "benchmark",
}
MARK = "@@@@@@@@"
"""Each request has its number in place of this."""
Own: TypeAlias = Literal["same", "header", "body"]
"""What differs in each request: nothing, a header, or the number in its body."""
LUA = """
local requests, at, number, own = {}, 0, 0, false
function init(arguments)
  own = arguments[2] ~= "same"
  if arguments[2] == "header" then wrk.headers["X-Request-Id"] = "@@@@@@@@" end
  for line in io.lines(arguments[1]) do requests[#requests + 1] = wrk.format("POST", nil, nil, line) end
end
function request()
  at = at % #requests + 1
  if not own then return requests[at] end
  number = number + 1
  return (requests[at]:gsub("@@@@@@@@", string.format("%08x", number), 1))
end
"""


def rate(port: int, bodies: Sequence[bytes], seconds: int, *, own: Own = "same") -> tuple[float, int]:
    """Return responses a second, and their number. SystemExit where a response was no success."""
    if WRK:
        return _wrk(port, bodies, seconds, own)
    tally = send(port, bodies, seconds=seconds, own=own)
    return tally.rate, tally.responses


def _wrk(port: int, bodies: Sequence[bytes], seconds: int, own: Own) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        lines, script = Path(folder, "bodies"), Path(folder, "varied.lua")
        lines.write_bytes(b"\n".join(bodies) + b"\n")
        headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in HEADERS.items())
        script.write_text(headers + LUA)
        url = f"http://127.0.0.1:{port}{PATH}"
        output = subprocess.run(
            [
                str(WRK),
                "-t1",
                f"-c{CONNECTIONS}",
                f"-d{seconds}s",
                "-s",
                str(script),
                url,
                "--",
                str(lines),
                own,
            ],
            preexec_fn=lambda: put(LOAD_CORE),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    found = re.search(r"(\d+) requests in[^$]*Requests/sec:\s+([\d.]+)", output)
    if found is None or "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"the load did not go through:\n{output}")
    return float(found[2]), int(found[1])


@dataclass
class Tally:
    """The responses that came. `ids` are theirs, each once."""

    until: float
    most: float
    rate: float = 0.0
    responses: int = 0
    ids: set[bytes] = field(default_factory=set)
    rules: set[bytes] = field(default_factory=set)
    last: bytes = b""
    on_response: Callable[[bytes], object] = bytes
    """Is called with each response."""


class Client(asyncio.Protocol):
    """One connection: a request, its complete response, the next request."""

    def __init__(self, requests: Iterator[bytes], tally: Tally, ended: asyncio.Future[None]) -> None:
        self._requests = requests
        self._tally = tally
        self._ended = ended
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(next(self._requests))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._came += data
        if not complete(self._came):
            return
        came, self._came = self._came, b""
        tally = self._tally
        if not came.startswith(b"HTTP/1.1 200"):
            self._ended.set_exception(SystemExit(f"no success: {came[:300]!r}"))
            return
        tally.responses += 1
        tally.ids.update(_ID.findall(came)[:1])
        tally.rules.update(_RULE.findall(came))
        tally.last = came
        tally.on_response(came)
        if time.monotonic() < tally.until and tally.responses < tally.most:
            self._transport.write(next(self._requests))
        else:
            self._ended.set_result(None)
            self._transport.close()


_ID = re.compile(rb'"id": ?"([^"]+)"')
_RULE = re.compile(rb"(?i)x-mockllm-rule: ([^\r]+)")
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")


def complete(came: bytes) -> bool:
    """Whether a whole response has come."""
    head, end, body = came.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def _owned(requests: Sequence[bytes]) -> Iterator[bytes]:
    for number, each in enumerate(cycle(requests)):
        yield each.replace(MARK.encode(), b"%08x" % number, 1)


def send(
    port: int,
    bodies: Sequence[bytes],
    *,
    seconds: float = 60,
    responses: float = float("inf"),
    connections: int = CONNECTIONS,
    on_response: Callable[[bytes], object] = bytes,
    own: Own = "same",
) -> Tally:
    """Send requests for so many seconds, or until so many responses came. `on_response` is called with each."""
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    head += f"X-Request-Id: {MARK}\r\n" * (own == "header")
    requests = [
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
        + body
        for body in bodies
    ]

    async def run() -> Tally:
        began = time.monotonic()
        tally = Tally(began + seconds, responses, on_response=on_response)
        turn = cycle(requests) if own == "same" else _owned(requests)
        loop = asyncio.get_running_loop()
        ended: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
        for future in ended:
            await loop.create_connection(lambda future=future: Client(turn, tally, future), "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*ended)
        tally.rate = tally.responses / (time.monotonic() - began)
        return tally

    with placed(LOAD_CORE):
        return run_on_best_loop(run())
