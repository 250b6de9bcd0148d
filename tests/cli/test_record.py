"""`mockllm record` and `serve --record-misses` as running commands: what they say, and how they end."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockllm.cli.main import main
from tests.cli.in_process import command
from tests.process import MOCKLLM, serving
from tests.server.raw_client import Raw
from tests.server.recording import BODY, HEAD, KEY, chunked, files, post, provider
from tests.server.webhook_endpoint import Hook, webhook_endpoint
from tests.waiting import until

CHAT = "/v1/chat/completions"


@contextmanager
def held() -> Iterator[tuple[str, threading.Event, threading.Event]]:
    """A provider that says half, and the rest when it is let: its address, `said` and `go_on`."""
    received, go_on = threading.Event(), threading.Event()

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + chunked(b"data: half\n\n"))
        received.set()
        if go_on.wait(30):
            connection.sendall(chunked(b"data: the rest\n\n") + b"0\r\n\r\n")

    with provider(talk) as url:
        try:
            yield url, received, go_on
        finally:
            go_on.set()


@contextmanager
def client_of_open_stream(url: str, received: threading.Event) -> Iterator[Raw]:
    """A client whose response has begun and not ended."""
    with Raw.to(url) as client:
        body = json.dumps(BODY)
        client.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        assert received.wait(30)
        yield client


def rest(client: Raw) -> bytes:
    received = b""
    while data := client.sock.recv(65536):
        received += data
    return received


COMMANDS: list[tuple[str, Callable[[Path], tuple[str, ...]]]] = [
    ("record", lambda folder: ("--out", str(folder / "out"))),
    ("serve", lambda folder: ("--record-misses", str(folder / "out"), "--scenarios", str(folder / "own"))),
]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for a child process on Windows")
@pytest.mark.parametrize(("verb", "options"), COMMANDS, ids=["record", "serve --record-misses"])
@pytest.mark.covering(count=1)
def test_record_ctrl_c_finishes_response_in_flight(
    verb: str, options: Callable[[Path], tuple[str, ...]], tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    with held() as (there, received, go_on):
        upstream = ("--upstream", f"openai={there}")
        with serving(*upstream, *options(tmp_path), cwd=tmp_path, verb=verb) as process:
            with client_of_open_stream(process.url, received) as client:
                process.send(signal.SIGINT)
                go_on.set()
                assert b"the rest" in rest(client)
            assert process.ended() == 0
        (file,) = files(tmp_path / "out")
        assert "the rest" in file.read_text(encoding="utf-8")
        assert verb == "serve" or "1 recorded in" in process.reported
        assert str(file) in process.reported


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for a child process on Windows")
def test_second_ctrl_c_cuts_response_and_reports_no_recording(tmp_path: Path) -> None:
    with held() as (there, received, _):
        options = ("--upstream", f"openai={there}", "--out", str(tmp_path / "out"))
        with serving(*options, cwd=tmp_path, verb="record") as process:
            with client_of_open_stream(process.url, received) as client:
                process.send(signal.SIGINT)
                until(lambda: refused(process.port))
                process.send(signal.SIGINT)
                assert b"the rest" not in rest(client)
            assert process.ended() == 1
    assert "was cut" in process.reported
    assert "0 recorded in" in process.reported
    assert "Traceback" not in process.reported
    assert not (tmp_path / "out").exists()


def refused(port: int) -> bool:
    """Whether connections are refused: the first signal has come."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return True
    return False


@pytest.mark.skipif(
    shutil.which("prlimit") is None, reason="there is no prlimit to bound the size of its files"
)
def test_record_full_disk_is_reported_with_exit_code_1(tmp_path: Path) -> None:
    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + chunked(b"data: " + b"x" * 20_000 + b"\n\n") + b"0\r\n\r\n")

    with provider(talk) as there:
        options = ("--upstream", f"openai={there}", "--out", str(tmp_path / "out"))
        with serving(
            *options, cwd=tmp_path, verb="record", mockllm=("prlimit", "--fsize=8192", *MOCKLLM)
        ) as process:
            assert len(post(process.url, CHAT, BODY).body) > 20_000
            process.line(lambda line: line.startswith("error: not recorded: "))
            process.send(signal.SIGTERM)
            assert process.ended() == 1
            assert "0 recorded in" in process.reported
            assert ", 1 failed" in process.reported
    assert [item for item in (tmp_path / "out").rglob("*") if item.is_file()] == []


def test_record_prints_addresses(tmp_path: Path) -> None:
    with held() as (there, _, go_on):
        go_on.set()
        options = ("--upstream", f"openai={there}", "--out", "kept", "--verbose")
        with serving(*options, cwd=tmp_path, verb="record") as process:
            request = {**BODY, "note": f"mine is {KEY}"}
            assert post(process.url, f"{CHAT}?key={KEY}", request, f"Cookie: a={KEY}").status == 200
            line = process.line(lambda line: "forwarded to openai, recorded in" in line)
            output = process.line(lambda line: '"method":"POST"' in line)
    ready = process.out[0]
    assert ready.startswith("mockllm records to kept, listening on http://")
    assert process.out[1] == f"  openai: {there}"
    assert "kept/shared/chat-" in line.replace("\\", "/")
    assert "hash: " in line
    assert "mine is REDACTED" in output
    assert KEY not in process.reported


def test_record_unwritable_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "out"
    with pytest.raises(SystemExit) as end:
        main(["record", "--upstream", "openai=http://x", "--out", str(out)])
    assert end.value.code == 2
    assert f"--out {out}: Not a directory" in capsys.readouterr().err


def test_record_without_upstream_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["record"])
    assert exit.value.code == 2
    assert "--upstream" in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit:
        main(["record", "--upstream", "openai=http://localhost:8080"])
    assert exit.value.code == 2
    assert "is this server itself" in capsys.readouterr().err


@pytest.mark.full
def test_recorded_miss_is_replayed_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yaml").write_text("rules: [{match: {user: known}, reply: Ours.}]")
    with held() as (there, _, go_on):
        go_on.set()
        for own in (("--scenarios", "own"), ()):
            options = ("--record-misses", f"kept{len(own)}", "--upstream", f"openai={there}", *own)
            with serving(*options, cwd=tmp_path) as process:
                process.line(lambda line: f"forwarded (openai: {there}) and recorded in kept" in line)
                assert "x-mockllm-rule" not in post(process.url, CHAT, BODY).headers
                known = until(lambda: post(process.url, CHAT, BODY).headers.get("x-mockllm-rule"))
                assert known.startswith("shared/chat-")
                assert "no rule is loaded" not in process.reported


def test_repeats_of_unmatched_request_get_its_recording(tmp_path: Path) -> None:
    calls: list[bytes] = []

    def talk(connection: socket.socket, head: bytes) -> None:
        calls.append(head)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with provider(talk) as there:
        options = ("--record-misses", "kept", "--upstream", f"openai={there}")
        with serving(*options, cwd=tmp_path) as process, ThreadPoolExecutor(4) as clients:
            for number in range(3):
                body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Question {number}"}]}
                got = list(clients.map(lambda _, body=body: post(process.url, CHAT, body), range(4)))
                got.append(post(process.url, CHAT, body))
                assert [each.body for each in got] == [b"{}"] * 5
                assert sum("x-mockllm-rule" in each.headers for each in got) == 4
    assert len(calls) == 3
    assert not any("sequence" in file.read_text(encoding="utf-8") for file in files(tmp_path / "kept", 3))


def test_wait_for_a_recording_takes_no_slot_of_a_limit(tmp_path: Path) -> None:
    own = tmp_path / "own" / "a.yaml"
    own.parent.mkdir()
    own.write_text("modifiers: [{limit: {strategy: fixed-window, concurrent: 4}}]")
    with held() as (there, _, go_on):
        go_on.set()
        options = ("--scenarios", "own", "--record-misses", "kept", "--upstream", f"openai={there}")
        with serving(*options, cwd=tmp_path) as process, ThreadPoolExecutor(4) as clients:
            for number in range(3):
                body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Question {number}"}]}
                got = clients.map(lambda _, body=body: post(process.url, CHAT, body).status, range(4))
                assert list(got) == [200] * 4


def test_requests_that_wait_for_a_recording_count_once(tmp_path: Path) -> None:
    own = tmp_path / "own" / "a.yaml"
    own.parent.mkdir()
    with held() as (there, _, go_on), webhook_endpoint() as hook:
        go_on.set()
        own.write_text(f"modifiers: [{{name: all, headers: {{x-a: b}}, then_post: {{to: '{hook}'}}}}]")
        options = ("--scenarios", "own", "--record-misses", "kept", "--upstream", f"openai={there}")
        with serving(*options, cwd=tmp_path) as process, ThreadPoolExecutor(4) as clients:
            for number in range(3):
                body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Question {number}"}]}
                assert all(clients.map(lambda _, body=body: post(process.url, CHAT, body), range(4)))
            until(lambda: len(Hook.received) >= 12)
            (modifier,) = [each for each in process.get("/api/rules")["rules"] if each["kind"] == "modifier"]
            assert (modifier["tries"], modifier["answers"], len(Hook.received)) == (12, 12, 12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--record-misses", "x"), "needs the provider's URL: --upstream"),
        (("--upstream", "openai=http://x"), "needs a folder for the recordings: --record-misses"),
        (("--record-misses", "file", "--upstream", "openai=http://x"), "--record-misses file: "),
        (
            ("--record-misses", "x", "--upstream", "openai=http://x", "--upstream", "openai=http://y"),
            "--upstream openai is set twice: http://x, http://y",
        ),
    ],
)
def test_record_contradicting_options_are_refused(
    options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = command("serve", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


def test_mistake_comes_after_a_short_usage(tmp_path: Path) -> None:
    ended = command("record", "--upstream", "opnai=http://localhost:1", cwd=tmp_path)
    usage, mistake = ended.stderr.splitlines()
    assert usage.startswith("usage: mockllm record [--upstream PROVIDER=URL] [--out DIR]")
    assert 'did you mean "openai"?' in mistake
