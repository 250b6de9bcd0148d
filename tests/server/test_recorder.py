"""A proxy that writes down what passes: chunk by chunk, byte for byte, and nothing of a key."""

# ruff: noqa: E501 - cases stand on one line each

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.main import main
from mockllm.cli.options import upstream
from mockllm.cli.record import recorder_of
from mockllm.engine import Engine
from mockllm.recordings.keeping import file_name, keep
from mockllm.recordings.writing import Reader
from mockllm.scenario.compiling import compile_catalog, finished
from mockllm.server.app import App
from mockllm.server.limits import Limits
from mockllm.server.lines import Lines
from mockllm.server.recorder import Recorder
from mockllm.server.serving import Address, Threaded
from mockllm.state.sessions import Sessions
from tests.live import live
from tests.process import serving
from tests.server.raw_client import Got, Raw
from tests.waiting import until

KEY = "sk-" + "a1B2" * 8
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say it."}]}
SCENARIO = """
rules:
  - match: {user: {contains: break}}
    reply: Partly said.
    faults: [{close: {after: {chunks: 1}}}]
  - reply: {text: "One, two,\\n\\nthree é.", thinking: Hm.}
    pace: {itl: 5ms}
"""


@contextmanager
def recording(
    out: Path, everything: bool = True, **upstreams: str
) -> Iterator[tuple[str, Recorder, list[str]]]:
    """A recorder at work: its URL, itself, and the lines for each request."""
    told: list[str] = []
    recorder = Recorder(upstreams, out, Reader(), told.append, everything)
    app = App(
        Engine(finished(compile_catalog([])), Sessions()),
        limits=Limits(grace=0.5),
        lines=Lines(told.append),
    )
    app.recorder = recorder
    with Threaded(app) as url:
        yield url, recorder, told


def post(url: str, path: str, body: Any, *headers: str) -> Got:
    """A request of its own connection."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        f"Content-Length: {len(raw)}",
        f"Authorization: Bearer {KEY}",
        *headers,
    ]
    with Raw.to(url) as client:
        client.send("\r\n".join([*lines, "", ""]).encode() + raw)
        return client.answer()


def files(out: Path, count: int = 1) -> list[Path]:
    """The files that were recorded, once there are so many."""
    return until(lambda: found if len(found := sorted(out.rglob("*.yaml"))) >= count else None)


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("openai", "/v1/chat/completions", BODY),
    ("openai", "/v1/responses", {"model": "gpt-4o", "input": "Say it."}),
    ("anthropic", "/v1/messages", {"model": "claude-x", "max_tokens": 99, "messages": BODY["messages"]}),
    ("gemini", "/v1beta/models/gemini-x:generateContent", {"contents": [{"parts": [{"text": "Say it."}]}]}),
    ("gemini", "/v1beta/models/gemini-x:streamGenerateContent", {"contents": [{"parts": [{"text": "Say it."}]}]}),
    ("gemini", "/v1beta/models/gemini-x:streamGenerateContent?alt=sse&key=private", {"contents": [{"parts": [{"text": "x"}]}]}),
    ("groq", "/groq/openai/v1/chat/completions", BODY),
    ("openai", "/v1/models", {}),
]  # fmt: skip


def test_what_was_recorded_is_replayed_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    out = tmp_path / "recorded"
    said: list[tuple[str, bytes, Got]] = []
    with live(tmp_path / "a.yaml") as provider:
        names = {name: provider.url for name, _, _ in CALLS}
        names["groq"] = f"{provider.url}/groq"
        with recording(out, True, **names) as (url, recorder, told):
            for _, path, body in CALLS:
                for streamed in (False, True):
                    sent = {**body, "stream": True} if streamed and "contents" not in body else body
                    raw = json.dumps(sent).encode()
                    got = post(url, path, raw)
                    said.append((path, raw, got))
            assert recorder.failed == 0, told
            kept = files(out, 13)
    text = "".join(file.read_text(encoding="utf-8") for file in kept)
    assert KEY not in text
    assert "private" not in text
    with live(out) as replayer:
        for path, raw, first in said:
            again = post(replayer.url, path, raw)
            assert (again.status, again.body) == (first.status, first.body), path
            assert again.headers["x-mockllm-rule"].startswith("shared/")
    assert {got.status for _, _, got in said} == {200, 405}


@contextmanager
def provider(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A provider that answers each connection as `talk` does; the request has been read."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                data = b""
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536)
                talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSet-Cookie: private=1\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_each_chunk_is_seen_before_the_next_is_sent(tmp_path: Path) -> None:
    seen = [threading.Event() for _ in range(4)]

    def talk(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        for number, event in enumerate(seen):
            connection.sendall(chunked(b"data: %d\n\n" % number))
            assert event.wait(5), "the client has not seen it"
        connection.sendall(b"0\r\n\r\n")

    with (
        provider(talk) as upstream_url,
        recording(tmp_path, openai=upstream_url) as (url, _, _),
        Raw.to(url) as client,
    ):
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        received = b""
        for number, event in enumerate(seen):
            while b"data: %d\n\n" % number not in received:
                received += client.sock.recv(65536)
            assert b"data: %d" % (number + 1) not in received
            event.set()
        while not received.endswith(b"0\r\n\r\n"):
            received += client.sock.recv(65536)
        (file,) = files(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert b"Set-Cookie: private=1" in received  # the client's own
    assert "private" not in text
    assert text.count("- at: ") == 4


def answering(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def test_an_answer_that_is_cut_off_is_not_recorded(tmp_path: Path) -> None:
    cut = HEAD + chunked(b"data: 1\n\n")
    with provider(answering(cut)) as there, recording(tmp_path, openai=there) as (url, recorder, told):
        got = post(url, "/v1/chat/completions", BODY)
        assert not got.complete
        until(lambda: any("cut off" in line for line in told))
        assert recorder.failed == 1
    assert list(tmp_path.rglob("*")) == []


def test_a_length_that_the_provider_tells_stays(tmp_path: Path) -> None:
    data = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello"
    with provider(answering(data)) as there, recording(tmp_path, openai=there) as (url, _, _):
        got = post(url, "/v1/chat/completions", BODY)
        assert (got.status, got.body, got.headers["content-length"]) == (201, b"hello", "5")
        files(tmp_path)


def test_recordings_of_sessions_do_not_collide(tmp_path: Path) -> None:
    answers = iter([b"one", b"two", b"three"])

    def talk(connection: socket.socket) -> None:
        said = next(answers)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)
        )

    with provider(talk) as there, recording(tmp_path, openai=there) as (url, _, _):
        for session in ("test-a", "test-b", "test-b"):
            post(url, "/v1/chat/completions", BODY, f"x-mockllm-session: {session}")
        assert [file.parent.name for file in files(tmp_path, 2)] == ["test-a", "test-b"]
    with live(tmp_path) as again:
        said = [
            post(again.url, path, BODY, *headers).body
            for path, headers in (
                ("/v1/chat/completions", ("x-mockllm-session: test-a",)),
                ("/s/test-b/v1/chat/completions", ()),
                ("/s/test-b/v1/chat/completions", ()),
            )
        ]
        assert said == [b"one", b"two", b"three"]
        assert post(again.url, "/v1/chat/completions", BODY).status == 404


def test_what_is_asked_of_the_provider(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with provider(talk) as there, recording(tmp_path, openai=f"{there}/v1") as (url, recorder, _):
        original = recorder._onward

        def onward(headers: Any) -> dict[str, str]:
            sent = original(headers)
            asked.append(json.dumps(sent).lower().encode())
            return sent

        recorder._onward = onward  # type: ignore[method-assign]
        post(
            url,
            "/v1/chat/completions",
            BODY,
            "Accept-Encoding: br, gzip;q=0.5, zstd",
            "X-Mockllm-Session: s",
            "X-More: 1",
        )
        post(url, "/v1/chat/completions", BODY, "Accept-Encoding: br")
        post(url, "/v1/chat/completions", BODY)
    first, second, third = map(json.loads, asked)
    assert first["accept-encoding"] == "gzip;q=0.5"
    assert first["authorization"] == f"Bearer {KEY}".lower()
    assert "x-more" in first
    assert not {"host", "content-length", "x-mockllm-session"} & first.keys()
    assert second["accept-encoding"] == third["accept-encoding"] == "identity"


def test_a_packed_answer_is_recorded_packed_and_read_by_all(tmp_path: Path) -> None:
    said = b"data: packed\n\n"
    data = gzip.compress(said)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    with (
        provider(answering(head % len(data) + data)) as there,
        recording(tmp_path, openai=there) as (url, _, _),
    ):
        got = post(url, "/v1/chat/completions", BODY, "Accept-Encoding: gzip")
        assert (got.body, got.headers["content-encoding"]) == (data, "gzip")
        files(tmp_path)
    with live(tmp_path) as again:
        assert post(again.url, "/v1/chat/completions", BODY, "Accept-Encoding: gzip").body == data
        plain = post(again.url, "/v1/chat/completions", BODY)
        assert (plain.body, plain.headers.get("content-encoding")) == (said, None)


def test_loops_are_refused(tmp_path: Path) -> None:
    with recording(tmp_path) as (url, recorder, _):
        recorder.upstreams = {"openai": url}
        got = post(url, "/v1/chat/completions", BODY)
        assert got.status == 400
        assert "leads back to this recorder" in got.text
    values = {"upstream": [("openai", "http://localhost:8080/x")], "hash_ignore": None}
    with pytest.raises(Exception, match="leads back to this very server"):
        recorder_of(values, str(tmp_path), [Address("127.0.0.1", 8080)])
    assert recorder_of(values, str(tmp_path), [Address("127.0.0.1", 8081)]).upstreams


def test_a_provider_that_is_not_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with recording(tmp_path, openai=f"http://127.0.0.1:{port}") as (url, _, _):
        got = post(url, "/v1/chat/completions", BODY)
        assert got.status == 502
        assert "does not answer" in got.text
        assert (
            "There is no upstream for groq; there is openai."
            in post(url, "/groq/openai/v1/chat/completions", BODY).text
        )
        assert post(url, "/health", {}).status == 405


def test_a_file_that_cannot_be_written_is_an_error_and_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    with (
        provider(answering(data)) as there,
        recording(tmp_path / "out", openai=there) as (url, recorder, told),
    ):
        assert post(url, "/v1/chat/completions", BODY).body == b"hello"
        until(lambda: any(line.startswith("error: not recorded") for line in told))
        assert recorder.failed == 1


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.yaml"
    keep(path, "before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for act in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"os.{act}", full)
            with pytest.raises(OSError, match="No space"):
                keep(path, "after")
        assert [each.name for each in tmp_path.iterdir()] == ["a.yaml"]
        assert path.read_text() == "before"
    keep(path, "after")
    assert path.read_text() == "after"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a test::b[c]", "a-test-b-c"),
        ("../../x", "x"),
        ("..", "recording"),
        (".hidden", "hidden"),
        ("a" * 99, "a" * 80),
    ],
)
def test_names_of_files(text: str, name: str) -> None:
    assert file_name(text) == name


def test_only_misses_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{match: {user: known}, reply: Ours.}]", encoding="utf-8")
    out = tmp_path / "recorded"
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    with provider(answering(data)) as there:
        options = ("--scenarios", str(tmp_path), "--upstream", f"openai={there}", "--record-misses", str(out))
        with serving(*options, cwd=tmp_path) as server:
            known = {**BODY, "messages": [{"role": "user", "content": "known"}]}
            assert "Ours." in post(server.url, "/v1/chat/completions", known).text
            assert post(server.url, "/v1/chat/completions", BODY).body == b"hello"
            assert post(server.url, "/groq/openai/v1/chat/completions", BODY).status == 404
            files(out)
            until(lambda: "x-mockllm-rule" in post(server.url, "/v1/chat/completions", BODY).headers)
    assert len(files(out)) == 1


def test_upstreams_are_named() -> None:
    assert upstream("openai=https://api.openai.com/v1/") == ("openai", "https://api.openai.com/v1")
    for wrong in (
        "https://api.openai.com",
        "openai=",
        "openai=ftp://x",
        "=https://x",
        "openai=https://x?a=1",
    ):
        with pytest.raises(ValueError, match="expected PROVIDER=URL"):
            upstream(wrong)


def test_the_command_needs_somewhere_to_go(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["record"])
    assert exit.value.code == 2
    assert "--upstream" in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit:
        main(["record", "--upstream", "openai=http://localhost:8080"])
    assert exit.value.code == 2
    assert "leads back" in capsys.readouterr().err
