"""10,000 streams at once, half a second between two chunks: what each costs in memory, and whether it is in time.

The server is as it is served (journal on), with nothing of ours inside: its memory is what the system says, before
the first stream, with all of them under way, and behind the last. What a stream holds is the connection's (its
socket, transport and buffers) and the response's (its plan's rest, its times, its entry in the journal).
"""

from __future__ import annotations

import asyncio
import gc
import json
import tempfile
import time
from pathlib import Path
from typing import cast

from benchmarks.rounds import Effort
from benchmarks.sides import LOAD_CORE, Running, let_calm_down, ours, placed, running
from mockllm.server.http_server import run_on_best_loop

STREAMS, CHUNKS, GAP, RAMP = 10_000, 18, 0.5, 5.0
SCENARIO = f"""mockllm: 1
rules:
  - reply: {{text: {{tokens: {CHUNKS}}}}}
    pace: {{ttft: {GAP * 1000:g}ms, itl: {GAP * 1000:g}ms}}
"""
BODY = json.dumps(
    {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
).encode()
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Reader(asyncio.Protocol):
    """Reads one stream: how many chunks came, and how late the last one was. It stores nothing else."""

    def __init__(self, ended: asyncio.Future[None]) -> None:
        self.chunks = 0
        self.late = 0.0
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._sent = time.monotonic()
        self._transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self.chunks += data.count(b'"delta":{"content":')
        if self.chunks == CHUNKS and not self.late:
            self.late = time.monotonic() - self._sent - CHUNKS * GAP
        if data.endswith(b"0\r\n\r\n"):
            self._ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(exc or ConnectionResetError("the server ended the connection"))

    def close(self) -> None:
        self._transport.close()


async def crowd(server: Running, streams: int) -> tuple[list[Reader], float]:
    """The streams, begun evenly over the ramp; and the most memory that the server took meanwhile. The client closes
    nothing before all have ended, and collects no garbage: both would delay what it reads, by up to 50 ms."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    most = 0.0

    async def one(number: int) -> Reader:
        await asyncio.sleep(began + number * RAMP / streams - loop.time())
        ended = loop.create_future()
        _, reader = await loop.create_connection(lambda: Reader(ended), "127.0.0.1", server.port)
        await ended
        return reader

    readers = [asyncio.ensure_future(one(number)) for number in range(streams)]
    while not all(each.done() for each in readers):
        most = max(most, server.memory)
        await asyncio.sleep(0.2)
    ended = [each.result() for each in readers]
    for reader in ended:
        reader.close()
    return ended, most


def main(effort: Effort) -> None:
    print(f"{STREAMS:,} streams of {CHUNKS} chunks, {GAP * 1000:g} ms apart, begun over {RAMP:g} s\n")
    print(
        "| run | memory before | most | for each stream | behind | last chunk late, p50 | p99 | server CPU |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    gc.freeze()
    gc.disable()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(SCENARIO)
        for number in range(min(3, effort.rounds)):
            with running(ours("--scenarios", folder)) as server, placed(LOAD_CORE):
                run_on_best_loop(crowd(server, 200))  # what is imported and cached at the first use
                let_calm_down()
                before, cpu = server.memory, server.cpu
                readers, most = run_on_best_loop(crowd(server, STREAMS))
                let_calm_down()
                assert all(reader.chunks == CHUNKS for reader in readers)
                late = sorted(reader.late * 1000 for reader in readers)
                half, high = (late[int(len(late) * part)] for part in (0.5, 0.99))
                each = (most - before) / STREAMS * 1000
                print(
                    f"| {number + 1} | {before:.0f} MB | {most:.0f} MB | **{each:.1f} kB** | {server.memory:.0f} MB "
                    f"| {half:.1f} ms | {high:.1f} ms | {server.cpu - cpu:.1f} s |"
                )
