"""A server that pretends to be the providers: it responds as this package does, with planted changes.

Its texts are its own, so that a test can look for them afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from mockllm.cli.sources import known_names
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.engine import Engine
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.state.engine_state import EngineState

SCENARIO = Path(__file__).with_name("provider.yaml")
KEY_HEADERS = ("authorization", "x-api-key", "x-goog-api-key")
SECRET_TEXT = "the provider's own words"


@dataclass
class ProviderResponse:
    """A response before it is sent. `events` have a name and a payload; a body is one event."""

    api: str
    streamed: bool
    status: int
    headers: dict[str, str]
    events: list[tuple[str | None, Any]]

    @property
    def bodies(self) -> Iterator[dict[str, Any]]:
        """The payloads that are objects."""
        return (payload for _, payload in self.events if isinstance(payload, dict))


@dataclass
class PretendedProvider:
    """Where it listens, what it received, and the changes that are planted."""

    url: str
    planted: Sequence[Callable[[ProviderResponse], None]] = ()
    keys: list[str] = field(default_factory=list)
    requests: int = 0


def handler_of(provider: PretendedProvider, engine: Engine) -> type[BaseHTTPRequestHandler]:
    """Return the handler of the provider's requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one write for head and body

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            provider.requests += 1
            headers = {name.lower(): value for name, value in self.headers.items()}
            provider.keys += [headers[name] for name in KEY_HEADERS if name in headers]
            answer = unchanged_response(engine, self.command, self.path, headers, raw)
            for plant in provider.planted:
                plant(answer)
            self.send(answer)

        do_GET = do_POST

        def send(self, answer: ProviderResponse) -> None:
            body = encoded(answer)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def pretended_provider(*planted: Callable[[ProviderResponse], None]) -> Iterator[PretendedProvider]:
    """Serve until the end of the block."""
    gathered = load_scenarios(ScenarioSources((str(SCENARIO),), known_names=known_names()))
    assert not gathered.diagnostics
    engine = Engine(run_steps(compile_catalog(gathered.entries)), EngineState())
    provider = PretendedProvider("", planted)

    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(provider, engine))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def unchanged_response(
    engine: Engine, method: str, target: str, headers: dict[str, str], raw: bytes
) -> ProviderResponse:
    """Return the unchanged response to a request."""
    path, _, query = target.partition("?")
    request = engine.read(method, path, query, headers, raw, "127.0.0.1", time.time())
    plan = engine.respond(request).plan
    own = {name: value for name, value in plan.head.headers if not name.startswith("x-mockllm-")}
    data = sent_bytes(plan)
    if not plan.streamed:
        events: list[tuple[str | None, Any]] = [(None, json.loads(data))]
    else:
        events = [event(block) for block in data.decode().replace("\r\n", "\n").strip().split("\n\n")]
    return ProviderResponse(request.api or "", plan.streamed, plan.head.status, own, events)


def event(block: str) -> tuple[str | None, Any]:
    lines = dict(line.split(": ", 1) for line in block.split("\n"))
    data = lines["data"]
    return lines.get("event"), json.loads(data) if data.startswith("{") else data


def encoded(answer: ProviderResponse) -> bytes:
    if answer.headers.get("content-type") == "text/html":
        return b"<html>busy</html>"
    if not answer.streamed:
        return json.dumps(answer.events[0][1]).encode()
    blocks = []
    for name, payload in answer.events:
        data = payload if isinstance(payload, str) else json.dumps(payload)
        blocks.append((f"event: {name}\n" if name else "") + f"data: {data}\n\n")
    return "".join(blocks).encode()
