"""`mockllm serve` with the environment of OpenTelemetry, against a receiver that decodes what arrives."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process import Process, serving
from tests.server.traces.otlp_receiver import Receiver, receiving
from tests.server.traces.traced_server import CHAT, GEMINI, GEMINI_STREAM, MESSAGES, TracedClient
from tests.waiting import PATIENCE

SCENARIO = """
rules:
  - name: hello
    match: {model: {glob: "*"}}
    reply: {text: Hello you., usage: {input_tokens: 30, output_tokens: 7}}
modifiers:
  - {name: reset, match: {headers: {x-fault: reset}}, faults: [{reset: {after: {chunks: 1}}}]}
  - {name: limit, match: {headers: {x-fault: limit}}, error: rate_limit}
"""
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("traced")
    (built / "scenarios").mkdir()
    (built / "scenarios" / "a.yaml").write_text(SCENARIO)
    return built


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as built:
        yield built


@pytest.fixture(scope="module")
def server(folder: Path, receiver: Receiver) -> Iterator[Process]:
    more = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=seven",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        **QUICK,
    }
    with serving(cwd=folder, **more) as built:
        yield built


def ask(server: Process, call: Any = CHAT, session: str = "", **more: Any) -> bytes:
    headers = (
        {"x-mockllm-session": session, **more.pop("headers", {})} if session else more.pop("headers", {})
    )
    return TracedClient(server.port).ask(call, headers, **more)


CALLS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "chat": (CHAT, {}, "chat gpt-4o"),
    "chat-streamed": (CHAT, {"stream": True, "stream_options": {"include_usage": True}}, "chat gpt-4o"),
    "messages": (MESSAGES, {}, "chat claude-sonnet-4-5"),
    "messages-streamed": (MESSAGES, {"stream": True}, "chat claude-sonnet-4-5"),
    "gemini": (GEMINI, {}, "generate_content gemini-2.5-flash"),
    "gemini-streamed": (GEMINI_STREAM, {}, "generate_content gemini-2.5-flash"),
}


@pytest.mark.parametrize("name", CALLS)
def test_span_is_exported(server: Process, receiver: Receiver, name: str) -> None:
    call, more, reported = CALLS[name]
    requested = time.time_ns()
    ask(server, call, name, **more)
    ended = time.time_ns()
    span = receiver.of_session(name)
    stated = span.attributes
    assert (span.name, span.wire.kind) == (reported, span.wire.SPAN_KIND_SERVER)
    assert (stated["gen_ai.usage.input_tokens"], stated["gen_ai.usage.output_tokens"]) == (30, 7)
    assert stated["gen_ai.response.finish_reasons"] in (["stop"], ["end_turn"], ["STOP"])
    assert (stated["mockllm.rule"], stated["http.response.status_code"]) == ("a.yaml:hello", 200)
    assert span.wire.status.code == span.wire.status.STATUS_CODE_UNSET
    assert requested <= span.wire.start_time_unix_nano <= ended
    assert span.wire.start_time_unix_nano < span.wire.end_time_unix_nano <= time.time_ns()
    assert not span.wire.parent_span_id


def test_resource_and_headers_come_from_environment(server: Process, receiver: Receiver) -> None:
    ask(server, session="resource")
    span = receiver.of_session("resource")
    assert span.resource["service.name"] == "mockllm"
    assert span.resource["deployment.environment.name"] == "test"
    path, headers = receiver.requests[0]
    assert (path, headers["x-tenant"]) == ("/v1/traces", "seven")


def test_traceparent_continues_the_clients_trace(server: Process, receiver: Receiver) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b,c=d"}
    ask(server, session="child", headers=headers)
    wire = receiver.of_session("child").wire
    assert (wire.trace_id.hex(), wire.parent_span_id.hex()) == (TRACE, PARENT)
    assert wire.trace_state == "a=b,c=d"
    assert wire.span_id.hex() != PARENT


def test_unsampled_traceparent_has_no_span(server: Process, receiver: Receiver) -> None:
    ask(server, session="unsampled", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    ask(server, session="sampled")
    receiver.of_session("sampled")  # they are made in order
    assert "unsampled" not in [span.attributes.get("mockllm.session") for span in receiver.spans]


@pytest.mark.parametrize("broken", ["00-0-0-01", "ff", "", f"00-{'0' * 32}-{PARENT}-01"])
def test_broken_traceparent_starts_a_trace(server: Process, receiver: Receiver, broken: str) -> None:
    session = f"broken-{len(broken)}"
    ask(server, session=session, headers={"traceparent": broken})
    wire = receiver.of_session(session).wire
    assert not wire.parent_span_id
    assert any(wire.trace_id)


def test_fault_is_an_event_and_cut_response_an_error(server: Process, receiver: Receiver) -> None:
    ask(server, session="cut", headers={"x-fault": "reset"}, stream=True)
    span = receiver.of_session("cut")
    ((name, stated, at),) = span.events
    assert (name, stated, at) == ("mockllm.fault", {"mockllm.fault": "reset"}, span.wire.end_time_unix_nano)
    assert span.wire.status.code == span.wire.status.STATUS_CODE_ERROR
    assert span.attributes["error.type"] == "reset"


def test_error_type_is_the_providers(server: Process, receiver: Receiver) -> None:
    ask(server, MESSAGES, "limited", headers={"x-fault": "limit"})
    span = receiver.of_session("limited")
    assert (span.attributes["error.type"], span.attributes["http.response.status_code"]) == (
        "rate_limit_error",
        429,
    )
    assert span.wire.status.code == span.wire.status.STATUS_CODE_UNSET


@pytest.mark.full
def test_last_spans_are_exported_at_shutdown(folder: Path) -> None:
    more = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_SERVICE_NAME": "mine"}
    with receiving() as receiver:
        with serving(cwd=folder, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{receiver.url}/own", **more) as server:
            for _ in range(3):
                ask(server)
            server.send(signal.SIGTERM)
            assert server.ended() == 0
        assert len(receiver.spans) == 3
        assert receiver.spans[0].resource["service.name"] == "mine"
        assert receiver.requests[0][0] == "/own"


@pytest.mark.full
def test_sampler_of_environment_is_used(folder: Path) -> None:
    with receiving() as receiver:
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_TRACES_SAMPLER": "always_off"}
        with serving(cwd=folder, **more, **QUICK) as server:
            ask(server)
            server.send(signal.SIGTERM)
            assert server.ended() == 0
        assert not receiver.requests


@pytest.fixture
def closed() -> Iterator[str]:
    """An address where no process listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where connections are taken, and nothing is ever sent."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def refusing() -> Iterator[str]:
    """A receiver that fails."""
    with receiving(500) as receiver:
        yield receiver.url


@pytest.mark.full
@pytest.mark.parametrize("dead", ["closed", "silent", "refusing"])
@pytest.mark.covering(count=1)
def test_unreachable_collector_delays_nothing(
    folder: Path, dead: str, request: pytest.FixtureRequest
) -> None:
    """Responses come as before, the end does not wait for as long as the exporter would, and the log has one line at
    most."""
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": request.getfixturevalue(dead), **QUICK}
    if dead == "silent":
        more["OTEL_EXPORTER_OTLP_TIMEOUT"] = f"{PATIENCE * 20:.0f}"
    with serving(cwd=folder, **more) as server:
        for _ in range(300):
            assert b"Hello you." in ask(server)
        if dead != "silent":
            server.line(lambda line: line.startswith("traces to "))
        server.send(signal.SIGTERM)
        assert server.ended() == 0
    lines = [line for line in server.err if "trace" in line.lower() or "opentelemetry" in line.lower()]
    assert len(lines) <= 1, server.err
    assert len(server.err) == len(lines)


LINES = {
    "localhost:4317": "http://localhost:4318",
    "localhost:1": "http://localhost:1",
    "ftp://x": "no traces are sent",
    "http://h:port": "no traces are sent",
}


@pytest.mark.full
@pytest.mark.parametrize("address", LINES)
@pytest.mark.covering(count=1)
def test_invalid_value_is_one_line_at_the_start(folder: Path, address: str) -> None:
    with serving(cwd=folder, OTEL_EXPORTER_OTLP_ENDPOINT=address) as server:
        assert b"Hello you." in ask(server)
        line = server.line(lambda line: line.startswith("warning: "))
        assert LINES[address] in line
        assert line.startswith("warning: OTEL_EXPORTER_OTLP_ENDPOINT is ")
        server.send(signal.SIGTERM)
        assert server.ended() == 0
    assert len([line for line in server.err if line.startswith("warning: ")]) == 1


ODD = {
    "OTEL_BSP_MAX_QUEUE_SIZE": "-1",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "-3",
    "OTEL_PROPAGATORS": "b3",
    "OTEL_TRACES_SAMPLER": "nonsense",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
    "OTEL_EXPORTER_OTLP_HEADERS": "no header",
    "OTEL_RESOURCE_ATTRIBUTES": "nonsense",
    "OTEL_PYTHON_CONTEXT": "nope",
}


@pytest.mark.full
@pytest.mark.parametrize("name", ODD)
@pytest.mark.covering(count=1)
def test_value_that_the_sdk_refuses_is_one_line(folder: Path, name: str, receiver: Receiver) -> None:
    """Never a traceback. Whether spans are sent then is for each version of the SDK to say, and in the line."""
    more = {name: ODD[name], "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, **QUICK}
    with serving(cwd=folder, **more) as server:
        assert b"Hello you." in ask(server, session=name)
        line = server.line(lambda line: line.startswith("warning: traces"))
        if "are disabled" not in line:
            receiver.of_session(name)
        server.send(signal.SIGTERM)
        assert server.ended() == 0
        assert [each for each in server.err if each.startswith("warning: ")] == [line]


@pytest.mark.full
def test_missing_extra_is_one_line_with_the_install(folder: Path) -> None:
    """As on a machine where OpenTelemetry is not installed."""
    blocked = (
        "import sys, importlib.abc\n"
        "class Blocked(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'opentelemetry': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "from mockllm.cli.main import main; main()"
    )
    python = (sys.executable, "-c", blocked)
    with serving(cwd=folder, mockllm=python, OTEL_EXPORTER_OTLP_ENDPOINT="http://localhost:4318") as server:
        assert b"Hello you." in ask(server)
        (line,) = server.err
        assert "pip install 'mockllm-scenarios[otel]'" in line
        assert line.startswith("warning: OTEL_EXPORTER_OTLP_ENDPOINT requests traces")


@pytest.mark.full
def test_disabled_tracing_imports_nothing(folder: Path) -> None:
    listing = (
        "import sys, atexit\n"
        "names = ('opentelemetry', 'requests', 'mockllm.server.traces')\n"
        "atexit.register(lambda: print('loaded:', sorted(n for n in sys.modules if n.startswith(names))))\n"
        "from mockllm.cli.main import main; main()"
    )
    with serving(cwd=folder, mockllm=(sys.executable, "-c", listing)) as server:
        ask(server)
        server.send(signal.SIGTERM)
        assert server.ended() == 0
    assert "loaded: []" in server.out
