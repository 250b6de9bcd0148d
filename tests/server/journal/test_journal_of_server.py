"""The journal of a live server: responses as they were sent, and what it never stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockllm.core.redaction import client_key_hash
from mockllm.core.rendering.plan import CutStep, EventStep, Plan, ResponseHead, WaitStep
from mockllm.engine import PlannedResponse
from mockllm.server.app import App
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.journal import (
    Journal,
)
from mockllm.server.journal.reconstruction import reconstruct
from mockllm.server.server_limits import ServerLimits
from tests.language.virtual_server import VirtualServer
from tests.server.fake_engine import FakeEngine, chunks, say, streamed, whole
from tests.server.journal.ended_exchanges import ended_exchange
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer
from tests.waiting import until

SECRET = "sk-s3cret"
PLANS = {
    "/whole": whole(),
    "/cookie": Plan(ResponseHead(200, (("Set-Cookie", SECRET),)), (EventStep(b"x", 1, "body"),)),
    "/stream": chunks(3, 0.01),
    "/delayed": whole(delay=0.02),
    "/cut": streamed(say("a"), WaitStep(0.001, 1), say("b"), CutStep("close", 2)),
    "/huge": Plan(ResponseHead(200, ()), (EventStep(b"x" * 600_000, 1, "body"),)),
    "/long": chunks(1000, 0.01),
}


@pytest.fixture(scope="module")
def running() -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(FakeEngine(PLANS), limits=ServerLimits(grace=0.2, linger=0.2)))
    served.start()
    yield served
    served.stop()


@pytest.fixture
def server(running: ThreadedServer) -> ThreadedServer:
    """The server without the requests of other tests."""
    running.app.journal.clear()
    return running


def last(server: ThreadedServer, path: str) -> JournalEntry:
    return until(lambda: next((each for each in reversed(server.app.journal) if each.path == path), None))


@pytest.mark.parametrize("path", ["/whole", "/stream", "/delayed", "/huge"])
def test_entry_reconstructs_response_as_sent(server: ThreadedServer, path: str) -> None:
    with Raw(server.port) as raw:
        got = raw.send(request("POST", path, b'{"a":1}')).answer()
    kept = last(server, path)
    stated = reconstruct(kept)
    assert (stated.status, stated.body) == (got.status, got.body)
    assert {name.lower(): value for name, value in stated.headers} == dict(got.headers)
    assert kept.raw == b'{"a":1}'
    assert (kept.end_reason, kept.client_address) == ("finished", "127.0.0.1")


def test_each_part_has_its_time(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        raw.send(request("POST", "/stream", b"{}")).answer()
    parts = reconstruct(last(server, "/stream")).parts
    sent = 0
    for part in parts:  # one for each chunk, or less where the machine was late
        count = part.data.count(b"data: ")
        assert part.data == b"".join(b"data: chunk %d\n\n" % (sent + each) for each in range(1, count + 1))
        sent += count
        assert part.after >= 0.01 * sent
    assert sent == 3
    assert parts[-1].after < 5


def test_entry_of_cut_response_ends_at_cut(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        raw.send(request("POST", "/cut", b"{}")).answer()
    kept = last(server, "/cut")
    assert (kept.end_reason, reconstruct(kept).body) == ("close", b"data: a\n\ndata: b\n\n")


def test_entry_of_left_stream_has_sent_parts(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        raw.send(request("POST", "/long", b"{}"))
        raw.sock.recv(10_000)
    kept = last(server, "/long")
    assert kept.end_reason == "gone"
    assert 0 < len(reconstruct(kept).parts) < 1000


def test_entry_without_times_has_its_whole_stream() -> None:
    journal = Journal(3)
    journal.add(ended_exchange(answer=PlannedResponse(chunks(2, 0.5), None)))
    (only,) = journal
    assert [part.data for part in reconstruct(only).parts] == [b"data: chunk 1\n\ndata: chunk 2\n\n"]


def test_no_secret_is_stored(server: ThreadedServer) -> None:
    sent = {"Authorization": f"Bearer {SECRET}", "X_Api_Key": SECRET, "Cookie": SECRET, "Api_Key": SECRET}
    with Raw(server.port) as raw:
        raw.send(request("POST", f"/cookie?key={SECRET}", b"{}", **sent)).answer()
    kept = last(server, "/cookie")
    assert SECRET not in repr(kept._replace(response=PlannedResponse(whole(), None)))
    assert SECRET not in repr(reconstruct(kept))
    assert kept.api_key_hash == client_key_hash({"x-api-key": SECRET}, "/")
    until(lambda: not server.app.journal._pending)


def test_request_with_key_that_is_no_utf8_is_stored(server: ThreadedServer) -> None:
    head = b"POST /whole HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer my-\x80abcdefgh\r\nContent-Length: 2\r\n\r\n"
    with Raw(server.port) as raw:
        assert raw.send(head + b"{}").answer().status == 200
    kept = last(server, "/whole")
    assert dict(kept.headers)["Authorization"] == "Bearer REDACTED"
    assert "abcdefgh" not in repr(kept)


def test_probes_are_not_written_down(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        raw.send(request(path="/health")).answer()
        raw.send(request("POST", "/whole", b"{}")).answer()
    last(server, "/whole")
    assert not [each for each in server.app.journal if each.path == "/health"]


def test_entry_has_model_that_no_rule_reads() -> None:
    """No access log reads it, either."""
    engine = VirtualServer("validation: off\nrules: [{http: {status: 500}}]").engine
    served = ThreadedServer(App(engine, limits=ServerLimits(grace=0.2, linger=0.2)))
    served.start()
    try:
        with Raw(served.port) as raw:
            raw.send(request("POST", "/v1/chat/completions", b'{"model":"gpt-4o"}')).answer()
        assert last(served, "/v1/chat/completions").model == "gpt-4o"
    finally:
        served.stop()
