"""An endpoint of this process that remembers the webhooks it receives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar


class Hook(BaseHTTPRequestHandler):
    """`received`: the headers and the bodies since the endpoint began to listen."""

    received: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def webhook_endpoint() -> Iterator[str]:
    """Listen, and yield the URL."""
    Hook.received = []
    with HTTPServer(("127.0.0.1", 0), Hook) as endpoint:
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{endpoint.server_port}/hook"
        endpoint.shutdown()
