"""Lines for a person at the terminal do not affect requests, even if the terminal is closed."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from mockllm.cli.console import LOG_INTERVAL, ThrottledLog
from mockllm.server.line_output import write_line
from tests.process import LISTENING, MOCKLLM, environment, without_dashboard
from tests.waiting import PATIENCE


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_write_line_flushes(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    write_line("hello", out)
    assert out.getvalue() == "hello\n"


class CountingWrites(io.StringIO):
    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def test_write_line_is_one_write() -> None:
    out = (
        CountingWrites()
    )  # without a buffer each write reaches the file, and other processes write between two
    write_line("hello", out)
    assert (out.writes, out.getvalue()) == (1, "hello\n")


def test_write_line_ignores_full_disk() -> None:
    write_line("hello", Full())


def test_write_line_after_closed_pipe_is_discarded() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        for _ in range(3):
            write_line("hello", stream)
        assert os.readlink(f"/proc/self/fd/{writing}") == os.devnull if os.path.exists("/proc") else True


@pytest.mark.parametrize("gone", ["stdout", "stderr"])
@pytest.mark.covering(count=1)
def test_serve_with_closed_output_continues(gone: str, tmp_path: Path) -> None:
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    (scenarios / "a.yaml").write_text("rules: [{reply: Hi.}]\n", encoding="utf-8")
    process = subprocess.Popen(
        [*MOCKLLM, "serve", "--port", "0"],
        cwd=tmp_path, env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        match = LISTENING.search(process.stdout.readline())
        assert match is not None
        (process.stdout if gone == "stdout" else process.stderr).close()
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()
        for _ in range(3):
            with urllib.request.urlopen(
                f"{match[1]}/v1/chat/completions", body, timeout=PATIENCE
            ) as response:
                assert response.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        if gone == "stdout":
            assert without_dashboard(process.stderr.readlines()) == []
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None and not stream.closed:
                stream.close()


def test_throttled_log_omits_and_counts_messages() -> None:
    now, lines = [0.0], list[str]()
    throttled = ThrottledLog(lines.append, lambda: now[0])
    for number in range(5):
        throttled(f"session {number} ended")
    now[0] = LOG_INTERVAL
    throttled("session 5 ended")
    now[0] = 2 * LOG_INTERVAL
    throttled("session 6 ended")
    assert lines == [
        "session 0 ended",
        "session 5 ended (4 more such lines were left out)",
        "session 6 ended",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="makes a pipe small")
def test_server_with_unread_output_responds(tmp_path: Path) -> None:
    """Tests start a server with a pipe, and often read no more than its first lines."""
    from fcntl import F_SETPIPE_SZ, fcntl

    reading, writing = os.pipe()
    fcntl(writing, F_SETPIPE_SZ, 4096)
    line = [*MOCKLLM, "serve", "--pack", "default", "--port", "0"]
    process = subprocess.Popen(line, cwd=tmp_path, env=environment(), stdout=writing, stderr=writing)
    os.close(writing)
    try:
        text = ""
        while (found := LISTENING.search(text)) is None or not text.endswith("\n"):
            text += os.read(reading, 4096).decode()
        for _ in range(300):
            with urllib.request.urlopen(f"{found[1]}/v1/models", timeout=PATIENCE) as response:
                assert response.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reading)
