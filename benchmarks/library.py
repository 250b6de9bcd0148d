"""What a server for each test costs, inside of the test's process: `with MockLLM()`."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

from benchmarks.rounds import Effort
from mockllm.testing import MockLLM

BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}'


def main(effort: Effort) -> None:
    began = time.perf_counter()
    with MockLLM(packs="default") as server:
        _request(server)
    print(f"the first of a process, with its first response: {(time.perf_counter() - began) * 1000:.0f} ms\n")
    print("| what is served | started, wanted below 1 ms (p90) | rules added | first response | stopped |")
    print("|---|--:|--:|--:|--:|")
    served: dict[str, dict[str, Any]] = {"nothing": {}, "pack `default`": {"packs": "default"}}
    served["the 38 files of `docs/faults`"] = {"scenarios": "docs/faults"}
    for name, words in served.items():
        times = [_lived(words) for _ in range(effort.rounds * 60)]
        starts = [each[0] for each in times]
        others = " | ".join(f"{median(each[place] for each in times) * 1000:.2f} ms" for place in (1, 2, 3))
        p90 = quantiles(starts, n=10)[-1] * 1000
        print(f"| {name} | **{median(starts) * 1000:.2f} ms** ({p90:.2f}) | {others} |")


def _lived(words: dict[str, Any]) -> tuple[float, float, float, float]:
    """Seconds to start a server, to add a rule, to its first response, and to stop it."""
    server: MockLLM | None = None

    def start() -> None:
        nonlocal server
        server = MockLLM(**words).start()

    started = _took(start)
    assert server is not None
    running = server
    added = _took(lambda: running.reply("Hi", match={"model": "gpt-4o"}))
    responded = _took(lambda: _request(running))
    return started, added, responded, _took(running.stop)


def _request(server: MockLLM) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server.port)
    client.request("POST", "/v1/chat/completions", BODY, {"Content-Type": "application/json"})
    assert client.getresponse().read()
    client.close()


def _took(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began
