"""Set-up of traces for `serve`, if the environment requests them. Otherwise nothing is imported."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mockllm.server.app import App
    from mockllm.server.http_server import Address
    from mockllm.server.traces.tracing import Tracing

ENDPOINT_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
EXTRA: Final = "pip install 'mockllm-scenarios[otel]'"


@contextmanager
def traces(
    app: App,
    addresses: Sequence[Address],
    log: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> Iterator[None]:
    """Create a span for each request inside the block. A problem is logged in one line and disables traces."""
    tracing = None
    if any(environment.get(name, "").strip() for name in ENDPOINT_VARIABLES):
        tracing = _tracing(app, addresses, log, environment)
    try:
        yield
    finally:
        if tracing is not None:
            tracing.close()


def _tracing(
    app: App, addresses: Sequence[Address], log: Callable[[str], None], environment: Mapping[str, str]
) -> Tracing | None:
    from mockllm.server.traces.otlp_endpoint import target

    found = target(environment)
    if found is None:
        return None
    if not _installed():
        name = next(name for name in ENDPOINT_VARIABLES if environment.get(name, "").strip())
        log(f"warning: {name} requests traces, but OpenTelemetry is not installed: {EXTRA}")
        return None
    if found.warning is not None:
        log(f"warning: {found.warning}")
    if found.url is None:
        return None
    from mockllm.server.traces.otel_logging import OtelLogHandler
    from mockllm.server.traces.tracing import TracedJournal, Tracing

    noise = OtelLogHandler(lambda text: log(f"warning: traces: {text}"))
    try:
        from mockllm.server.traces.exporter import SpanQueue

        exporter = SpanQueue(found.url, log, noise)
    except Exception as error:  # incompatible versions, or an OTEL_ variable that the SDK refuses
        why = " ".join(f"{type(error).__name__}: {error}".split())
        log(f"warning: traces cannot be set up and are disabled: {why}")
        return None
    tracing = Tracing(exporter, log, _secure(addresses))
    app.journal = TracedJournal(app.limits.journal, app.limits.journal_bytes, app.metrics, tracing)
    tracing.start()
    return tracing


def _installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http.trace_exporter") is not None
    except ImportError:
        return False


def _secure(addresses: Sequence[Address]) -> frozenset[int] | bool:
    """Return the ports with TLS, or True if all have it."""
    if all(address.tls for address in addresses):
        return True
    return frozenset(address.port for address in addresses if address.tls)
