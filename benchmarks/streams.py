"""1,000 paced streams at once: how late each chunk is, at the server's write and at the client, in one run.

The pack `benchmark` (18 chunks, 50 ms apart), the whole server and engine; the streams begin over a second.
Lateness is counted from each chunk's absolute deadline, so drift shows as a last chunk that is later than a
first one. The server's writes are measured from inside, by a sink of our own around the real one.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from statistics import median
from typing import cast

from benchmarks.rounds import Effort
from benchmarks.sides import LOAD_CORE, SERVER_CORE, placed, put
from mockllm.core.plan import Plan
from mockllm.dialects.registry import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.gathering import Wanted
from mockllm.scenario.pack import Settings
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.server import app, player
from mockllm.server.building import Builder
from mockllm.server.deadlines import Deadlines
from mockllm.server.serving import Address, Server, run_on_best_loop
from mockllm.server.wire import Opening
from mockllm.state.sessions import Sessions

STREAMS, CHUNKS, GAP, RAMP = 1000, 18, 0.05, 1.0
BODY = b'{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
ASKED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


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


def serve(pipe: Connection) -> None:
    """The server's process: its port first, its lateness and CPU time when asked to end."""
    put(SERVER_CORE)
    setattr(app, "Play", MeasuredPlay)  # noqa: B010 - measured from inside, without a hook in the server
    settings = Settings((), {"CHUNK_COUNT": str(CHUNKS), "CHUNK_DELAY_MS": f"{GAP * 1000:g}"})
    wanted = Wanted([], ["benchmark"], settings, Vocabulary(PROVIDERS, DIALECT_NAMES, APIS))
    engine = Builder(wanted, Sessions()).first()

    async def main() -> None:
        server = Server(app.App(engine), [Address("127.0.0.1", 0)])
        await server.start()
        gc.freeze()  # as `serving.serve` does
        pipe.send(server.listening[0].port)
        while not pipe.poll():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        late = [
            [write - since - number * GAP for number, write in enumerate(written)]
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
        self._transport.write(ASKED)

    def data_received(self, data: bytes) -> None:
        self.came += [time.monotonic()] * data.count(b'"delta":{"content":')
        if data.endswith(b"0\r\n\r\n"):
            self._transport.close()
            self._ended.set_result(None)


async def load(port: int) -> list[Client]:
    """Starts the streams evenly over the ramp and waits for all."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(number: int) -> Client:
        await asyncio.sleep(began + number * RAMP / STREAMS - loop.time())
        ended = loop.create_future()
        _, client = await loop.create_connection(lambda: Client(ended), "127.0.0.1", port)
        await ended
        return client

    return await asyncio.gather(*map(one, range(STREAMS)))


def run() -> tuple[list[list[float]], list[list[float]], float]:
    """How late each chunk of each stream was at the server and at the client, and the server's CPU time."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    server.start()
    port = ours.recv()
    with placed(LOAD_CORE):
        gc.freeze()  # the client's own stalls are not what is measured
        clients = run_on_best_loop(load(port))
    ours.send(None)
    late, cpu = ours.recv()
    server.join()
    assert all(len(client.came) == CHUNKS for client in clients)
    # The client counts from when it sent its request: a little before the server had its last byte.
    heard = [[came - client.sent - n * GAP for n, came in enumerate(client.came)] for client in clients]
    return late, heard, cpu


def quantile(late: Sequence[Sequence[float]], part: float) -> float:
    """In milliseconds."""
    ordered = sorted(value for stream in late for value in stream)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000


def drift(late: Sequence[Sequence[float]]) -> float:
    """How much later the last chunk is than the first, in milliseconds."""
    first, last = (median(stream[place] for stream in late) for place in (0, -1))
    return (last - first) * 1000


def main(effort: Effort) -> None:
    print(f"{STREAMS:,} streams of {CHUNKS} chunks, {GAP * 1000:g} ms apart, begun over {RAMP:g} s\n")
    print("| run | where | p50 | p99, wanted at most 2 | worst | drift, first to last chunk | server CPU |")
    print("|--:|---|--:|--:|--:|--:|--:|")
    for number in range(min(3, effort.rounds)):
        late, heard, cpu = run()
        for where, found in (("at the server's write", late), ("at the client", heard)):
            half, most, worst = (f"{quantile(found, part):.2f} ms" for part in (0.5, 0.99, 1))
            drifted = f"{drift(found):+.2f} ms"
            print(f"| {number + 1} | {where} | {half} | **{most}** | {worst} | {drifted} | {cpu:.2f} s |")
