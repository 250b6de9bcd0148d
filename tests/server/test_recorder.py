"""A proxy that writes down what passes: chunk by chunk, byte for byte, and nothing of a key."""

# ruff: noqa: E501 - one line for each case

from __future__ import annotations

import gzip
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.main import main
from mockllm.cli.option_values import OptionValues
from mockllm.cli.record import create_recorder
from mockllm.cli.units import upstream
from mockllm.server.http_server import Address
from tests.live import live
from tests.process import serving
from tests.server.raw_client import Got, Raw
from tests.server.recording import (
    BODY,
    HEAD,
    KEY,
    answering,
    chunked,
    closed_address,
    files,
    post,
    provider,
    recording,
)
from tests.waiting import PATIENCE, until

SCENARIO = """
rules:
  - match: {user: {contains: break}}
    reply: Partly said.
    faults: [{close: {after: {chunks: 1}}}]
  - reply: {text: "One, two,\\n\\nthree é.", thinking: Hm.}
    pace: {itl: 5ms}
"""


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


def test_recording_is_replayed_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    out = tmp_path / "recorded"
    reported: list[tuple[str, bytes, Got]] = []
    with live(tmp_path / "a.yaml") as provider:
        names = {name: provider.url for name, _, _ in CALLS}
        names["groq"] = f"{provider.url}/groq"
        with recording(out, True, **names) as (url, recorder, stated):
            for _, path, body in CALLS:
                for streamed in (False, True):
                    sent = {**body, "stream": True} if streamed and "contents" not in body else body
                    raw = json.dumps(sent).encode()
                    got = post(url, path, raw)
                    reported.append((path, raw, got))
            assert recorder.failed == 0, stated
            kept = files(out, 13)
    text = "".join(file.read_text(encoding="utf-8") for file in kept)
    assert KEY not in text
    assert "private" not in text
    with live(out) as replayer:
        for path, raw, first in reported:
            again = post(replayer.url, path, raw)
            assert (again.status, again.body) == (first.status, first.body), path
            assert again.headers["x-mockllm-rule"].startswith("shared/")
    assert {got.status for _, _, got in reported} == {200, 405}


def test_each_chunk_is_seen_before_the_next_is_sent(tmp_path: Path) -> None:
    seen = [threading.Event() for _ in range(4)]

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD)
        for number, event in enumerate(seen):
            connection.sendall(chunked(b"data: %d\n\n" % number))
            assert event.wait(PATIENCE), "the client has not seen it"
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


def test_cut_response_is_not_recorded(tmp_path: Path) -> None:
    cut = HEAD + chunked(b"data: 1\n\n")
    with provider(answering(cut)) as there, recording(tmp_path, openai=there) as (url, recorder, stated):
        got = post(url, "/v1/chat/completions", BODY)
        assert not got.complete
        until(lambda: any("was cut" in line for line in stated))
        assert recorder.failed == 1
    assert list(tmp_path.rglob("*")) == []


def test_of_requests_at_the_same_time_none_is_lost(tmp_path: Path) -> None:
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    with provider(answering(data)) as there, recording(tmp_path, openai=there) as (url, recorder, _):
        threads = [threading.Thread(target=post, args=(url, "/v1/chat/completions", BODY)) for _ in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: recorder.written == 9)
        (file,) = files(tmp_path)
    assert file.read_text(encoding="utf-8").count("- replay:") == 9


def test_content_length_of_provider_is_forwarded(tmp_path: Path) -> None:
    data = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello"
    with provider(answering(data)) as there, recording(tmp_path, openai=there) as (url, _, _):
        got = post(url, "/v1/chat/completions", BODY)
        assert (got.status, got.body, got.headers["content-length"]) == (201, b"hello", "5")
        files(tmp_path)


def test_recordings_of_sessions_do_not_collide(tmp_path: Path) -> None:
    answers = iter([b"one", b"two", b"three"])

    def talk(connection: socket.socket, _: bytes) -> None:
        reported = next(answers)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
            % (len(reported), reported)
        )

    with provider(talk) as there, recording(tmp_path, openai=there) as (url, _, _):
        for session in ("test-a", "test-b", "test-b"):
            post(url, "/v1/chat/completions", BODY, f"x-mockllm-session: {session}")
        assert [file.parent.name for file in files(tmp_path, 2)] == ["test-a", "test-b"]
    with live(tmp_path) as again:
        reported = [
            post(again.url, path, BODY, *headers).body
            for path, headers in (
                ("/v1/chat/completions", ("x-mockllm-session: test-a",)),
                ("/s/test-b/v1/chat/completions", ()),
                ("/s/test-b/v1/chat/completions", ()),
            )
        ]
        assert reported == [b"one", b"two", b"three"]
        assert post(again.url, "/v1/chat/completions", BODY).status == 404


def test_session_replays_its_own_recordings(tmp_path: Path) -> None:
    answers = iter([b"alone", b"one", b"two"])

    def talk(connection: socket.socket, _: bytes) -> None:
        reported = next(answers)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
            % (len(reported), reported)
        )

    requested = (
        (),
        ("x-mockllm-session: a-test",),
        ("x-mockllm-session: test",),
    )  # before and behind `shared`
    with provider(talk) as there, recording(tmp_path, openai=there) as (url, _, _):
        first = [post(url, "/v1/chat/completions", BODY, *headers).body for headers in requested]
        files(tmp_path, 3)
    with live(tmp_path) as again:
        assert [
            post(again.url, "/v1/chat/completions", BODY, *headers).body for headers in requested
        ] == first


def test_forwarded_request_has_expected_head(tmp_path: Path) -> None:
    requested: list[list[str]] = []

    def talk(connection: socket.socket, head: bytes) -> None:
        requested.append(head.decode().split("\r\n"))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with provider(talk) as there, recording(tmp_path, openai=f"{there}/v1") as (url, _, _):
        for more in (
            ("Accept-Encoding: br, gzip;q=0.5, zstd", "X-Mockllm-Session: s", "X-More: 1", "X-More: 2"),
            ("Accept-Encoding: br",),
            (),
        ):
            post(url, "/v1/chat/completions?api-version=a%20b", BODY, *more)
    first, second, third = requested
    assert first[0] == "POST /v1/chat/completions?api-version=a%20b HTTP/1.1"
    assert {"Accept-Encoding: gzip;q=0.5", f"Authorization: Bearer {KEY}", "X-More: 1", "X-More: 2"} <= {
        *first
    }
    assert [line for line in first if line.startswith("Host: ")] == [f"Host: {there.removeprefix('http://')}"]
    assert not any(line.lower().startswith("x-mockllm-session") for line in first)
    assert "Accept-Encoding: identity" in second
    assert "Accept-Encoding: identity" in third


def test_compressed_response_is_recorded_and_readable(tmp_path: Path) -> None:
    reported = b"data: packed\n\n"
    data = gzip.compress(reported, mtime=0)
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
        assert (plain.body, plain.headers.get("content-encoding")) == (reported, None)


def test_loops_are_refused(tmp_path: Path) -> None:
    with recording(tmp_path) as (url, recorder, _):
        recorder.upstreams.bases = {"openai": url}
        got = post(url, "/v1/chat/completions", BODY)
        assert got.status == 400
        assert "leads back to this recorder" in got.text
    values: OptionValues = {
        "upstream": [("openai", "http://localhost:8080/x")],
        "hash_ignore": None,
        "redact": None,
    }
    with pytest.raises(Exception, match="is this server itself"):
        create_recorder(values, str(tmp_path), [Address("127.0.0.1", 8080)])
    assert create_recorder(values, str(tmp_path), [Address("127.0.0.1", 8081)]).upstreams.bases


def test_loop_of_recorders_is_refused_and_not_recorded(tmp_path: Path) -> None:
    with recording(tmp_path) as (one, first, stated), recording(tmp_path, openai=one) as (two, _, more):
        first.upstreams.bases = {"openai": two}
        got = post(one, "/v1/chat/completions", BODY)
        assert (got.status, "leads back to this recorder" in got.text) == (400, True)
        until(
            lambda: (
                any("leads back" in line for line in stated) and any("leads back" in line for line in more)
            )
        )
    assert list(tmp_path.rglob("*.yaml")) == []


def test_unreachable_provider_is_502(tmp_path: Path) -> None:
    with closed_address() as there, recording(tmp_path, openai=there) as (url, _, _):
        got = post(url, "/v1/chat/completions", BODY)
        assert got.status == 502
        assert "does not respond" in got.text
        assert (
            "There is no upstream for groq; the upstreams are: openai."
            in post(url, "/groq/openai/v1/chat/completions", BODY).text
        )
        assert post(url, "/health", {}).status == 405


def test_unwritable_recording_is_logged_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    with (
        provider(answering(data)) as there,
        recording(tmp_path / "out", openai=there) as (url, recorder, stated),
    ):
        assert post(url, "/v1/chat/completions", BODY).body == b"hello"
        until(lambda: any(line.startswith("error: not recorded") for line in stated))
        assert recorder.failed == 1


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
        "openai=https://me:secret@x",
    ):
        with pytest.raises(ValueError, match="expected PROVIDER=URL"):
            upstream(wrong)


def test_unknown_upstream_name_raises_with_suggestion() -> None:
    with pytest.raises(ValueError, match='opnai is not a known provider; did you mean "openai"'):
        upstream("opnai=https://x")
    assert upstream("other=https://x/y/") == ("other", "https://x/y")


@pytest.mark.parametrize("command", ["requests", "verify --no-unmatched", "verdict --session s"])
def test_command_against_recorder_is_not_forwarded(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recorder has no control API: the provider must not see the call."""
    with (
        closed_address() as closed,
        recording(tmp_path, openai=closed, other=closed) as (url, recorder, stated),
        pytest.raises(SystemExit) as end,
    ):
        main([*command.split(), "--url", url])
    assert end.value.code == 2
    assert "forwarded" not in "".join(stated)
    assert recorder.written == recorder.failed == 0
    assert "`mockllm record` has none" in capsys.readouterr().err


def test_refused_request_is_not_forwarded(tmp_path: Path) -> None:
    with recording(tmp_path, openai="http://127.0.0.1:9") as (url, _, stated):
        lines = ("Content-Encoding: gzip", "Connection: close")
        got = post(url, "/v1/chat/completions", b"no gzip", *lines)
        assert got.status == 400
        until(lambda: any("/v1/chat/completions" in line for line in stated))
        assert not any("forwarded to" in line or "upstream" in line for line in stated)
    assert list(tmp_path.rglob("*.yaml")) == []


def test_line_names_upstream_and_recording(tmp_path: Path) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with provider(answering(data)) as there, recording(tmp_path, openai=there) as (url, _, stated):
        post(url, "/v1/models", {})
        line = until(lambda: next((line for line in stated if "/v1/models" in line), ""))
    assert "→ - 200" in line  # not this server's own list of models
    assert "[forwarded to openai, recorded in " in line


@pytest.mark.parametrize(
    ("head", "recorded"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Odd: caf\xe9 \xff\xfe\r\n", True),
        (b"HTTP/1.1 200 OK\r\nX-Odd: caf\xc3\xa9\r\n", True),
        (b"HTTP/1.1 200 Sure Thing\r\nX-Odd: a\tb\r\nX-Odd: c\r\n", True),
        (b"HTTP/1.1 999 Whatever\r\nX-Odd: a\r\n", False),
    ],
)
def test_unusual_heads_are_proxied_and_their_recordings_load(
    head: bytes, recorded: bool, tmp_path: Path
) -> None:
    data = head + b"Content-Length: 2\r\n\r\n\xff\x00"
    with provider(answering(data)) as there, recording(tmp_path, openai=there) as (url, _, stated):
        first = post(url, "/v1/chat/completions", BODY)
        assert first.body == b"\xff\x00"
        line = until(lambda: next((line for line in stated if "forwarded" in line), ""))
    assert ("recorded in" in line) is recorded
    with live(tmp_path) as again:
        got = post(again.url, "/v1/chat/completions", BODY)
        assert (got.status, got.body) == ((200, b"\xff\x00") if recorded else (404, got.body))


def test_unmatched_request_without_upstream_names_upstreams(tmp_path: Path) -> None:
    with closed_address() as there, recording(tmp_path, False, openai=there) as (url, _, stated):
        refused = post(url, "/v1/messages", {**BODY, "max_tokens": 9})
        unknown = post(url, "/v1/chat/completion", BODY)
    assert refused.status == 404
    assert "There is no upstream for anthropic; the upstreams are: openai." in refused.text
    assert any("no rules are loaded" in line for line in stated)
    assert (unknown.status, "Did you mean" in unknown.text) == (404, True)
