"""The lines of batches on a live server: journal, sessions, prefixes, bounds, and the end of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from mockllm.core.failure import Failure
from mockllm.core.request.stored_batches import with_responses
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.price import Price
from mockllm.engine import Engine
from mockllm.engine.response_cost import dollars
from mockllm.server import batches, store_waits
from mockllm.server.app import App
from mockllm.server.batches import NO_RESPONSE, TOO_LARGE, LineSink
from mockllm.server.control.costs import entry_cost
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.stored_objects import fetch_stored
from mockllm.server.workers.no_store import NoStore
from mockllm.state.fetched_objects import StorageConflict
from mockllm.state.shared_counts import SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState
from tests.dialects.openai.batches.batch_requests import form, line
from tests.live import Live
from tests.live import live as serve
from tests.object_bounds import bound_stored_bytes
from tests.server.served_batches import call, created, ended, lines_of, text_of
from tests.waiting import until

SCENARIO: Final = """
rules:
  - {name: silent, match: {user: silent}, reply: Never., faults: [{silence: {}}]}
  - {name: late, match: {user: late}, reply: At last., delay: 1ms}
  - {name: in-batch, match: {headers: {x-mockllm-batch: {exists: true}}}, reply: In a batch.}
  - reply: Direct.
"""

AWAY: Final = Failure("overloaded", 503, "the store is away")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "a.yaml").write_text(SCENARIO)
    with serve(tmp_path / "a.yaml") as server:
        yield server


def entry_of(server: Live, end: str) -> JournalEntry:
    """Return the one POST request whose path ends so."""
    (entry,) = [each for each in server.app.journal if each.method == "POST" and each.path.endswith(end)]
    return entry


def test_line_is_in_the_journal_with_its_batch(server: Live) -> None:
    batch, lines = ended(server, "one")
    assert text_of(lines[0]) == "In a batch."
    entry = entry_of(server, "/chat/completions")
    assert str(entry.responder_id).endswith("in-batch")
    assert ("x-mockllm-batch", batch["id"]) in entry.headers


def test_only_a_line_costs_what_batches_cost(server: Live) -> None:
    ended(server, "one")
    call(server, "/v1/chat/completions", line("one", "one")["body"], **{"x-mockllm-batch": "batch_1"})

    def both() -> list[JournalEntry] | None:
        entries = [entry for entry in server.app.journal if entry.path.endswith("/chat/completions")]
        return entries if len(entries) == 2 else None

    engine = server.app.engine
    assert isinstance(engine, Engine)
    costs = [entry_cost(entry, engine, {}) for entry in until(both)]
    full = [dollars(cost.usage, Price(2.5, 10)) for cost in costs]
    assert [cost.dollars for cost in costs] == pytest.approx([full[0] / 2, full[1]])


def test_journal_has_an_upload_without_its_content(server: Live) -> None:
    ended(server, "a secret text")
    entry = entry_of(server, "/files")
    assert b'filename="in.jsonl"' in entry.raw
    assert b"a secret text" not in entry.raw


@pytest.mark.parametrize("prefix", ["/s/mine", "/openai", "/s/mine/openai"])
def test_lines_have_session_and_prefix_of_their_batch(server: Live, prefix: str) -> None:
    _, lines = ended(server, "one", prefix=prefix)
    assert text_of(lines[0]) == "In a batch."
    entry = entry_of(server, "/chat/completions")
    assert entry.path == f"{prefix}/v1/chat/completions"
    assert entry.session == ("mine" if "mine" in prefix else None)


def test_lines_have_session_of_the_header(server: Live) -> None:
    _, lines = ended(server, "one", **{"x-mockllm-session": "other"})
    assert text_of(lines[0]) == "In a batch."
    assert call(server, "/v1/batches")["data"] == []


def test_mistake_before_a_line_is_counted_is_a_500(server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    with closing(SharedCounts()) as counts:
        server.app.store_client = NoStore(SharedEngineState(counts))
    monkeypatch.setattr(store_waits, "wait_for_store", fails)
    ended(server, "silent", "one")
    statuses = [entry.status for entry in server.app.journal if entry.target == "/v1/chat/completions"]
    assert sorted(statuses) == [200, 500]


@pytest.mark.parametrize(
    ("failures", "ending"), [(1, "the next try is in 0 s: the store is away"), (3, "lost: the store is away")]
)
def test_responses_are_stored_once_the_store_is_back(
    server: Live,
    monkeypatch: pytest.MonkeyPatch,
    failures: int,
    ending: str,
) -> None:
    left = [AWAY] * failures
    reports: list[str] = []

    async def fetched(app: App, session: str, id: str) -> StoredObject | Failure | None:
        return left.pop() if left else await fetch_stored(app, session, id)

    monkeypatch.setattr(batches, "STORING_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(batches, "fetch_stored", fetched)
    monkeypatch.setattr(
        batches, "report", reports.append
    )  # to read captured text while it grows can lose some
    id = created(server, "one")
    until(lambda: len(reports) == failures)
    assert reports[-1].startswith(f"batch {id}: ")
    assert reports[-1].endswith(ending)
    if failures == 1:
        assert text_of(lines_of(server, id)[1][0]) == "In a batch."


def test_unconfirmed_responses_are_stored_again(
    server: Live, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class AwayOnce(NoStore):
        away = False

        def take_storage_confirmation(self) -> Awaitable[Failure | StorageConflict | None] | None:
            async def failure() -> Failure:
                return AWAY

            is_away, self.away = self.away, False
            return failure() if is_away else None

    def with_responses_while_away(*values: Any) -> StoredObject:
        client.away = not tries
        tries.append(1)
        return with_responses(*values)

    tries: list[int] = []
    monkeypatch.setattr(batches, "STORING_PAUSES", (0.0,))
    monkeypatch.setattr(batches, "with_responses", with_responses_while_away)
    with closing(SharedCounts()) as counts:
        server.app.store_client = client = AwayOnce(SharedEngineState(counts))
        ended(server, "one")
    assert "its responses are not stored; the next try is in 0 s: the store is away" in capfd.readouterr().err


def test_line_that_takes_time_is_finished(server: Live, capfd: pytest.CaptureFixture[str]) -> None:
    _, lines = ended(server, "late")
    assert text_of(lines[0]) == "At last."
    assert entry_of(server, "/chat/completions").end_reason == "finished"
    assert "Traceback" not in capfd.readouterr().err


def test_silent_line_has_no_response(server: Live) -> None:
    _, lines = ended(server, "silent", "one")
    assert [each["error"] and each["error"]["code"] for each in lines] == [None, "request_timeout"]


def test_lines_beyond_the_bound_get_no_response(server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_PENDING_BYTES", 10)
    _, lines = ended(server, "one")
    assert lines[0]["error"]["code"] == "request_timeout"


def test_batch_with_too_large_responses_fails(server: Live, capfd: pytest.CaptureFixture[str]) -> None:
    bound_stored_bytes(server.app.engine, 9_000)
    id = created(server, *["one"] * 10)

    def failed() -> Any:
        batch = call(server, f"/v1/batches/{id}")
        return batch if batch["status"] == "failed" else None

    batch = until(failed)
    assert [error["message"] for error in batch["errors"]["data"]] == [TOO_LARGE]
    assert (batch["output_file_id"], batch["error_file_id"]) == (None, None)
    assert call(server, f"/v1/files/{batch['input_file_id']}")["bytes"] > 0
    until(lambda: f"batch {id}: {TOO_LARGE}" in capfd.readouterr().err)


def test_many_lines_get_responses_in_order(server: Live) -> None:
    batch, lines = ended(server, *(f"line {number}" for number in range(300)))
    assert batch["request_counts"] == {"total": 300, "completed": 300, "failed": 0}
    assert [each["custom_id"] for each in lines] == [f"line {number}" for number in range(300)]


def test_uploaded_image_is_not_read_as_json(server: Live) -> None:
    upload = form({"purpose": "vision"}, ("a.png", b"\x89PNG" + b"[{" * 100_000))
    assert call(server, "/v1/files", upload)["bytes"] == 200_004


@pytest.mark.parametrize(
    "data", [b"", b"no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"]
)
def test_response_that_is_not_whole_is_cut(data: bytes) -> None:
    sink = LineSink()
    sink.write(data)
    assert sink.response() == NO_RESPONSE
