"""The journal: its bounds, what it never stores, and the response as it was sent."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

import pytest

from mockllm.core.redaction import SECRETS, client_key, shown_headers, without_credentials
from mockllm.core.rendering.plan import CutStep, EventStep, Plan, ResponseHead, WaitStep
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server.app import App
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal import journal as journal_module
from mockllm.server.journal.entry import STEP, JournalEntry, entry_of
from mockllm.server.journal.journal import (
    BYTES_AT_ONCE,
    COUNT_INTERVAL,
    ENTRY_INTERVAL,
    MAX_EXCESS,
    MAX_UNCOUNTED_KEYS,
    Journal,
)
from mockllm.server.journal.reconstruction import reconstruct
from mockllm.server.metrics import Metrics
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, chunks, say, streamed, whole
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer
from tests.waiting import until

T = TypeVar("T")


def seen(
    number: int = 0, body: bytes = b"", answer: PlannedResponse | None = None, path: str = "/v1/x"
) -> EndedExchange:
    built = answer or PlannedResponse(whole(str(number)), f"a.yaml:r{number}", unmatched=number % 2 == 1)
    return EndedExchange(
        client="127.0.0.1",
        raw=body,
        now=100.0 + number,
        monotonic=5.0,
        response=built,
        duration=0.25,
        method="POST",
        target=path,
        request_class=Request,
    )


def filled(journal: Journal, count: int, body: bytes = b"") -> Journal:
    for number in range(count):
        journal.add(seen(number, body))
    return journal


def test_journal_is_ring_that_counts_all() -> None:
    journal = filled(Journal(3), 5)
    assert [each.responder_id for each in journal] == ["a.yaml:r2", "a.yaml:r3", "a.yaml:r4"]
    assert [each.number for each in journal] == [3, 4, 5]
    assert [each.number for each in reversed(journal)] == [5, 4, 3]
    assert (len(journal), journal.total, journal.unmatched) == (3, 5, 2)


def test_numbers_go_on_whenever_it_is_looked_at() -> None:
    journal = filled(Journal(3), 2)
    assert [each.number for each in journal] == [1, 2]
    filled(journal, 2)
    assert [each.number for each in journal] == [2, 3, 4]
    journal.clear()
    assert len(journal) == journal.bytes == 0
    filled(journal, 1)
    assert [each.number for each in journal] == [5]
    assert journal.find(5) is not None
    assert journal.find(4) is None


def test_journal_makes_entries_in_batches() -> None:
    journal = filled(Journal(10), 5)
    assert journal.make_entries(3)
    assert not journal.make_entries(3)
    assert [each.number for each in journal] == [1, 2, 3, 4, 5]


def test_make_entries_ignores_entries_added_meanwhile() -> None:
    journal = filled(Journal(10), 5)
    newest = journal.total
    assert journal.make_entries(3, newest)
    filled(journal, 5)
    assert not journal.make_entries(3, newest)
    assert len(journal._pending) == 5
    filled(journal, 30)
    assert not journal.make_entries(3, journal.total - 10), "others have pushed them out"
    assert [each.number for each in journal] == list(range(31, 41))


@pytest.mark.parametrize("made_before", [0, 2, 5], ids=["none is made", "some are", "all are"])
@pytest.mark.parametrize("most", [0, 1, 3, 5, 9])
def test_newest_lists_last_entries_first(made_before: int, most: int) -> None:
    journal = filled(Journal(10), 5)
    journal.make_entries(made_before)
    assert [each.number for each in journal.newest(most)] == [5, 4, 3, 2, 1][:most]
    assert [each.number for each in journal] == [1, 2, 3, 4, 5]


def _fail_for(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(number: int, exchange: EndedExchange, max_bytes: int) -> JournalEntry:
        if exchange.target == target:
            raise ValueError("an entry that cannot be made")
        return entry_of(number, exchange, max_bytes)

    monkeypatch.setattr(journal_module, "entry_of", entry)


def test_entry_that_cannot_be_made_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail_for("/wrong", monkeypatch)
    journal = Journal(10)
    for number, path in enumerate(("/a", "/wrong", "/b")):
        journal.add(seen(number, path=path))
    assert [each.number for each in journal.newest(3)] == [3, 1]
    assert [each.number for each in journal] == [1, 3]
    assert capsys.readouterr().err.count("ValueError: an entry that cannot be made") == 2


class HandLoop:
    """A loop whose timers a test calls by hand, by their seconds."""

    def __init__(self) -> None:
        self.timers: dict[float, Callable[[], None]] = {}

    def call_later(self, seconds: float, call: Callable[..., None], *args: int) -> None:
        self.timers[seconds] = lambda: call(*args)


def test_timers_go_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Journal, *_: int) -> None:
        raise ValueError

    journal, loop = Journal(10), HandLoop()
    journal.start_timers(cast(AbstractEventLoop, loop))
    monkeypatch.setattr(Journal, "make_entries", fail)
    monkeypatch.setattr(Journal, "count_equal", fail)
    for seconds in (ENTRY_INTERVAL, COUNT_INTERVAL):
        with pytest.raises(ValueError):
            loop.timers.pop(seconds)()
        assert seconds in loop.timers


def test_newest_is_fixed_at_call() -> None:
    journal = filled(Journal(10), 3)
    newest = journal.newest(2)
    filled(journal, 2)
    journal.make_entries()
    assert [each.number for each in newest] == [3, 2]


def test_oldest_entries_leave_for_large_one() -> None:
    journal = filled(Journal(100, 50_000), 10, b"x" * 10_000)
    assert [each.number for each in journal] == [7, 8, 9, 10]
    assert 40_000 < journal.bytes <= 50_000


def test_entry_above_bound_is_stored_without_body() -> None:
    journal = filled(Journal(100, 5_000), 1, b"x" * 10_000)
    (only,) = journal
    assert (only.raw, only.body_stored) == (b"", False)


LARGE = PlannedResponse(whole("x" * 50_000), "a.yaml:large")
MANY = PlannedResponse(chunks(200, 0.1), "a.yaml:many")


@pytest.mark.parametrize(
    ("answer", "body", "each"),
    [(LARGE, b"", 50_000), (MANY, b"", 400 * STEP), (None, b"x" * 100_000, 100_000)],
    ids=["large answers", "long answers", "large bodies"],
)
def test_pending_entries_are_bounded_by(answer: PlannedResponse | None, body: bytes, each: int) -> None:
    room = 3 * MAX_EXCESS
    journal = Journal(100_000, room)
    most, taken = 0, 0
    for number in range(4 * room // each):
        journal.add(seen(number, body, answer))
        most = max(most, len(journal._pending))
        taken = max(taken, len(journal._pending) * each + journal._bytes)
    assert room // each // 2 < most <= (room + MAX_EXCESS) // each + 1
    assert taken <= room + MAX_EXCESS + 2 * each


def test_exchange_that_is_pushed_out_takes_no_room() -> None:
    journal = Journal(2, MAX_EXCESS)
    for number in range(100):
        journal.add(seen(number, b"x" * (MAX_EXCESS // 4)))
    assert len(journal._pending) == 2
    assert [entry.number for entry in journal] == [99, 100]
    assert journal._pending_bytes == 0


def test_large_exchanges_that_are_pushed_out_become_no_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []

    def counted(number: int, exchange: EndedExchange, room: int) -> JournalEntry:
        built.append(number)
        return entry_of(number, exchange, room)

    monkeypatch.setattr("mockllm.server.journal.journal.entry_of", counted)
    room, count = MAX_EXCESS, 500
    journal = filled(Journal(100_000, room), count, b"x" * (room // 50))
    assert len(built) < count // 10
    kept = [entry.number for entry in journal]
    assert kept == list(range(count - len(kept) + 1, count + 1))
    assert 45 <= len(kept) <= 50


def test_slice_of_large_exchanges_ends_early() -> None:
    journal = filled(Journal(100), 40, b"x" * BYTES_AT_ONCE)
    assert journal.make_entries(40)
    assert len(journal._pending) == 39


class Counted(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.ones = 0
        self.durations: list[Sequence[float]] = []

    def count_one(self, exchange: EndedExchange) -> None:
        self.ones += 1

    def count_equal(self, exchange: EndedExchange, took: Sequence[float]) -> None:
        self.durations.append(took)


def test_metrics_count_dropped_entries(stencilled: Callable[[str], PlannedResponse]) -> None:
    counted = Counted()
    journal = Journal(2, metrics=counted)
    filled(journal, 5)
    kept = stencilled("hi")
    for _ in range(4):
        journal.add(seen(answer=kept))
    assert counted.ones == 5
    journal.count_equal()
    assert [*map(list, counted.durations)] == [[0.25] * 4]
    assert journal.total == 9
    for number in range(MAX_UNCOUNTED_KEYS + 2):
        journal.add(seen(answer=stencilled(str(number))))
    assert sum(map(len, counted.durations)) > MAX_UNCOUNTED_KEYS


@pytest.fixture
def stencilled() -> Callable[[str], PlannedResponse]:
    from mockllm.core.randomness import Ids
    from mockllm.core.rendering.placeholders import Placeholders
    from mockllm.core.rendering.prerendered_response import prerender_response

    nothing = Placeholders(Ids(0, "", 0), 0.0, 0)
    return lambda text: PlannedResponse(prerender_response(whole(text), nothing), "a.yaml:kept")


# --- secrets -------------------------------------------------------------------------------------

SECRET = "sk-s3cret"
TARGETS = {
    "/v1/x": "/v1/x",
    "/v1/x?alt=sse": "/v1/x?alt=sse",
    f"/v1/x?alt=sse&key={SECRET}&a=b": "/v1/x?alt=sse&key=REDACTED&a=b",
    f"/v1/x?%6bey={SECRET}": "/v1/x?%6bey=REDACTED",
    f"/v1/x?API_KEY={SECRET}": "/v1/x?API_KEY=REDACTED",
}


@pytest.mark.parametrize(("came", "kept"), TARGETS.items(), ids=TARGETS)
def test_target_is_stored_without_key(came: str, kept: str) -> None:
    assert without_credentials(came) == kept


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_header_is_redacted(name: str) -> None:
    assert shown_headers([(name.title(), SECRET)]) == ((name.title(), "REDACTED"),)
    assert shown_headers([(name, f"Bearer {SECRET}")]) == ((name, "Bearer REDACTED"),)


def test_other_headers_stay_and_are_text() -> None:
    assert shown_headers([("x-a", "b"), ("x-b", "caf\udce9")]) == (("x-a", "b"), ("x-b", "caf\ufffd"))


def test_keys_have_distinct_labels_in_any_place() -> None:
    first = client_key({"authorization": f"Bearer {SECRET}"}, "/")
    assert first is not None
    assert SECRET not in first
    assert client_key({"x-api-key": SECRET}, "/") == first
    assert client_key({}, f"/?key={SECRET}") == first
    assert client_key({"api-key": "other"}, "/") != first
    assert client_key({}, "/") is client_key({}, "/?a=b") is None


# --- on a live server ------------------------------------------------------------------------------

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
    assert (kept.end_reason, kept.client) == ("finished", "127.0.0.1")


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
    journal.add(seen(answer=PlannedResponse(chunks(2, 0.5), None)))
    (only,) = journal
    assert [part.data for part in reconstruct(only).parts] == [b"data: chunk 1\n\ndata: chunk 2\n\n"]


def test_no_secret_is_stored(server: ThreadedServer) -> None:
    sent = {"Authorization": f"Bearer {SECRET}", "X_Api_Key": SECRET, "Cookie": SECRET, "Api_Key": SECRET}
    with Raw(server.port) as raw:
        raw.send(request("POST", f"/cookie?key={SECRET}", b"{}", **sent)).answer()
    kept = last(server, "/cookie")
    assert SECRET not in repr(kept._replace(response=PlannedResponse(whole(), None)))
    assert SECRET not in repr(reconstruct(kept))
    assert kept.api_key_hash == client_key({"x-api-key": SECRET}, "/")
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
