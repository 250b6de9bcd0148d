"""A server on loopback that gets webhooks."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any


class WebhookReceiver(HTTPServer):
    """An address that stores what it gets. It refuses the first `refusals` attempts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: Queue[tuple[bytes, dict[str, str]]] = Queue()
        self.refusals = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, WebhookReceiver)
        if self.server.refusals:
            self.server.refusals -= 1
            self.send_response(500)
        else:
            self.send_response(204)
            self.server.received.put((body, dict(self.headers)))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...
