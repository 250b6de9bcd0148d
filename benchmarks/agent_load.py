"""Load of conversations: each pass through the shapes is a set of new conversations with names of their own, so that
no two requests are equal and lengths differ, but each request repeats the history of the one before it.

`rate` uses all connections without a pause, by wrk where it is installed. `lateness` sends at fixed times, whether
or not earlier responses have come, and measures from those times.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
import time
from asyncio import SelectorEventLoop
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from random import Random
from selectors import SelectSelector
from typing import Final, cast

from benchmarks.conversations import MARK, Shape
from benchmarks.load import CONNECTIONS, WRK, complete
from benchmarks.sides import LOAD_CORE, placed, put

Request = tuple[int, Shape]
"""The number of its conversation, and the request."""
PADDINGS: Final = 32
"""How many lengths names have."""
LUA: Final = """
local requests, at, pass, pads = {}, 0, 0, {}
for n = 0, 31 do pads[n] = string.rep("p", n) end
function init(arguments)
  pass = tonumber(arguments[2])
  local file = io.open(arguments[1], "rb")
  while true do
    local number = file:read("*n")
    if not number then break end
    local size, parts = 0, {}
    for each = 1, file:read("*n") + 1 do
      local length = file:read("*n")
      file:read(1)
      parts[each] = file:read(length)
      if each > 1 then size = size + length end
    end
    requests[#requests + 1] = {number = number, size = size, parts = parts}
  end
end
function request()
  at = at + 1
  if at > #requests then at, pass = 1, pass + 1 end
  local each = requests[at]
  local name = string.format("%05x%03x", pass, each.number) .. pads[(pass * 7 + each.number) % 32]
  local parts = each.parts
  local length = each.size + #name * (#parts - 2)
  return parts[1] .. length .. "\\r\\n\\r\\n" .. table.concat(parts, name, 2)
end
"""
_pass = count(1)
"""Numbers the measurements, so that none repeats the conversations of another."""
_PASSES: Final = 20_000
"""The most passes of one measurement."""


def _head(shape: Shape) -> bytes:
    """The request's head up to the length of its body."""
    lines = [f"POST {shape.path} HTTP/1.1", "Host: 127.0.0.1", *(f"{n}: {v}" for n, v in shape.headers)]
    return "\r\n".join([*lines, "Content-Length: "]).encode()


def _name(number: int, conversation: int) -> bytes:
    return b"%05x%03x" % (number, conversation) + b"p" * ((number * 7 + conversation) % PADDINGS)


def named(requests: Sequence[Request], first: int) -> Iterator[bytes]:
    """The requests as bytes, pass after pass without end."""
    split = [(number, _head(shape), shape.body.split(MARK)) for number, shape in requests]
    for number in count(first):
        for conversation, head, parts in split:
            body = _name(number, conversation).join(parts)
            yield head + b"%d\r\n\r\n" % len(body) + body


def rate(port: int, requests: Sequence[Request], seconds: int) -> tuple[float, int]:
    """Responses a second, and how many there were. SystemExit where one was no success."""
    first = next(_pass) * _PASSES
    if not WRK:
        taken = _run(port, named(requests, first), CONNECTIONS, None, seconds)
        return len(taken) / seconds, len(taken)
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder, "requests"), Path(folder, "conversations.lua")
        data.write_bytes(b"".join(_listed(number, shape) for number, shape in requests))
        script.write_text(LUA)
        arguments = [f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}/"]
        output = subprocess.run(
            [str(WRK), "-t1", *arguments, "--", str(data), str(first)],
            preexec_fn=lambda: put(LOAD_CORE),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    found = re.search(r"(\d+) requests in[^$]*Requests/sec:\s+([\d.]+)", output)
    if found is None or "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"the load did not go through:\n{output}")
    return float(found[2]), int(found[1])


def _listed(number: int, shape: Shape) -> bytes:
    """One request as the Lua script reads it: its conversation, how many parts its body has, each with its length."""
    parts = shape.body.split(MARK)
    written = [b"%d %b" % (len(part), part) for part in (_head(shape), *parts)]
    return b"%d %d " % (number, len(parts)) + b" ".join(written) + b" "


def lateness(
    port: int, requests: Sequence[Request], per_second: float, seconds: float, *, evenly: bool
) -> list[float]:
    """Seconds from the time at which each request was to be sent to its whole response, sorted. Requests arrive
    evenly, as wrk2 and vegeta send them, or at random times (Poisson)."""
    random = None if evenly else Random(1)
    load = named(requests, next(_pass) * _PASSES)
    return sorted(_run(port, load, 64, per_second, seconds, random))


class _Client(asyncio.Protocol):
    """One connection: it sends a request when it is due, and notes how long its response took."""

    def __init__(self, taken: list[float], idle: asyncio.Queue[_Client]) -> None:
        self._taken, self._idle = taken, idle
        self._came = b""
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes, since: float) -> None:
        self._since = since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._came += data
        if not complete(self._came):
            return
        if not self._came.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"no success: {self._came[:300]!r}")
        self._came = b""
        self._taken.append(time.perf_counter() - self._since)
        self._idle.put_nowait(self)

    def close(self) -> None:
        self._transport.close()


def _run(
    port: int,
    requests: Iterator[bytes],
    connections: int,
    per_second: float | None,
    seconds: float,
    random: Random | None = None,
) -> list[float]:
    """How long each response took; requests at a rate, or without `per_second` as soon as a connection is free.
    `random` draws the times between requests; without it they are equal."""

    async def run() -> list[float]:
        taken: list[float] = []
        idle: asyncio.Queue[_Client] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            idle.put_nowait(
                (await loop.create_connection(lambda: _Client(taken, idle), "127.0.0.1", port))[1]
            )
        due = time.perf_counter()
        end = due + seconds
        while due < end:
            request = next(requests)
            await asyncio.sleep(due - time.perf_counter())
            client = await idle.get()
            client.send(request, due if per_second else time.perf_counter())
            if per_second is None:
                due = time.perf_counter()
            else:
                due += 1 / per_second if random is None else random.expovariate(per_second)
        for _ in range(connections):
            (await idle.get()).close()
        return taken

    # select() waits to the microsecond and epoll to the millisecond; polling would disturb the server
    with (
        placed(LOAD_CORE),
        asyncio.Runner(loop_factory=lambda: SelectorEventLoop(SelectSelector())) as runner,
    ):
        return runner.run(run())
