"""The cost of being watched: a server with journal and metrics that is followed on `/ws` as by the dashboard and
scraped as by Prometheus, against one without journal and metrics.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import load, streaming, whole
from benchmarks.rounds import Effort, Figures, table
from benchmarks.sides import ENVIRONMENT, LOAD_CORE, ROOT, Side, let_calm_down, ours, put, running

WANTED = "0.85"


def sides(*arguments: str) -> tuple[Side, Side]:
    """The server without a watcher, and the one that is watched."""
    watched = ours(*arguments, name="mockllm, journal, metrics, /ws and /metrics open")
    unseen = Side("without them", ["-m", "benchmarks.unwatched", *watched.command[2:]])
    return unseen, watched


@contextlib.contextmanager
def watcher(port: int) -> Iterator[None]:
    """Watch a server for a while, and print the counts. SystemExit where the watcher got nothing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.watcher", str(port)],
        stdout=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT, preexec_fn=lambda: put(LOAD_CORE),
    )  # fmt: skip
    assert process.stdout is not None
    try:
        if process.stdout.readline() != b"follows\n":
            raise SystemExit("the feed could not be followed")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        output = process.stdout.read()
        process.wait()
    counts = json.loads(output)
    if not counts.get("events") or not counts.get("pages") or counts.get("cut off"):
        raise SystemExit(f"the watcher did not get what it should: {counts}")
    print(f"the watcher got {counts['requests']:,} requests in {counts['events']} frames, and read "
          f"{counts['pages']} pages of metrics")  # fmt: skip


def measured(unseen: Side, watched: Side, bodies: Sequence[bytes], effort: Effort) -> list[Figures]:
    """Both in turn, round by round."""
    with running(unseen) as one, running(watched) as other, watcher(other.port):
        let_calm_down()
        figures = [Figures(unseen.name), Figures(watched.name)]
        for server in (one, other):
            load.rate(server.port, bodies, 1)
        for _ in range(effort.rounds):
            for server, found in zip((one, other), figures, strict=True):
                before = server.cpu
                rate, responses = load.rate(server.port, bodies, effort.seconds)
                found.rates.append(rate)
                found.costs.append((server.cpu - before) / responses * 1e6)
    return figures


def main(effort: Effort) -> None:
    streams = [
        json.dumps(
            {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": f"hi {turn}"}]}
        )
        for turn in range(512)
    ]
    for name, scenario, bodies in (
        ("Non-streaming responses of 1,000 rules", whole.scenario(), whole.bodies()),
        ("Streams of 18 chunks, no waits", streaming.SCENARIO, [text.encode() for text in streams]),
    ):
        print(f"\n{name}:\n")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "bench.yaml").write_text(scenario)
            base, found = measured(*sides("--scenarios", folder), bodies, effort)
        print(f"\n{table(base, [found], WANTED)}")
