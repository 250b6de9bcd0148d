"""Requests that each use a whole budget of the server: how long `/health` waits meanwhile, and how long a SIGTERM.

The waits are measured by a separate process, which requests `/health` each five milliseconds on one connection.
"""

from __future__ import annotations

import gzip
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.rounds import Effort
from benchmarks.sides import LOAD_CORE, Running, let_calm_down, ours, placed, running

CHAT = "/v1/chat/completions"
PROBE_INTERVAL = 0.005
GRACE = 1.0
"""Seconds that responses in flight have when the server stops."""
MAX_SECONDS = 60
"""Seconds after which a case counts as without an end."""


@dataclass(frozen=True)
class Case:
    """Requests that are sent at once, each on a separate connection, and the rules of the server."""

    name: str
    requests: Sequence[bytes]
    rules: Sequence[object] = ({"reply": "hi"},)
    after: Sequence[bytes] = field(default=())
    """Requests that are sent behind the response to the first ones, and measured instead of them."""


def post(path: str, body: bytes, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    )
    return f"{head}{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chat(text: str = "hi", **more: object) -> bytes:
    messages = [{"role": "user", "content": text}]
    return post(CHAT, json.dumps({"model": "gpt-4o", "messages": messages, **more}).encode())


def tool(parameters: Mapping[str, object]) -> bytes:
    """A request that demands a call of a tool with these parameters."""
    function = {"name": "f", "parameters": parameters}
    return chat(tools=[{"type": "function", "function": function}], tool_choice="required")


def regex(pattern: str, text: str) -> Case:
    rules = [{"match": {"user": {"regex": pattern}}, "reply": "found"}, {"reply": "not found"}]
    return Case(f"a rule's regex `{pattern}`, 1 MB of text", [chat(text)], rules)


def nested_objects(count: int) -> bytes:
    """A request whose body has about this number of objects, in 3.7 MB."""
    deep = '{"b":' * 90 + "1" + "}" * 90
    body = (
        '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"x":['
        + ",".join([deep] * (count // 90))
        + "]}"
    )
    padding = " " * (3_700_000 - len(body))
    return post(CHAT, (body + padding).encode())


def cases() -> list[Case]:
    bomb = {"type": "array", "items": {"type": "string"}, "minItems": 1_000_000_000}
    pattern = {"type": "string", "pattern": "^(a+)+b{1000}(x|y){5000}$"}
    generated = [{"reply": {"tool_calls": "from_schema"}}]
    long = [{"reply": "abcdefghi " * 200_000, "pace": {"chunk_size": "10 characters"}}]
    words = "a" * 1_000_000
    jsonpath = [{"match": {"body": {"$..a": {"some": 1}}}, "reply": "a"}]
    inputs = {"model": "text-embedding-3-large", "input": ["hello"] * 600, "dimensions": 3072}
    return [
        Case("a schema with `minItems: 1000000000`", [tool(_object(bomb))], generated),
        Case("a schema with `^(a+)+b{1000}(x|y){5000}$`", [tool(_object(pattern))], generated),
        Case(
            "30 MB of empty gzip members",
            [post(CHAT, gzip.compress(b"") * 1_500_000, Content_Encoding="gzip")],
        ),
        Case("30 MB of brackets", [post(CHAT, b"[" * 30_000_000)]),
        Case("a text of 30 MB", [chat("word " * 6_000_000)]),
        regex(".*.*.*x", words),
        regex("(a*)(a*)(a*)b", words),
        regex(r"\w+\s*\w+\s*\w+!", words),
        regex("a{1,32000}b{1,32000}c{1,32000}", words),
        Case("`$..a` on 243,000 nested objects, 3.7 MB", [nested_objects(243_000)], jsonpath),
        Case("`$..a` on 99,000 nested objects, 3.7 MB", [nested_objects(99_000)], jsonpath),
        Case("600 embeddings of 3,072 dimensions", [post("/v1/embeddings", json.dumps(inputs).encode())]),
        Case("the journal entry of 2 MB of `sk-`", [chat("sk-" * 700_000)], after=[get("/api/requests/1")]),
        Case("eight streams of 2 MB in chunks of ten characters", [chat(stream=True)] * 8, long),
    ]


def _object(value: object) -> dict[str, object]:
    return {"type": "object", "properties": {"a": value}, "required": ["a"]}


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def main(effort: Effort) -> None:
    print("| requests | status | seconds | CPU ms | worst wait of `/health`, ms | end after SIGTERM, s |")
    print("|---|--:|--:|--:|--:|--:|")
    with placed(LOAD_CORE):
        for case in cases():
            print(f"| {case.name} | {' | '.join(figures(case))} |", flush=True)


def figures(case: Case) -> list[str]:
    """Return status, seconds, the CPU time of the server and the worst wait in milliseconds, and the seconds to the
    end after SIGTERM."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rules.yaml")
        file.write_text(json.dumps({"mockllm": 1, "rules": case.rules}), encoding="utf-8")
        side = ours("--scenarios", str(file), "--no-reload", "--strict", "--grace", f"{GRACE}s")
        try:
            with running(side) as server:
                let_calm_down()
                measures = measured(server, case)
            with running(side) as server:
                let_calm_down()
                ended = stopped(server, case)
        except SystemExit:
            return ["not loaded", "", "", "", ""]  # with --strict a warning suffices, as it does in a pack
    return [*measures, f"{ended:.1f}"]


def measured(server: Running, case: Case) -> list[str]:
    if case.after:
        statuses_of(server.port, case.requests)
    probe = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.stalls", str(server.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert probe.stdout is not None
    probe.stdout.readline()  # it has begun
    began, cpu = time.perf_counter(), server.cpu
    statuses = statuses_of(server.port, case.after or case.requests)
    seconds = time.perf_counter() - began
    cpu = server.cpu - cpu
    time.sleep(0.5)
    waited = float(probe.communicate("")[0].split()[-1])
    return ["/".join(sorted(set(statuses))), f"{seconds:.1f}", f"{cpu * 1000:.0f}", f"{waited * 1000:.0f}"]


def statuses_of(port: int, requests: Sequence[bytes]) -> list[str]:
    """Send requests at once; return the statuses of their responses."""
    found: list[str] = []

    def send(request: bytes) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=MAX_SECONDS) as client:
            try:
                client.sendall(request)
                first = client.recv(65536)
                while client.recv(1 << 20):
                    pass
            except OSError as error:
                first = b"- " + type(error).__name__.encode()
            found.append(first.split(b" ", 2)[1].decode() if first else "-")

    threads = [threading.Thread(target=send, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def stopped(server: Running, case: Case) -> float:
    """Return the seconds from a SIGTERM during the requests to the end of the process."""
    if case.after:
        statuses_of(server.port, case.requests)
    client = threading.Thread(target=statuses_of, args=(server.port, case.after or case.requests))
    client.start()
    time.sleep(0.2)
    began = time.perf_counter()
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(MAX_SECONDS)
    ended = time.perf_counter() - began
    client.join()
    return ended


def probe(port: int) -> None:
    """Request `/health` until standard input ends; print the longest wait in seconds."""
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    longest, request = 0.0, get("/health").replace(b"Connection: close\r\n", b"")
    with socket.create_connection(("127.0.0.1", port)) as client:
        print("begun", flush=True)
        while not ended.wait(PROBE_INTERVAL):
            began = time.perf_counter()
            client.sendall(request)
            client.recv(65536)
            longest = max(longest, time.perf_counter() - began)
    print(longest)


if __name__ == "__main__":
    probe(int(sys.argv[1]))
