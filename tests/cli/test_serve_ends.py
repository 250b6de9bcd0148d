"""How `mockllm serve` ends: running responses, signals, and the exit code."""

from __future__ import annotations

import http.client
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.process import Process, serving
from tests.waiting import PATIENCE, until

SCENARIO = """mockllm: 1
rules:
  - name: greeting
    match: {user: hello}
    reply: Hi there.
  - name: slow
    match: {user: slow}
    reply: {chunks: [one, {wait: 700ms}, " two"]}
  - name: endless
    match: {user: endless}
    reply: {chunks: [one, {wait: 50s}, " two"]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO)
    return tmp_path


@contextmanager
def streaming(server: Process, user: str) -> Iterator[http.client.HTTPResponse]:
    """A stream whose head is there."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    body = f'{{"model": "m", "stream": true, "messages": [{{"role": "user", "content": "{user}"}}]}}'
    connection.request("POST", "/v1/chat/completions", body)
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def refuses(port: int) -> bool:
    """Whether no process listens there any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except OSError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
@pytest.mark.covering(count=1)
def test_stopped_server_finishes_running_stream(folder: Path, number: signal.Signals) -> None:
    with serving(cwd=folder) as server, streaming(server, "slow") as stream:
        text = b""
        while b"one" not in text:
            text += stream.read1()
        server.send(number)
        text += stream.read()
        assert b" two" in text
        assert text.endswith(b"data: [DONE]\n\n")
        assert server.ended() == 0
        assert "Traceback" not in server.reported


@pytest.mark.full
def test_stop_refuses_new_connections(folder: Path) -> None:
    with serving(cwd=folder) as server, streaming(server, "slow") as stream:
        server.send(signal.SIGTERM)
        until(lambda: refuses(server.port))
        assert stream.read().endswith(b"data: [DONE]\n\n")
        assert server.ended() == 0


@pytest.mark.full
@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["one process", "workers"])
def test_stopping_server_says_what_it_waits_for(folder: Path, more: tuple[str, ...]) -> None:
    grace = f"{PATIENCE * 20:.0f}"
    with serving("--grace", grace, *more, cwd=folder) as server, streaming(server, "endless"):
        server.send(signal.SIGTERM)
        notice = server.line(lambda line: line.startswith("stopping:"))
        assert notice == (f"stopping: running responses have {grace} s to end; a second signal ends them now")
        server.send(signal.SIGTERM)
        assert server.ended() == 0


def test_sighup_reloads_and_ends_no_stream(folder: Path) -> None:
    with serving(cwd=folder) as server, streaming(server, "slow") as stream:
        server.send(signal.SIGHUP)
        server.line(lambda line: line.startswith("reloaded: 3 rules"))
        assert stream.read().endswith(b"data: [DONE]\n\n")


@pytest.mark.full
def test_sighup_without_reload_changes_nothing(folder: Path) -> None:
    with serving("--no-reload", cwd=folder) as server:
        server.send(signal.SIGHUP)
        server.line(lambda line: line == "SIGHUP: this server does not reload (--no-reload)")
        assert server.ask("hello") == "Hi there."


@pytest.mark.full
def test_second_signal_stops_server_at_once(folder: Path) -> None:
    grace = f"{PATIENCE * 20:.0f}"  # longer than `ended` waits
    with serving("--grace", grace, cwd=folder) as server, streaming(server, "endless"):
        server.send(signal.SIGTERM)
        until(lambda: refuses(server.port))
        server.send(signal.SIGINT)
        assert server.ended() == 0


@pytest.mark.full
def test_stopped_server_cuts_stream_after_grace_time(folder: Path) -> None:
    with serving("--grace", "0.2", cwd=folder) as server, streaming(server, "endless"):
        server.send(signal.SIGTERM)
        assert server.ended() == 0
        assert "Traceback" not in server.reported
        assert "[cut: the server stopped]" in server.line(lambda line: "POST" in line)


@pytest.mark.full
def test_disconnected_client_is_not_reported_as_cut(folder: Path) -> None:
    with serving(cwd=folder) as server:
        with streaming(server, "endless") as stream:
            assert stream.status == 200
        assert "[the client left]" in server.line(lambda line: "POST" in line)


def test_strict_reports_misses_at_the_end(folder: Path) -> None:
    with serving("--strict", cwd=folder) as server:
        server.ask("hello")
        for _ in range(2):
            with pytest.raises(Exception, match="404"):
                server.ask("something else")
        server.send(signal.SIGTERM)
        assert server.ended() == 1
        assert "2 unmatched requests" in server.err[-1]


@pytest.mark.full
def test_strict_without_unmatched_request_exits_0(folder: Path) -> None:
    with serving("--strict", cwd=folder) as server:
        server.ask("hello")
        server.send(signal.SIGTERM)
        assert server.ended() == 0


@pytest.mark.full
def test_unmatched_request_without_strict_exits_0(folder: Path) -> None:
    with serving(cwd=folder) as server:
        with pytest.raises(Exception, match="404"):
            server.ask("something else")
        server.send(signal.SIGINT)
        assert server.ended() == 0
