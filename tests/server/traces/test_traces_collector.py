"""Our spans in OpenTelemetry's own collector, built from its Go modules: what it understood of them it sends on.

The first build takes a minute or two, the next ones what Go's cache leaves of it.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.process import serving
from tests.server.traces.otlp_receiver import receiving
from tests.server.traces.traced_server import CHAT, GEMINI_STREAM, MESSAGES, TracedClient
from tests.waiting import until

SOURCE = Path(__file__).parent / "collector"
NEWEST_OF = re.compile(r"go1\.(\d+)")
UNREACHED = (
    "dial tcp",
    "no such host",
    "i/o timeout",
    "connection refused",
    "Forbidden",
    "proxyconnect",
    "EOF",
)
"""What Go says where the modules cannot be had."""
CONFIG = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{otlphttp: {{endpoint: "{url}", compression: none, retry_on_failure: {{enabled: false}}}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], exporters: [otlphttp]}}}}
"""


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built collector."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go here to build OpenTelemetry's collector with")
    version = NEWEST_OF.search(subprocess.run([go, "version"], capture_output=True, text=True).stdout)
    if version is None or int(version[1]) < 25:
        pytest.skip("OpenTelemetry's collector wants Go 1.25 or newer")
    built = tmp_path_factory.mktemp("collector") / "collector"
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
    done = subprocess.run(
        [go, "build", "-o", str(built), "."], cwd=SOURCE, env=environment, capture_output=True, text=True
    )
    if done.returncode and any(reported in done.stderr for reported in UNREACHED):
        pytest.skip(f"the collector's Go modules cannot be had here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return built


@contextmanager
def collecting(collector: Path, url: str) -> Iterator[int]:
    """A running collector that sends on to a URL; its port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = CONFIG.format(port=port, url=url).strip()
    process = subprocess.Popen(
        [collector, f"--config=yaml:{config}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )

    def listens() -> bool:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        with closing(socket.socket()) as trying:
            return trying.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listens)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _refuses_nonsense(port: int) -> bool:
    sent = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/traces", b"nonsense", {"content-type": "application/x-protobuf"}
    )
    try:
        urllib.request.urlopen(sent, timeout=30)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 400
    return False


@pytest.mark.timeout(900)
def test_collector_accepts_the_spans(collector: Path, tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text("rules: [{reply: Hello you., name: hello}]\n")
    with receiving() as receiver, collecting(collector, receiver.url) as port:
        assert _refuses_nonsense(port)  # so that what it takes says something
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "50"}
        with serving(cwd=tmp_path, **more) as server:
            requested = TracedClient(server.port)
            requested.ask(CHAT, {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}, model="g\u00f6del")
            requested.ask(MESSAGES, stream=True)
            requested.ask(GEMINI_STREAM)
            spans = {span.name: span for span in receiver.count(3)}
            assert not [line for line in server.err if "traces" in line]
    chat = spans["chat g\u00f6del"]
    assert (chat.wire.trace_id.hex(), chat.wire.parent_span_id.hex()) == ("a" * 32, "b" * 16)
    assert {span.attributes["mockllm.rule"] for span in spans.values()} == {"a.yaml:hello"}
    assert spans["chat claude-sonnet-4-5"].attributes["gen_ai.response.finish_reasons"] == ["end_turn"]
    assert spans["generate_content gemini-2.5-flash"].wire.kind == chat.wire.SPAN_KIND_SERVER
