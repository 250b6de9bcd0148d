"""How `serve` has its requests traced, where the environment asks for it; else nothing is imported."""

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

ASKED: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
EXTRA: Final = "pip install 'mockllm-scenarios[otel]'"


@contextmanager
def traced(
    app: App,
    addresses: Sequence[Address],
    say: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> Iterator[None]:
    """Within it each request has a span. What is wrong is one line, and then there are none."""
    tracing = None
    if any(environment.get(name, "").strip() for name in ASKED):
        tracing = _tracing(app, addresses, say, environment)
    try:
        yield
    finally:
        if tracing is not None:
            tracing.close()


def _tracing(
    app: App, addresses: Sequence[Address], say: Callable[[str], None], environment: Mapping[str, str]
) -> Tracing | None:
    from mockllm.server.traces.otlp_endpoint import target

    found = target(environment)
    if found is None:
        return None
    if not _installed():
        say(f"warning: {_name(environment)} asks for traces, and OpenTelemetry is not installed: {EXTRA}")
        return None
    if found.warning is not None:
        say(f"warning: {found.warning}")
    if found.url is None:
        return None
    from mockllm.server.traces.otel_logging import OtelLogHandler
    from mockllm.server.traces.tracing import TracedJournal, Tracing

    noise = OtelLogHandler(lambda text: say(f"warning: traces: {text}"))
    try:
        from mockllm.server.traces.exporter import SpanQueue

        exporter = SpanQueue(found.url, say, noise)
    except Exception as error:  # versions that do not fit, or an OTEL_ variable that the SDK will not take
        why = " ".join(f"{type(error).__name__}: {error}".split())
        say(f"warning: traces cannot be set up, and none are sent: {why}")
        return None
    tracing = Tracing(exporter, say, _secure(addresses))
    app.journal = TracedJournal(app.limits.journal, app.limits.journal_bytes, app.metrics, tracing)
    tracing.start()
    return tracing


def _installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http.trace_exporter") is not None
    except ImportError:
        return False


def _name(environment: Mapping[str, str]) -> str:
    return next(name for name in ASKED if environment.get(name, "").strip())


def _secure(addresses: Sequence[Address]) -> frozenset[int] | bool:
    """The ports that speak TLS, or whether all do."""
    if all(address.tls for address in addresses):
        return True
    return frozenset(address.port for address in addresses if address.tls)
