"""The bounds of the journal, and what metrics count of exchanges that leave it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from mockllm.engine import PlannedResponse
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal.entry import BYTES_PER_STEP, JournalEntry, entry_of
from mockllm.server.journal.journal import (
    BYTES_AT_ONCE,
    MAX_EXCESS,
    MAX_UNCOUNTED_GROUPS,
    Journal,
)
from mockllm.server.metrics import Metrics
from tests.server.fake_engine import chunks, whole
from tests.server.journal.ended_exchanges import ended_exchange, fill


def test_oldest_entries_leave_for_large_one() -> None:
    journal = fill(Journal(100, 50_000), 10, b"x" * 10_000)
    assert [each.number for each in journal] == [7, 8, 9, 10]
    assert 40_000 < journal.bytes <= 50_000


def test_entry_above_bound_is_stored_without_body() -> None:
    journal = fill(Journal(100, 5_000), 1, b"x" * 10_000)
    (only,) = journal
    assert (only.raw, only.body_stored) == (b"", False)


LARGE = PlannedResponse(whole("x" * 50_000), "a.yaml:large")
MANY = PlannedResponse(chunks(200, 0.1), "a.yaml:many")


@pytest.mark.parametrize(
    ("answer", "body", "each"),
    [(LARGE, b"", 50_000), (MANY, b"", 400 * BYTES_PER_STEP), (None, b"x" * 100_000, 100_000)],
    ids=["large answers", "long answers", "large bodies"],
)
def test_pending_entries_are_bounded_by(answer: PlannedResponse | None, body: bytes, each: int) -> None:
    room = 3 * MAX_EXCESS
    journal = Journal(100_000, room)
    most, taken = 0, 0
    for number in range(4 * room // each):
        journal.add(ended_exchange(number, body, answer))
        most = max(most, len(journal._pending))
        taken = max(taken, len(journal._pending) * each + journal._bytes)
    assert room // each // 2 < most <= (room + MAX_EXCESS) // each + 1
    assert taken <= room + MAX_EXCESS + 2 * each


def test_exchange_that_is_pushed_out_takes_no_room() -> None:
    journal = Journal(2, MAX_EXCESS)
    for number in range(100):
        journal.add(ended_exchange(number, b"x" * (MAX_EXCESS // 4)))
    assert len(journal._pending) == 2
    assert [entry.number for entry in journal] == [99, 100]
    assert journal._pending_bytes == 0


def test_journal_without_entries_counts_no_bytes() -> None:
    journal = Journal(0)
    for number in range(3):
        journal.add(ended_exchange(number, b"x" * 10_000))
    assert (journal.total, journal._pending_bytes) == (3, 0)


def test_large_exchanges_that_are_pushed_out_become_no_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []

    def counted(number: int, ended: EndedExchange, room: int) -> JournalEntry:
        built.append(number)
        return entry_of(number, ended, room)

    monkeypatch.setattr("mockllm.server.journal.journal.entry_of", counted)
    room, count = MAX_EXCESS, 500
    journal = fill(Journal(100_000, room), count, b"x" * (room // 50))
    assert len(built) < count // 10
    kept = [entry.number for entry in journal]
    assert kept == list(range(count - len(kept) + 1, count + 1))
    assert 45 <= len(kept) <= 50


def test_slice_of_large_exchanges_ends_early() -> None:
    journal = fill(Journal(100), 40, b"x" * BYTES_AT_ONCE)
    assert journal.make_entries(40)
    assert len(journal._pending) == 39


class Counted(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.ones = 0
        self.durations: list[Sequence[float]] = []

    def count_one(self, ended: EndedExchange) -> None:
        self.ones += 1

    def count_cached(self, ended: EndedExchange, took: Sequence[float]) -> None:
        self.durations.append(took)


def test_metrics_count_dropped_entries(stencilled: Callable[[str], PlannedResponse]) -> None:
    counted = Counted()
    journal = Journal(2, metrics=counted)
    fill(journal, 5)
    kept = stencilled("hi")
    for _ in range(4):
        journal.add(ended_exchange(answer=kept))
    assert counted.ones == 5
    journal.count_cached()
    assert [*map(list, counted.durations)] == [[0.25] * 4]
    assert journal.total == 9
    for number in range(MAX_UNCOUNTED_GROUPS + 2):
        journal.add(ended_exchange(answer=stencilled(str(number))))
    assert sum(map(len, counted.durations)) > MAX_UNCOUNTED_GROUPS


@pytest.fixture
def stencilled() -> Callable[[str], PlannedResponse]:
    from mockllm.core.randomness import Ids
    from mockllm.core.rendering.placeholders import Placeholders
    from mockllm.core.rendering.prerendered_response import prerender_response

    nothing = Placeholders(Ids(0, "", 0), 0.0, 0)
    return lambda text: PlannedResponse(prerender_response(whole(text), nothing), "a.yaml:kept")
