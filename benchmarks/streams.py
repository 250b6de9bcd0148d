"""How late the chunks of many paced streams are: at the server's write and at the client, in one run.

1,000 streams of 18 chunks, 50 ms apart, started over a second against a real server on a core of its own;
the client on another. Lateness is counted from each chunk's absolute deadline, so drift shows as a later
chunk being later than an early one. Run: `python benchmarks/streams.py [STREAMS] [GAP_MS] [RAMP_S]`.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mockllm.core.plan import Data, Framing, Head, Plan, Step, Wait
from mockllm.server import app, player
from mockllm.server.deadlines import Deadlines
from mockllm.server.serving import Address, Server, run_on_best_loop
from mockllm.server.wire import Opening
from tests.server.fake_engine import FakeEngine

CHUNKS = 18
PAYLOAD = b'{"id":"chatcmpl-%02d","object":"chat.completion.chunk","choices":[{"delta":{"content":" word"}}]}'


def plan(gap: float) -> Plan:
    """The first chunk leaves one gap after the request's last byte."""
    steps: list[Step] = []
    for number in range(1, CHUNKS + 1):
        steps += [Wait(gap, number - 1), Data(PAYLOAD % number, number, "say")]
    return Plan(Head(200, (("Content-Type", "text/event-stream"),)), tuple(steps), Framing.SSE)


class MeasuredSink:
    """A sink that notes when each write was handed to the transport."""

    def __init__(self, sink: player.Sink, written: list[float]) -> None:
        self._sink = sink
        self._written = written

    def write(self, data: bytes) -> None:
        self._written.append(time.monotonic())
        self._sink.write(data)

    @property
    def full(self) -> bool:
        return self._sink.full


class MeasuredPlay(player.Play):
    """A play that keeps, per stream, when it should have begun and when it wrote."""

    __slots__ = ()
    all: list[tuple[float, list[float]]] = []  # noqa: RUF012 - one process, one run

    def __init__(
        self, made: Plan, opening: Opening, sink: player.Sink, deadlines: Deadlines, since: float
    ) -> None:
        written: list[float] = []
        MeasuredPlay.all.append((since, written))
        super().__init__(made, opening, MeasuredSink(sink, written), deadlines, since)


def serve(pipe: Connection, gap: float) -> None:
    """The server's process: its port first, its lateness and CPU time when asked to end."""
    os.sched_setaffinity(0, {0})
    setattr(app, "Play", MeasuredPlay)  # noqa: B010 - measured from inside, without a hook in the server

    async def main() -> None:
        server = Server(app.App(FakeEngine({"/s": plan(gap)})), [Address("127.0.0.1", 0)])
        await server.start()
        gc.freeze()  # as `serving.serve` does
        pipe.send(server.listening[0].port)
        while not pipe.poll():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        late = [
            [write - since - (number + 1) * gap for number, write in enumerate(written[1:])]
            for since, written in MeasuredPlay.all
        ]
        pipe.send((late, time.process_time()))
        await server.stop()

    run_on_best_loop(main())


class Client(asyncio.Protocol):
    """Reads one stream and notes when each chunk came."""

    def __init__(self, ended: asyncio.Future[None]) -> None:
        self.came: list[float] = []
        self.sent = 0.0
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.sent = time.monotonic()
        self._transport.write(b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self.came += [now] * data.count(b"data: ")
        if data.endswith(b"0\r\n\r\n"):
            self._transport.close()
            self._ended.set_result(None)


async def load(port: int, streams: int, ramp: float) -> list[Client]:
    """Starts the streams evenly over `ramp` seconds and waits for all."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(number: int) -> Client:
        await asyncio.sleep(began + number * ramp / streams - loop.time())
        ended = loop.create_future()
        _, client = await loop.create_connection(lambda: Client(ended), "127.0.0.1", port)
        await ended
        return client

    return await asyncio.gather(*map(one, range(streams)))


def quantile(values: Sequence[float], part: float) -> float:
    """In milliseconds."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000


def show(where: str, late: Sequence[Sequence[float]]) -> None:
    flat = [value for stream in late for value in stream]
    drift = quantile([stream[-1] for stream in late], 0.5) - quantile([stream[0] for stream in late], 0.5)
    print(
        f"{where:<22} p50 {quantile(flat, 0.5):6.2f} ms   p99 {quantile(flat, 0.99):6.2f} ms   "
        f"worst {quantile(flat, 1):6.2f} ms   earliest {quantile(flat, 0):6.2f} ms   "
        f"drift first to last chunk {drift:+.2f} ms"
    )


def main() -> None:
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    gap = float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0.05
    ramp = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, gap))
    server.start()
    os.sched_setaffinity(0, {1})
    port = ours.recv()
    gc.freeze()  # the client's own stalls are not what is measured
    clients = run_on_best_loop(load(port, streams, ramp))
    ours.send(None)
    late, cpu = ours.recv()
    server.join()
    assert all(len(client.came) == CHUNKS for client in clients)
    print(f"{streams} streams of {CHUNKS} chunks, {gap * 1000:g} ms apart, started over {ramp:g} s")
    show("at the server's write", late)
    # The client counts from when it sent its request: a little before the server had its last byte.
    show(
        "at the client",
        [[came - client.sent - (n + 1) * gap for n, came in enumerate(client.came)] for client in clients],
    )
    print(f"server CPU {cpu:.2f} s")


if __name__ == "__main__":
    main()
