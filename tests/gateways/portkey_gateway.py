"""Portkey's gateway, unmodified, as a separate process, and its response to a chat completion."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, TypeAlias

from tests.waiting import until

FOLDER = Path(__file__).parent / "portkey"
PROGRAM = FOLDER / "node_modules/@portkey-ai/gateway/build/start-server.js"
STARTS = 5
"""Another process may take the free port first: then the gateway ends, and starts at another one."""
PATIENCE = 120.0
"""Seconds for a start, and for a response with its retries; a quiet machine takes three."""

Config: TypeAlias = Mapping[str, Any]
"""What the header `x-portkey-config` has: one target, or a strategy for several."""


@dataclass(frozen=True)
class GatewayResponse:
    """A response as a client of the gateway gets it."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def text(self) -> str:
        """The content of a whole response, or of all chunks of a stream."""
        if not self.body.lstrip().startswith("data:"):
            return str(json.loads(self.body)["choices"][0]["message"]["content"])
        return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in self.chunks)

    @property
    def chunks(self) -> Sequence[Any]:
        """The events of a stream that have choices."""
        events = [json.loads(data) for data in re.findall(r"(?m)^data: (\{.*)$", self.body)]
        return [event for event in events if event.get("choices")]


@dataclass(frozen=True)
class Portkey:
    """A running gateway."""

    url: str

    def ask(self, config: Config, stream: bool = False) -> GatewayResponse:
        """Send a chat completion by the config; its targets choose the models."""
        body = {
            "model": "chosen-by-target",
            "stream": stream,
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "hi"}],
        }
        headers = {"content-type": "application/json", "x-portkey-config": json.dumps(config)}
        request = urllib.request.Request(
            f"{self.url}/v1/chat/completions", json.dumps(body).encode(), headers
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return _passed(response)
        except urllib.error.HTTPError as error:
            with error:
                return _passed(error)


def _passed(response: HTTPResponse | urllib.error.HTTPError) -> GatewayResponse:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return GatewayResponse(response.status or 0, headers, response.read().decode())


@contextmanager
def portkey(folder: Path) -> Iterator[Portkey]:
    """A gateway that is ready; what it prints is in a file of the folder. It listens on all addresses: it has no
    option for one."""
    for number in range(STARTS):
        printed = folder / f"portkey-{number}.txt"
        port = _free_port()
        with printed.open("wb") as out:
            process = subprocess.Popen(
                ["node", str(PROGRAM), f"--port={port}", "--headless"],
                cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder)},
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            if _starts(process, printed):
                yield Portkey(f"http://127.0.0.1:{port}")
                return
        finally:
            process.kill()
            process.wait()
    raise AssertionError(f"it did not start:\n{printed.read_text('utf-8')}")


def _starts(process: subprocess.Popen[bytes], printed: Path) -> bool:
    """Whether it is ready, once it is that or has ended."""

    def look() -> str | None:
        if process.poll() is not None:
            return "ended"
        return "ready" if "Ready for connections" in printed.read_text("utf-8") else None

    return until(look, PATIENCE, otherwise=lambda: printed.read_text("utf-8")) == "ready"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
