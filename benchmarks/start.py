"""From the start of the process to its ready line and to its first response."""

from __future__ import annotations

import http.client
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks import whole
from benchmarks.rounds import Effort
from benchmarks.sides import Side, ours, running

BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}'


def main(effort: Effort) -> None:
    print("| what is served | ready (min–max) | wanted | first response |")
    print("|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(whole.scenario())
        for side, wanted in (
            (ours("--pack", "default", name="pack `default`"), 350),
            (ours("--scenarios", folder, name="1,000 rules"), 500),
        ):
            times = [_started(side) for _ in range(effort.rounds * 2 + 1)]
            ready, responded = [each[0] * 1000 for each in times], [each[1] * 1000 for each in times]
            spread = f"({min(ready):.0f}–{max(ready):.0f})"
            print(
                f"| {side.name} | **{median(ready):.0f} ms** {spread} | {wanted} ms | {median(responded):.0f} ms |"
            )


def _started(side: Side) -> tuple[float, float]:
    """Seconds to the ready line and to the end of the first response."""
    began = time.perf_counter()
    with running(side) as server:
        ready = time.perf_counter() - began
        client = http.client.HTTPConnection("127.0.0.1", server.port)
        client.request("POST", "/v1/chat/completions", BODY, {"Content-Type": "application/json"})
        client.getresponse().read()
        responded = time.perf_counter() - began
        client.close()
    return ready, responded
