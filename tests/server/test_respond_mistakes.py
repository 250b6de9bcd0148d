"""Mistakes of the server itself: a 500, or the end of the connection, and a traceback in the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from mockllm.core.rendering.plan import Plan, WaitStep
from mockllm.core.request.request import Request
from mockllm.server import respond, waiting_exchange
from mockllm.server.app import App
from mockllm.server.exchange_end import SERVER_FAILED, end_exchange
from mockllm.server.journal.reconstruction import reconstruct
from mockllm.server.request_body import read_body
from mockllm.server.server_limits import ServerLimits
from mockllm.state.fetched_objects import MissingStoredObject
from tests.server.fake_engine import FakeEngine, chunks, say, streamed, whole
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer, written_down


def fail(requested: Request) -> Plan:
    raise ZeroDivisionError("a mistake of ours")


def fetch_outside_the_engine(requested: Request) -> Plan:
    raise MissingStoredObject("", ("stored", "a mistake of ours"))


def fail_late(requested: Request) -> Plan:
    return streamed(say("a"), WaitStep(0.001, 1), "no step at all")  # type: ignore[arg-type]


def fail_first(requested: Request) -> Plan:
    return streamed("no step at all", WaitStep(0.001, 1), delay=0.001)  # type: ignore[arg-type]


ENGINE = FakeEngine(
    {
        "/fail-first": fail_first,
        "/whole": whole(),
        "/late": whole(delay=0.001),
        "/stream": chunks(3, 0.001),
        "/fail": fail,
        "/fetch": fetch_outside_the_engine,
        "/fail-late": fail_late,
    }
)


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(ENGINE, limits=ServerLimits(grace=0.2, linger=0.2)))
    served.start()
    yield served
    served.stop()


@pytest.fixture
def raw(server: ThreadedServer) -> Iterator[Raw]:
    with Raw(server.port) as client:
        yield client


@pytest.mark.parametrize("path", ["/fail", "/fetch"])
def test_exception_in_handler_is_500_with_logged_traceback(
    raw: Raw, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    got = raw.send(request(path=path)).answer()
    assert got.status == 500
    assert "ZeroDivisionError" not in got.text
    assert raw.sock.recv(1) == b""
    assert "a mistake of ours" in capfd.readouterr().err


class FailsOnce:
    """A function of the server that fails when it is called first."""

    def __init__(self, right: Callable[..., Any]) -> None:
        self._right = right
        self.failed = False

    def __call__(self, *args: Any, **more: Any) -> Any:
        if not self.failed:
            self.failed = True
            raise ZeroDivisionError("a mistake of ours")
        return self._right(*args, **more)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("single_write", "/whole"),
        ("serialize_head", "/whole"),
        ("serialize_head", "/stream"),
        ("Player", "/stream"),
    ],
)
def test_respond_mistake_before_the_first_byte_is_a_500(
    raw: Raw, name: str, path: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(respond, name, FailsOnce(getattr(respond, name)))
    got = raw.send(request("POST", path, b"{}")).answer()
    assert got.status == 500
    assert got.headers["connection"] == "close"
    assert "a mistake of ours" in capfd.readouterr().err


def test_mistake_before_the_body_is_a_500_with_the_time(
    raw: Raw, server: ThreadedServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_exchange, "read_body", FailsOnce(read_body))
    began = int(time.time())
    got = raw.send(b"POST /unread HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n").answer()
    assert got.status == 500
    assert parsedate_to_datetime(got.headers["date"]).timestamp() >= began
    entry = written_down(server, "/unread")
    assert (entry.now >= began, entry.duration < 3600) == (True, True)
    assert "a mistake of ours" in capfd.readouterr().err


def test_respond_mistake_behind_the_write_sends_the_response(
    raw: Raw, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(respond, "end_exchange", FailsOnce(end_exchange))
    for _ in range(2):
        assert raw.send(request("POST", "/whole", b"{}")).answer().text == "hello"
    assert "a mistake of ours" in capfd.readouterr().err


def test_play_mistake_before_the_first_byte_is_a_500(
    raw: Raw, server: ThreadedServer, capfd: pytest.CaptureFixture[str]
) -> None:
    got = raw.send(request("POST", "/fail-first", b"{}")).answer()
    assert got.status == 500
    assert "Traceback" in capfd.readouterr().err
    assert written_down(server, "/fail-first").status == 500
    assert not any(server.app.responses_in_flight.values())


def test_exception_in_stream_ends_connection(raw: Raw, capfd: pytest.CaptureFixture[str]) -> None:
    got = raw.send(request(path="/fail-late")).answer()
    assert (got.body, got.complete) == (b"data: a\n\n", False)
    assert "Traceback" in capfd.readouterr().err


def test_exception_in_stream_is_no_client_that_left(raw: Raw, server: ThreadedServer) -> None:
    raw.send(request(path="/fail-late?recorded")).answer()
    entry = written_down(server, "/fail-late?recorded")
    assert (entry.end_reason, entry.notes) == ("close", (SERVER_FAILED,))
    assert [part.data for part in reconstruct(entry).parts] == [b"data: a\n\n"]


def test_client_that_leaves_an_error_causes_no_traceback(
    raw: Raw, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail_to_serve(*_: object) -> bool:
        raise ZeroDivisionError("a mistake of ours")

    async def lose_client(*_: object) -> bool:
        raise ConnectionResetError("the client has disconnected")

    monkeypatch.setattr(waiting_exchange, "_serve", fail_to_serve)
    monkeypatch.setattr(waiting_exchange, "_wait_for_player_and_end", lose_client)
    raw.send(request(path="/late"))
    while raw.sock.recv(1000):
        pass
    logged = capfd.readouterr().err
    assert "a mistake of ours" in logged
    assert "ConnectionResetError" not in logged
