"""Worker processes that hang, or that cannot start."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.process import Process, without_dashboard
from tests.server.workers.worker_processes import children_of
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the worker processes")

BEFORE = "from mockllm.cli.main import main; import sys"
BROKEN = f"""
{BEFORE}
from mockllm.cli import worker_process
from mockllm.cli.option import BadOption
def configure_tls(*_):
    raise BadOption("expected a certificate in server.pem")
worker_process.configure_tls = configure_tls
main(sys.argv[1:])
"""
"""A server whose certificate breaks while its workers start."""
IMPATIENT = f"""
{BEFORE}
from mockllm.server.workers import served_reports
served_reports.REPORT_TIME = 2.0
main(sys.argv[1:])
"""


ENDING = f"""
{BEFORE}
import os
from mockllm.server.workers import worker
async def end(*_):
    os._exit(3)
worker.Worker.prepare = end
main(sys.argv[1:])
"""
"""A server whose workers end while they start."""


def started(files: Path, code: str, *options: str) -> Process:
    (files / "scenarios").mkdir()
    (files / "scenarios" / "a.yaml").write_text("rules: [{reply: Hello.}]\n")
    arguments = ["--workers", "2", "--port", "0", *options]
    return Process(arguments, files, {"PATH": ""}, [sys.executable, "-c", code])


def test_start_with_a_broken_certificate_says_why_and_ends(tmp_path: Path) -> None:
    server = started(tmp_path, BROKEN)
    try:
        assert server.ended() == 1
        (line,) = without_dashboard(server.err)
        assert line.startswith("mockllm: worker ")
        assert line.endswith(" does not start: expected a certificate in server.pem")
        assert server.out == []
    finally:
        server.close()


def test_worker_that_ends_at_the_start_is_not_replaced(tmp_path: Path) -> None:
    server = started(tmp_path, ENDING)
    try:
        assert server.ended() == 1
        (line,) = without_dashboard(server.err)
        assert line.startswith("mockllm: worker ")
        assert line.endswith(" does not start: it ended with code 3")
    finally:
        server.close()


@pytest.mark.full
def test_hung_worker_is_killed_by_a_stop(tmp_path: Path) -> None:
    server = started(tmp_path, IMPATIENT, "--grace", "100ms")
    try:
        server.ready()
        hung = children_of(server.pid)[0]
        os.kill(hung, signal.SIGSTOP)
        server.send(signal.SIGTERM)
        assert server.ended() == 0
        assert not [line for line in server.err if "has failed" in line or "Traceback" in line]
        assert not Path(f"/proc/{hung}").exists()
    finally:
        server.close()


@pytest.mark.full
def test_second_signal_kills_a_hung_worker(tmp_path: Path) -> None:
    server = started(tmp_path, IMPATIENT, "--grace", "1h")
    try:
        server.ready()
        hung, *_ = children_of(server.pid)
        os.kill(hung, signal.SIGSTOP)
        server.send(signal.SIGTERM)
        until(lambda: children_of(server.pid) == [hung])
        server.send(signal.SIGTERM)
        assert server.ended() == 0
        assert not Path(f"/proc/{hung}").exists()
    finally:
        server.close()


@pytest.mark.full
def test_stopped_worker_is_replaced(tmp_path: Path) -> None:
    server = started(tmp_path, IMPATIENT)
    try:
        server.ready()
        first = children_of(server.pid)
        os.kill(first[0], signal.SIGSTOP)
        server.line(lambda line: line.startswith("worker 1 has sent nothing for "))
        server.line(lambda line: line == "worker 1 was killed by SIGKILL; another one takes its place")
        until(lambda: len(set(children_of(server.pid)) - set(first)) == 1)
        assert [server.ask() for _ in range(8)] == ["Hello."] * 8
        assert server.get("/api/requests?limit=1")["total"] == 8
    finally:
        server.close()
