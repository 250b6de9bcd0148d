"""Streams of 18 chunks without waits: a rule's, and the pack `benchmark`'s. Against bare aiohttp that writes
the same bytes at once as a `StreamResponse`; beside it a `web.Response`, which tells its length beforehand.
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
    asked = [
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
                tally = load.asked(server.port, asked, answers=5_000)
            said = dechunked(tally.last)
            assert said.count(b'"delta":{"content":') == 18, said
            assert len(tally.ids) == tally.answers, "two answers have the same id"
            size, ids = len(said), len(tally.ids)
            print(f"checked: {side.name}: {tally.answers:,} streams of {size} bytes, {ids:,} different ids")
        base, *found = measure([bare("stream", said), bare("response", said), *sides], asked, effort)
    print(table(base, found, "0.7"))


def dechunked(came: bytes) -> bytes:
    body = came.partition(b"\r\n\r\n")[2]
    said = b""
    while (found := re.match(rb"([0-9a-f]+)\r\n", body)) and (size := int(found[1], 16)):
        said += body[found.end() : found.end() + size]
        body = body[found.end() + size + 2 :]
    return said
