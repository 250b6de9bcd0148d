"""Export of spans with OpenTelemetry's SDK, which sends them in a thread from a bounded queue.

The only module that imports the SDK. The SDK itself reads the standard environment variables (resource, sampler,
headers, queue).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode

from mockllm import __version__
from mockllm.server.access_log import printable_line
from mockllm.server.traces.otel_logging import OtelLogHandler
from mockllm.server.traces.otlp_endpoint import without_password
from mockllm.server.traces.spans import Span, SpanStart

DELAY: Final = 1000
"""Milliseconds after which spans are sent, instead of the SDK's five seconds."""
BATCH: Final = 128
"""Spans encoded at a time, which holds the interpreter lock: a quarter of the SDK's default."""
SIZE_VARIABLES: Final = frozenset({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_MAX_QUEUE_SIZE"})
"""If one of these is set, the SDK's batch size applies."""


class SpanQueue:
    """Sends spans to a URL. `report` gets at most one line, if spans do not arrive. An invalid setup raises; the
    SDK's warnings go to `handler`."""

    def __init__(self, url: str, report: Callable[[str], None], handler: OtelLogHandler) -> None:
        self._report = report
        self._url = url
        self._reported = False
        self._exporter = _StatusExporter(endpoint=url)
        resource = Resource.create()
        if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": "mockllm"}))
        if "service.version" not in resource.attributes:
            resource = resource.merge(Resource({"service.version": __version__}))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._exporter,
                schedule_delay_millis=None if "OTEL_BSP_SCHEDULE_DELAY" in os.environ else DELAY,
                max_export_batch_size=None if SIZE_VARIABLES & os.environ.keys() else BATCH,
            )
        )
        self._tracer = self._provider.get_tracer("mockllm", __version__)
        handler.report = self._on_warning

    @property
    def failing(self) -> bool:
        return self._exporter.failing

    def emit(self, start: SpanStart, rest: Callable[[], Span]) -> None:
        """Create a span below the parent in the request's headers; `rest` is called only for a sampled span."""
        otel_span = self._tracer.start_span(
            "request",
            context=extract(start.parent),
            kind=SpanKind.SERVER,
            attributes=start.attributes,
            start_time=start.start,
        )
        if not otel_span.is_recording():
            return
        span = rest()
        otel_span.update_name(span.name)
        otel_span.set_attributes(span.attributes)
        for event in span.events:
            otel_span.add_event(event.name, event.attributes, event.at)
        if span.error is not None:
            otel_span.set_status(Status(StatusCode.ERROR, span.error))
        otel_span.end(span.end)

    def _on_warning(self, text: str) -> None:
        """Report the SDK's warning. The SDK retries for ten seconds before it drops spans."""
        self._exporter.failing = True
        if not self._reported:
            self._reported = True
            self._report(
                printable_line(
                    f"traces to {without_password(self._url)}: {text}; further errors are not reported"
                )
            )

    def close(self) -> None:
        """Send the remaining spans. The call blocks while the SDK waits for the collector, so it needs a thread."""
        self._provider.shutdown()


class _StatusExporter(OTLPSpanExporter):
    """An exporter that records whether its last export failed."""

    failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self.failing = result is not SpanExportResult.SUCCESS
        return result
