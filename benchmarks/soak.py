"""Requests that all differ: key, model, session, headers, conversation, stored responses, schemas and paths.

Everything that a server stores for clients is bounded in bytes, so its memory rises to a level and stays there. The
table shows resident memory over the run. `--requests` and `--seconds` end the run, whichever comes first.
"""

from __future__ import annotations

import json
import re
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.rounds import Effort
from benchmarks.sides import LOAD_CORE, Running, ours, placed, running

REQUESTS: Final = 1_000_000
BATCH: Final = 32
"""Requests that are sent before their responses are read."""
SAMPLES: Final = 20
"""Rows of the table."""
MAX_MEGABYTES: Final = 300
SCENARIO: Final = """mockllm: 1
modifiers:
  - {limit: {requests: 1000, window: 1h, strategy: sliding-window}, per: api_key}
  - {limit: {strategy: token-bucket, requests: 1000, window: 1h}, per: "header:x-tenant"}
rules:
  - {match: {user: {starts_with: sequence}}, per: conversation, sequence: [{reply: one}, {reply: two}]}
  - {match: {user: {starts_with: state}}, per: "header:x-tenant", sets_state: {seen: true}, reply: state}
  - {match: {user: {starts_with: schema}}, reply: {tool_calls: from_schema}}
  - {match: {user: {starts_with: deep}, body: {"$..seed": {some: {gt: 5}}}}, reply: deep}
  - {match: {user: {starts_with: text}}, reply: "{{ user }}"}
  - {match: {api: responses}, reply: response}
"""
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


def _chat(number: int, word: str, **more: Any) -> tuple[str, Any]:
    messages = [{"role": "user", "content": f"{word} {number}"}]
    return "/v1/chat/completions", {"model": f"model-{number}", "messages": messages, **more}


def _tool(number: int) -> tuple[str, Any]:
    pattern = {"type": "string", "pattern": f"^[a-z]{{3}}-{number}$"}
    schema = {"type": "object", "properties": {f"field_{number}": pattern}, "required": [f"field_{number}"]}
    tool = {"type": "function", "function": {"name": f"tool_{number}", "parameters": schema}}
    return _chat(number, "schema", tools=[tool])


KINDS: Final[tuple[Callable[[int], tuple[str, Any]], ...]] = (
    lambda number: _chat(number, "sequence"),
    lambda number: _chat(number, "state"),
    lambda number: _chat(number, "text"),
    lambda number: _chat(number, "text", store=True, metadata={"number": str(number)}),
    lambda number: _chat(number, "deep", seed=number),
    lambda number: _chat(number, "nothing matches"),
    _tool,
    lambda number: ("/v1/responses", {"model": f"model-{number}", "input": f"hello {number}"}),
    lambda number: (
        "/v1/embeddings",
        {"model": f"model-{number}", "input": f"hello {number}", "dimensions": 8},
    ),
    lambda number: (f"/v1/unknown-{number}", {}),
)
"""The kinds of requests, in turn."""


def request(number: int) -> bytes:
    """Return the bytes of a request."""
    path, body = KINDS[number % len(KINDS)](number)
    payload = json.dumps(body).encode()
    tenant = f"tenant-{number}-" + "x" * (4_000 if number % 7 == 0 else 40)
    session = f"x-mockllm-session: session-{number}\r\n" if number % 3 == 0 else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer key-{number}\r\n"
        f"{session}x-tenant: {tenant}\r\nuser-agent: agent-{number}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


class Client:
    """Sends requests on one connection, and reads their responses."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._data = b""

    def send(self, first: int, count: int) -> int:
        """Send requests at once; return how many of their responses are errors of the server."""
        self._socket.sendall(b"".join(map(request, range(first, first + count))))
        return sum(self._status() >= 500 for _ in range(count))

    def _status(self) -> int:
        while b"\r\n\r\n" not in self._data:
            self._receive()
        head, _, rest = self._data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert length is not None, head
        while len(rest) < int(length[1]):
            self._data = b""
            rest += self._socket.recv(1 << 20)
        self._data = rest[int(length[1]) :]
        return int(head[9:12])

    def _receive(self) -> None:
        data = self._socket.recv(1 << 20)
        assert data, "the server closed the connection"
        self._data += data


def soak(server: Running, requests: int, seconds: float) -> tuple[list[tuple[int, float, float]], int]:
    """Return samples (requests, seconds, megabytes), and the number of errors of the server."""
    client = Client(server.port)
    start = time.monotonic()
    samples = [(0, 0.0, server.memory)]
    errors = sent = 0
    while sent < requests and time.monotonic() - start < seconds:
        errors += client.send(sent, BATCH)
        sent += BATCH
        elapsed = time.monotonic() - start
        part = max(sent / requests, elapsed / seconds)
        if part >= len(samples) / SAMPLES:
            samples.append((sent, elapsed, server.memory))
    return samples, errors


def main(effort: Effort) -> None:
    requests = effort.soak_requests or REQUESTS
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "soak.yaml").write_text(SCENARIO)
        with running(ours("--scenarios", folder)) as server, placed(LOAD_CORE):
            samples, errors = soak(server, requests, effort.soak_seconds)
    print("| requests | seconds | memory |")
    print("|--:|--:|--:|")
    for sent, elapsed, megabytes in samples:
        print(f"| {sent:,} | {elapsed:,.0f} | {megabytes:.0f} MB |")
    most = max(megabytes for *_, megabytes in samples)
    print(f"\nmost: **{most:.0f} MB**, wanted at most {MAX_MEGABYTES} MB; errors of the server: {errors}")
