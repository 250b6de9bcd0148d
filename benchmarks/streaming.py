"""Streams of 18 chunks without waits: a rule's, and the pack `benchmark`'s. Against bare aiohttp that writes
the same bytes at once as a `StreamResponse`; beside it a `web.Response`, which states its length beforehand.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from benchmarks import load
from benchmarks.rounds import Effort, measure, table
from benchmarks.sides import bare, ours, running

SCENARIO = """mockllm: 1
rules:
  - name: stream
    match: {model: gpt-*}
    reply: {text: {tokens: 18, of: Hello world this is a stream of chunks at no pace}}
"""


def main(effort: Effort) -> None:
    requests = [
        json.dumps(
            {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": f"hi {turn}"}]}
        ).encode()
        for turn in range(512)
    ]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(SCENARIO)
        sides = [
            ours("--scenarios", folder, name="mockllm, a rule"),
            ours("--pack", "benchmark", name="mockllm, pack benchmark", CHUNK_DELAY_MS="0"),
        ]
        for side in sides:
            with running(side) as server:
                tally = load.send(server.port, requests, responses=5_000)
            stream = dechunked(tally.last)
            assert stream.count(b'"delta":{"content":') == 18, stream
            assert len(tally.ids) == tally.responses, "two responses have the same id"
            size, ids = len(stream), len(tally.ids)
            print(f"checked: {side.name}: {tally.responses:,} streams of {size} bytes, {ids:,} different ids")
        base, *found = measure([bare("stream", stream), bare("response", stream), *sides], requests, effort)
    print(table(base, found, "0.7"))


def dechunked(came: bytes) -> bytes:
    body = came.partition(b"\r\n\r\n")[2]
    stream = b""
    while (found := re.match(rb"([0-9a-f]+)\r\n", body)) and (size := int(found[1], 16)):
        stream += body[found.end() : found.end() + size]
        body = body[found.end() + size + 2 :]
    return stream
