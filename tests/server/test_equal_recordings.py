"""Equal requests that a recorder gets often: what it writes loads, and replays the responses in their order."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from websockets.sync.client import connect

from mockllm.recordings import recording_files
from mockllm.server.provider_proxy import ProviderProxy
from tests.live import live
from tests.server.recording import BODY, files, post, provider, recording
from tests.waiting import PATIENCE, until

MIB = 1 << 20
SPEECH = {"model": "tts-1", "voice": "alloy", "input": "Hi"}


def answering_in_turn(bodies: Iterable[bytes]) -> Callable[[socket.socket, bytes], None]:
    turns = iter(bodies)

    def talk(connection: socket.socket, _: bytes) -> None:
        body = next(turns)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % len(body) + body)

    return talk


def stored(recorder: ProviderProxy, count: int) -> None:
    until(lambda: recorder.written == count)


def replayed(out: Path, path: str, body: object, times: int) -> list[bytes]:
    with live(out) as replayer:
        return [post(replayer.url, path, body).body for _ in range(times)]


def test_long_responses_to_equal_requests_are_all_replayed(tmp_path: Path) -> None:
    """Together they exceed the 16 MiB that a scenario file may have."""
    sent = [bytes([255, number]) * (7 * MIB // 2) for number in range(2)]
    with (
        provider(answering_in_turn(sent)) as there,
        recording(tmp_path, openai=there) as (url, recorder, stated),
    ):
        assert [post(url, "/v1/audio/speech", SPEECH).body for _ in sent] == sent
        first, second = files(tmp_path, 2)
        stored(recorder, 2)
    assert second.name == f"{first.stem}_0002.yaml"
    for file in (first, second):
        assert any(f"recorded in {file}" in line for line in stated), stated
    got = replayed(tmp_path, "/v1/audio/speech", SPEECH, 3)
    assert [body == sent[turn] for body, turn in zip(got, (0, 1, 1), strict=True)] == [True] * 3


def test_many_responses_to_equal_requests_are_all_replayed(tmp_path: Path) -> None:
    """A hundred of them have as many bytes as one file may have."""
    sent = [bytes([255, number]) * (90 << 10) for number in range(100)]
    with (
        provider(answering_in_turn(sent)) as there,
        recording(tmp_path, openai=there) as (url, recorder, _),
    ):
        for _ in sent:
            post(url, "/v1/audio/speech", SPEECH)
        stored(recorder, len(sent))
    got = replayed(tmp_path, "/v1/audio/speech", SPEECH, len(sent) + 1)
    assert [body[:2] for body in got] == [body[:2] for body in (*sent, sent[-1])]


def test_sockets_of_the_same_handshake_are_all_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_files, "FULL_SEQUENCE", 2)
    messages = (
        f"{{messages: [{{at: 0s, data: '{number}'}}, {{at: 1ms, close: 1000}}]}}" for number in range(5)
    )
    steps = ", ".join(f"{{replay: {each}}}" for each in messages)
    (tmp_path / "a.yaml").write_text(f"rules: [{{match: {{path: /events}}, sequence: [{steps}]}}]")

    def received(url: str) -> str | bytes:
        with connect(f"ws{url.removeprefix('http')}/events", open_timeout=PATIENCE) as client:
            return client.recv(PATIENCE)

    out = tmp_path / "out"
    with (
        live(tmp_path / "a.yaml") as there,
        recording(out, other=there.url) as (url, recorder, _),
    ):
        for number in range(5):
            assert received(url) == str(number)
            stored(recorder, number + 1)
        assert len(files(out, 3)) == 3
    with live(out) as replayer:
        assert [received(replayer.url) for _ in range(6)] == [*"01234", "4"]


@pytest.mark.parametrize("text", ["\x01" * (4 * MIB), "a\n" * (2 * MIB)], ids=["escapes", "lines"])
def test_response_too_long_as_a_file_is_reported(text: str, tmp_path: Path) -> None:
    """YAML takes more bytes than the response: that is no recording that loads."""
    sent = [text.encode(), b"short"]
    with (
        provider(answering_in_turn(sent)) as there,
        recording(tmp_path, openai=there) as (url, recorder, stated),
    ):
        for _ in sent:
            post(url, "/v1/chat/completions", BODY)
        (file,) = files(tmp_path)
        until(lambda: (recorder.written, recorder.failed) == (1, 1))
        assert any("; not recorded: its file would exceed 16 MiB" in line for line in stated), stated
        assert any(line.startswith("error: not recorded: ") for line in stated)
    assert replayed(file, "/v1/chat/completions", BODY, 1) == [b"short"]
