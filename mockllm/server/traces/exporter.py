"""OpenTelemetry's SDK: makes spans of ours and sends them, in its own thread, from a bounded queue.

The only file that imports it. What the standard environment says (resource, sampler, headers, queue) the SDK
reads itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode

from mockllm import __version__
from mockllm.server.access_log import plain
from mockllm.server.traces.otel_logging import OtelLogHandler
from mockllm.server.traces.otlp_endpoint import shown
from mockllm.server.traces.spans import Span, SpanStart

DELAY: Final = 1000
"""Milliseconds after which spans are sent: whoever looks at a trace does not wait the SDK's five seconds."""
BATCH: Final = 128
"""So many are encoded in one go, all that while holding the interpreter: a quarter of the SDK's number."""
SIZES: Final = frozenset({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_MAX_QUEUE_SIZE"})
"""Where one of these is set, the SDK's own number stands."""


class SpanQueue:
    """Sends spans to a URL. `say` is given one line at most, where they do not arrive. Whatever cannot be set
    up raises; what is only odd is noise."""

    def __init__(self, url: str, say: Callable[[str], None], noise: OtelLogHandler) -> None:
        self._say = say
        self._url = url
        self._said = False
        self._watched = _Watched(OTLPSpanExporter(endpoint=url))
        resource = Resource.create()
        if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": "mockllm"}))
        if "service.version" not in resource.attributes:
            resource = resource.merge(Resource({"service.version": __version__}))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._watched,
                schedule_delay_millis=None if "OTEL_BSP_SCHEDULE_DELAY" in os.environ else DELAY,
                max_export_batch_size=None if SIZES & os.environ.keys() else BATCH,
            )
        )
        self._tracer = self._provider.get_tracer("mockllm", __version__)
        noise.hear = self._complain

    @property
    def failing(self) -> bool:
        """Whether the last spans that were sent did not arrive."""
        return self._watched.failing

    def emit(self, beginning: SpanStart, rest: Callable[[], Span]) -> None:
        """One span, as the child of what the request's headers tell. The rest is made only where a sampler wants
        it."""
        made = self._tracer.start_span(
            "request",
            context=extract(beginning.parent),
            kind=SpanKind.SERVER,
            attributes=beginning.attributes,
            start_time=beginning.start,
        )
        if not made.is_recording():
            return
        span = rest()
        made.update_name(span.name)
        made.set_attributes(span.attributes)
        for event in span.events:
            made.add_event(event.name, event.attributes, event.at)
        if span.error is not None:
            made.set_status(Status(StatusCode.ERROR, span.error))
        made.end(span.end)

    def _complain(self, text: str) -> None:
        """The SDK warns of something. It tries again for ten seconds before it gives spans up."""
        self._watched.failing = True
        if not self._said:
            self._said = True
            self._say(plain(f"traces to {shown(self._url)}: {text}; nothing more is said of it"))

    def close(self) -> None:
        """Sends what is left. It may take as long as the SDK waits for a collector: for a thread of its own."""
        self._provider.shutdown()


class _Watched(SpanExporter):
    """An exporter of which is known whether it gets through."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self.failing = result is not SpanExportResult.SUCCESS
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)
