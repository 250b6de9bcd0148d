"""A receiver of OTLP over HTTP that decodes what it is sent, as a collector would."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Wire

from tests.waiting import until


@dataclass
class Arrived:
    """A span as it came in, with what its resource says."""

    wire: Wire
    resource: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.wire.name

    @property
    def attributes(self) -> dict[str, Any]:
        return {pair.key: value_of(pair.value) for pair in self.wire.attributes}

    @property
    def events(self) -> list[tuple[str, dict[str, Any], int]]:
        return [
            (each.name, {pair.key: value_of(pair.value) for pair in each.attributes}, each.time_unix_nano)
            for each in self.wire.events
        ]


def value_of(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)


@dataclass
class Receiver:
    """Where spans may be sent, and those that came. `status` is that of its responses."""

    port: int = 0
    status: int = 200
    spans: list[Arrived] = field(default_factory=list)
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, body: bytes) -> None:
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {pair.key: value_of(pair.value) for pair in sent.resource.attributes}
            for scope in sent.scope_spans:
                self.spans.extend(Arrived(span, resource) for span in scope.spans)

    def of_session(self, session: str) -> Arrived:
        """The span of a session's only request; waits for it."""
        return until(
            lambda: next((s for s in self.spans if s.attributes.get("mockllm.session") == session), None),
            otherwise=lambda: f"{session} is none of {[span.name for span in self.spans]}",
        )

    def count(self, number: int) -> Sequence[Arrived]:
        """All spans, once there are so many."""
        return until(lambda: self.spans if len(self.spans) >= number else None)


@contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    receiver = Receiver(status=status)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.requests.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
            if receiver.status == 200:
                receiver.take(body)
            reported = ExportTraceServiceResponse().SerializeToString()
            self.send_response(receiver.status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(reported)))
            self.end_headers()
            self.wfile.write(reported)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
