"""Agents' requests without sockets: what the server and the baseline compute for each, in this process.

A connection object gets the bytes of a request and writes its response to a transport that stores nothing. Each pass
sends the requests of new conversations, by turns to the server and to the baseline. The least CPU time of each
request counts, and the mean of these for a kind of traffic: so the figures depend little on what else the machine
does.
System calls and the first occurrence of a head are not in them. The calls of functions do not depend on the machine.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import inf
from pathlib import Path
from statistics import mean
from types import FrameType
from typing import Any, Final

import orjson
from aiohttp import web

from benchmarks.agent_load import Request, named
from benchmarks.agents import MIX, REPLY_TEXT, Row, rows, rules, together
from benchmarks.rounds import Effort
from mockllm.scenario.loader import ScenarioSources
from mockllm.server.app import App
from mockllm.server.connection_factory import ConnectionFactory
from mockllm.server.engine_builder import Builder
from mockllm.server.http_server import run_on_best_loop
from mockllm.state.engine_state import EngineState

WARM: Final = 2
"""Passes that are not measured."""
LEAST: Final = 10
"""The least passes that are measured; in the first ones calls are counted."""
COUNTED: Final = 2
_CONVERSATIONS: Final = 1_000_000
"""The first pass of the second row; further rows begin at multiples, so that no row repeats another's requests."""


class NoSocket(asyncio.Transport):
    """A transport that counts writes and stores the last one."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.last = b""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    def is_closing(self) -> bool:
        return False

    def write(self, data: Any) -> None:
        self.writes += 1
        self.last = bytes(data)

    def close(self) -> None:
        raise SystemExit(f"the connection was closed behind {self.last[:200]!r}")

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0


class Client:
    """One connection of a server."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self._transport = NoSocket()
        self._receive = protocol.data_received
        protocol.connection_made(self._transport)

    async def send(self, request: bytes) -> None:
        """Return when the response is written. SystemExit if it is no success."""
        transport = self._transport
        before = transport.writes
        self._receive(request)
        while transport.writes == before:  # noqa: ASYNC110 - an event would be a part of what is measured
            await asyncio.sleep(0)
        if not transport.last.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"no success: {transport.last[:300]!r}")


@dataclass
class Figures:
    """Of one row and one server, for each request the least of all passes."""

    times: list[float] = field(default_factory=list)
    """Seconds of CPU time."""
    calls: list[float] = field(default_factory=list)
    """Calls of Python functions."""


def main(effort: Effort) -> None:
    run_on_best_loop(_measured(effort))


async def _measured(effort: Effort) -> None:
    ours, bare = Client(_listener()()), Client(await _bare())
    gc.collect()
    gc.freeze()
    print("| requests | bare aiohttp, µs | mockllm, µs | × by CPU | calls of functions |")
    print("|---|--:|--:|--:|--:|")
    for number, row in enumerate((Row("the mix", together(MIX, 3)), *rows())):
        passes = _passes(row.requests, number * _CONVERSATIONS)
        theirs, own = await _row(bare, ours, passes, effort)
        base, cost = mean(theirs.times) * 1e6, mean(own.times) * 1e6
        print(
            f"| {row.name} | {base:.0f} | {cost:.0f} | **{base / cost:.2f}** | {mean(own.calls):,.0f} |",
            flush=True,
        )


def _listener() -> ConnectionFactory:
    """The server with the rules of `agents`, and the journal."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(rules())
        engine = Builder(ScenarioSources([folder]), EngineState()).first()
    return ConnectionFactory(App(engine))


async def _bare() -> asyncio.Protocol:
    body = b'{"text":"%b"}' % REPLY_TEXT.encode().ljust(800)

    async def parsed(request: web.Request) -> web.StreamResponse:
        orjson.loads(await request.read())
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path:.*}", parsed)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    return runner.server()


def _passes(requests: Sequence[Request], first: int) -> Iterator[list[bytes]]:
    """Each pass: the requests with the names of new conversations."""
    each = named(requests, first)
    while True:
        yield [next(each) for _ in requests]


async def _row(
    bare: Client, ours: Client, passes: Iterator[list[bytes]], effort: Effort
) -> tuple[Figures, Figures]:
    found = Figures(), Figures()
    end = time.perf_counter() + effort.seconds * effort.rounds
    for number in count(-WARM):
        if number >= LEAST and time.perf_counter() >= end:
            return found
        requests = next(passes)
        for client, figures in zip((bare, ours), found, strict=True):
            if 0 <= number < COUNTED:
                figures.calls = _least(figures.calls, await _calls(client, requests))
            else:
                times = await _times(client, requests)
                figures.times = _least(figures.times, times) if number >= 0 else []
    raise AssertionError


def _least(known: Sequence[float], new: Sequence[float]) -> list[float]:
    return list(map(min, known or [inf] * len(new), new))


async def _times(client: Client, requests: Sequence[bytes]) -> list[float]:
    """Seconds of CPU time for each request."""
    taken = []
    gc.disable()
    for request in requests:
        began = time.process_time()
        await client.send(request)
        taken.append(time.process_time() - began)
    gc.enable()
    return taken


async def _calls(client: Client, requests: Sequence[bytes]) -> list[float]:
    """How many Python functions are called for each request."""
    calls = 0

    def counted(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal calls
        calls += event == "call"

    counts: list[float] = []
    for request in requests:
        before = calls
        sys.setprofile(counted)
        try:
            await client.send(request)
        finally:
            sys.setprofile(None)
        counts.append(calls - before)
    return counts
