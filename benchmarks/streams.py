"""1,000 paced streams at once: how late each chunk is, at the server's write and at the client, in one run.

Three runs, on the whole server and engine. The pack `benchmark` (18 chunks, 50 ms apart) and the whole vocabulary
(`benchmarks.vocabulary`: every distribution drawn, faults, modifiers, limits), the streams begun over a second; then
10,000 slow ones, for their memory (`benchmarks.crowd`). Lateness is counted from each chunk's absolute deadline, as
its plan has it from the request's last byte, so that drift shows as a last chunk that is later than a first one. The
server's writes are measured from inside, by a sink of our own around the real one.
"""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import tempfile
import time
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import NamedTuple, cast

from benchmarks import crowd
from benchmarks.rounds import Effort
from benchmarks.sides import LOAD_CORE, SERVER_CORE, placed, put
from benchmarks.vocabulary import MODELS
from benchmarks.vocabulary import SCENARIO as VOCABULARY
from mockllm.core.rendering.plan import EventStep, Plan, RawStep, WaitStep
from mockllm.dialects.listing import LISTED_CALLS
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.manifest import ParamSettings
from mockllm.server import app, player, respond
from mockllm.server.deadlines import Deadlines
from mockllm.server.engine_builder import Builder
from mockllm.server.gc_policy import GcPolicy
from mockllm.server.http1 import SerializedHead
from mockllm.server.http_server import Address, Server, run_on_best_loop
from mockllm.server.socket_sink import SocketSink
from mockllm.state.engine_state import EngineState

STREAMS, CHUNKS, GAP, RAMP = 1000, 18, 0.05, 1.0
CHUNK_MARK = b'"delta":{"content":'
"""A part of each event of a chunk."""


@dataclass(frozen=True)
class Case:
    """What is measured: a scenario, its pack's settings, and which models are requested in turn."""

    scenario: str
    models: Sequence[str] = ("gpt-4o",)
    settings: Mapping[str, str] = field(default_factory=dict)

    def request(self, number: int) -> bytes:
        """The request of a stream."""
        model = self.models[number % len(self.models)]
        message = {"role": "user", "content": "hi"}
        body = json.dumps({"model": model, "stream": True, "messages": [message]}).encode()
        head = f"Host: x\r\nAuthorization: Bearer key-{number % 10}\r\n"
        start = f"POST /v1/chat/completions HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n"
        return start.encode() + body


PLAIN = Case(
    "mockllm: 1\nuse: [benchmark]\n",
    settings={"CHUNK_COUNT": str(CHUNKS), "CHUNK_DELAY_MS": f"{GAP * 1000:g}"},
)
WHOLE_VOCABULARY = Case(VOCABULARY, MODELS)


class Stream(NamedTuple):
    """One stream as the server has it: its client's port, which identifies it, how late each of
    its writes was, and when each chunk was due."""

    port: int
    late: list[float]
    due: list[float]


class MeasuredSink:
    """A sink that notes when each write was handed to the transport."""

    def __init__(self, sink: SocketSink) -> None:
        self._sink = sink
        peer = sink.connection.peername
        assert isinstance(peer, tuple)
        self.port = peer[1]
        self.written = array("d")

    def write(self, data: bytes) -> None:
        self.written.append(time.monotonic())
        self._sink.write(data)

    @property
    def full(self) -> bool:
        return self._sink.full


class MeasuredPlay(player.Player):
    """A player that stores, for each stream, its plan, when it should have begun, and when it wrote."""

    __slots__ = ()
    all: list[tuple[float, Plan, MeasuredSink]] = []  # noqa: RUF012 - one process, one run

    def __init__(
        self,
        plan: Plan,
        head: SerializedHead,
        sink: SocketSink,
        deadlines: Deadlines,
        started: float,
        time_scale: float = 1.0,
    ) -> None:
        measured = MeasuredSink(sink)
        MeasuredPlay.all.append((started, plan, measured))
        super().__init__(plan, head, measured, deadlines, started, time_scale)


def measured_stream(since: float, plan: Plan, sink: MeasuredSink) -> Stream:
    """Return the measures of one stream. What is due by a write left with it, if it had not before."""
    at = since + plan.delay
    due: list[float] = [at]  # the head, then whatever leaves
    chunks: list[float] = []
    for step in plan.steps:
        if isinstance(step, WaitStep):
            at += step.seconds
        elif at > due[-1]:
            due.append(at)
        if isinstance(step, EventStep | RawStep):
            chunks += [at] * (step.payload if isinstance(step, EventStep) else step.data).count(CHUNK_MARK)
    late: list[float] = []
    for written in sink.written:
        while len(late) < len(due) and due[len(late)] <= written:
            late.append(written - due[len(late)])
    assert len(late) == len(due), "not all was written"
    return Stream(sink.port, late, chunks)


def serve(pipe: Connection, case: Case) -> None:
    """The server's process: its port first, its lateness and CPU time when it has to end."""
    put(SERVER_CORE)
    setattr(respond, "Player", MeasuredPlay)  # noqa: B010 - measured from inside, without a hook in the server
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(case.scenario)
        known_names = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)
        wanted = ScenarioSources([folder], [], ParamSettings((), case.settings), known_names)
        engine = Builder(wanted, EngineState()).first()
    for (
        call
    ) in LISTED_CALLS:  # the first request to a provider imports its calls: that is no lateness of a stream
        if call.provider == "openai":
            _ = call.dialect

    async def main() -> None:
        server = Server(app.App(engine), [Address("127.0.0.1", 0)])
        await server.start()
        GcPolicy(lambda: server.app.unfinished_exchanges > 0, lambda: engine).begin(
            asyncio.get_running_loop()
        )
        cpu_before = time.process_time()
        pipe.send(server.listening[0].port)
        while not pipe.poll():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        cpu = time.process_time() - cpu_before
        pipe.send(([measured_stream(*each) for each in MeasuredPlay.all], cpu))
        await server.stop()

    run_on_best_loop(main())


class Client(asyncio.Protocol):
    """Reads one stream and notes when each chunk came."""

    def __init__(self, request: bytes, ended: asyncio.Future[None]) -> None:
        self.came: list[float] = []
        self._request = request
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.port: int = self._transport.get_extra_info("sockname")[1]
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.came += [time.monotonic()] * data.count(CHUNK_MARK)
        if data.endswith(b"0\r\n\r\n"):
            self._transport.close()
            self._ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(exc or EOFError("the server closed a stream before its end"))


async def load(case: Case, port: int) -> list[Client]:
    """Starts the streams evenly over the ramp and waits for all."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(number: int) -> Client:
        await asyncio.sleep(began + number * RAMP / STREAMS - loop.time())
        ended = loop.create_future()
        request = case.request(number)
        _, client = await loop.create_connection(lambda: Client(request, ended), "127.0.0.1", port)
        await ended
        return client

    return await asyncio.gather(*map(one, range(STREAMS)))


def run(case: Case) -> tuple[list[list[float]], list[list[float]], float]:
    """How late each write of each stream was at the server, and each chunk at the client; the server's CPU time."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, case))
    server.start()
    port = ours.recv()
    with placed(LOAD_CORE):
        gc.freeze()  # the client's own stalls are not what is measured
        clients = run_on_best_loop(load(case, port))
    ours.send(None)
    streams, cpu = cast("tuple[list[Stream], float]", ours.recv())
    server.join()
    by_port = {client.port: client for client in clients}
    assert by_port.keys() == {stream.port for stream in streams}
    assert len(streams) == STREAMS
    at_client = [
        [came - due for came, due in zip(by_port[stream.port].came, stream.due, strict=True)]
        for stream in streams
    ]
    return [stream.late for stream in streams], at_client, cpu


def quantile(late: Sequence[Sequence[float]], part: float) -> float:
    """In milliseconds."""
    ordered = sorted(value for stream in late for value in stream)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000


def drift(late: Sequence[Sequence[float]]) -> float:
    """How much later the last chunk is than the first, in milliseconds."""
    first, last = (median(stream[place] for stream in late) for place in (0, -1))
    return (last - first) * 1000


def measured(case: Case, rounds: int) -> None:
    print("| run | where | p50 | p99, wanted at most 2 | worst | drift, first to last chunk | server CPU |")
    print("|--:|---|--:|--:|--:|--:|--:|")
    for number in range(rounds):
        late, at_client, cpu = run(case)
        for where, found in (("at the server's write", late), ("at the client", at_client)):
            half, most, worst = (f"{quantile(found, part):.2f} ms" for part in (0.5, 0.99, 1))
            drifted = f"{drift(found):+.2f} ms"
            print(f"| {number + 1} | {where} | {half} | **{most}** | {worst} | {drifted} | {cpu:.2f} s |")


def main(effort: Effort) -> None:
    rounds = min(3, effort.rounds)
    print(f"{STREAMS:,} streams of {CHUNKS} chunks, {GAP * 1000:g} ms apart, begun over {RAMP:g} s\n")
    measured(PLAIN, rounds)
    print(
        f"\n{STREAMS:,} streams of the whole vocabulary, about {GAP * 1000:g} ms apart, begun over {RAMP:g} s\n"
    )
    measured(WHOLE_VOCABULARY, rounds)
    print()
    crowd.main(effort)
