"""Rules that count, in a store: the same workers with one count for each request and without, and the time that the
store adds to a request that comes alone."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import quantiles
from typing import Final

from benchmarks import load
from benchmarks.rounds import Effort, measure, table
from benchmarks.sides import Running, let_calm_down, ours, running

REPLY = "reply: The parcel left the warehouse on Tuesday and should reach you within two working days."
SCENARIOS = {
    "nothing counts": f"rules: [{{{REPLY}}}]",
    "a sequence for all": f"rules: [{{sequence: [{{{REPLY}}}, {{reply: Another day.}}], then: cycle}}]",
    "a sequence for each of 512 conversations": "rules: [{per: conversation, "
    f"sequence: [{{{REPLY}}}, {{reply: Another day.}}], then: cycle}}]",
    "named states": f"rules: [{{requires_state: {{a: null}}, sets_state: {{a: 1}}, {REPLY}}}, "
    f"{{sets_state: {{a: null}}, {REPLY}}}]",
    "a limit": f"rules: [{{{REPLY}}}]\n"
    "modifiers: [{limit: {strategy: token-bucket, requests: 1000000000, tokens: 1000000000}}]",
}
TITLES: Final[dict[load.Own, str]] = {
    "body": "each request with its own body",
    "same": "the same 512 requests in turn",
}
ALONE = 2_000
"""Requests that come one after another."""


def main(effort: Effort) -> None:
    requests = [
        json.dumps(
            {"model": "gpt-4o", "messages": [{"role": "user", "content": f"hi {turn}"}], "user": load.MARK}
        ).encode()
        for turn in range(512)
    ]
    with tempfile.TemporaryDirectory() as home:
        sides = []
        for number, (name, text) in enumerate(SCENARIOS.items()):
            folder = Path(home, str(number))
            folder.mkdir()
            (folder / "bench.yaml").write_text(f"mockllm: 1\n{text}\n")
            side = ours("--scenarios", str(folder), "--workers", "2", name=f"mockllm, {name}")
            sides.append(replace(side, spread=True))
        for own, title in TITLES.items():
            base, *found = measure(sides, requests, effort, own=own)
            print(f"{title}:\n\n{table(base, found, '0.5')}\n")
        print("| one request after another | p50 | p99 | store's CPU µs/request |\n|---|--:|--:|--:|")
        for name, side in zip(SCENARIOS, sides, strict=True):
            with running(side) as server:
                let_calm_down()
                print(f"| {name} | {alone(server, requests[0])}", flush=True)


def alone(server: Running, body: bytes) -> str:
    """The times of requests on one connection, as cells of the table."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    times = []
    for number in range(ALONE + 100):
        if number == 100:
            before = server.cpu_of_others("store.sock")
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
        connection.getresponse().read()
        times.append(time.perf_counter() - began)
    connection.close()
    cuts = quantiles(times[100:], n=100)
    cost = (server.cpu_of_others("store.sock") - before) / ALONE * 1e6
    return f"{cuts[49] * 1e3:.2f} ms | {cuts[98] * 1e3:.2f} ms | {cost:.0f} |"
