"""The journal: a ring of entries, which are made in batches."""

from __future__ import annotations

import gc
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import cast

import pytest

from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal import journal as journal_module
from mockllm.server.journal.entry import JournalEntry, entry_of
from mockllm.server.journal.journal import (
    COUNT_INTERVAL,
    ENTRY_INTERVAL,
    Journal,
)
from tests.server.journal.ended_exchanges import ended_exchange, fill
from tests.unreachable_objects import unreachable_objects


def test_journal_is_ring_that_counts_all() -> None:
    journal = fill(Journal(3), 5)
    assert [each.responder_id for each in journal] == ["a.yaml:r2", "a.yaml:r3", "a.yaml:r4"]
    assert [each.number for each in journal] == [3, 4, 5]
    assert [each.number for each in reversed(journal)] == [5, 4, 3]
    assert (len(journal), journal.total, journal.unmatched) == (3, 5, 2)


def test_numbers_go_on_whenever_it_is_looked_at() -> None:
    journal = fill(Journal(3), 2)
    assert [each.number for each in journal] == [1, 2]
    fill(journal, 2)
    assert [each.number for each in journal] == [2, 3, 4]
    journal.clear()
    assert len(journal) == journal.bytes == 0
    fill(journal, 1)
    assert [each.number for each in journal] == [5]
    assert journal.find(5) is not None
    assert journal.find(4) is None


def test_clear_makes_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    pending = fill(Journal(10), 5)
    monkeypatch.delattr(Journal, "_entry_of")
    pending.clear()
    assert (len(pending), pending.bytes, pending._pending_bytes) == (0, 0, 0)


def test_journal_makes_entries_in_batches() -> None:
    journal = fill(Journal(10), 5)
    assert journal.make_entries(3)
    assert not journal.make_entries(3)
    assert [each.number for each in journal] == [1, 2, 3, 4, 5]


def test_make_entries_ignores_entries_added_meanwhile() -> None:
    journal = fill(Journal(10), 5)
    newest = journal.total
    assert journal.make_entries(3, newest)
    fill(journal, 5)
    assert not journal.make_entries(3, newest)
    assert len(journal._pending) == 5
    fill(journal, 30)
    assert not journal.make_entries(3, journal.total - 10), "they were dropped for others"
    assert [each.number for each in journal] == list(range(31, 41))


@pytest.mark.parametrize("existing", [0, 2, 5], ids=["none is made", "some are", "all are"])
@pytest.mark.parametrize("most", [0, 1, 3, 5, 9])
def test_newest_lists_last_entries_first(existing: int, most: int) -> None:
    journal = fill(Journal(10), 5)
    journal.make_entries(existing)
    assert [each.number for each in journal.newest(most)] == [5, 4, 3, 2, 1][:most]
    assert [each.number for each in journal] == [1, 2, 3, 4, 5]


def _fail_for(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(number: int, ended: EndedExchange, max_bytes: int) -> JournalEntry:
        if ended.target == target:
            raise ValueError("an entry that cannot be made")
        return entry_of(number, ended, max_bytes)

    monkeypatch.setattr(journal_module, "entry_of", entry)


def test_entry_that_cannot_be_made_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail_for("/wrong", monkeypatch)
    journal = Journal(10)
    for number, path in enumerate(("/a", "/wrong", "/b")):
        journal.add(ended_exchange(number, path=path))
    assert [each.number for each in journal.newest(3)] == [3, 1]
    assert [each.number for each in journal] == [1, 3]
    assert capsys.readouterr().err.count("ValueError: an entry that cannot be made") == 2


class HandLoop:
    """A loop whose timers a test calls by hand, by their seconds."""

    def __init__(self) -> None:
        self.timers: dict[float, Callable[[], None]] = {}

    def call_later(self, seconds: float, call: Callable[..., None], *args: object) -> None:
        self.timers[seconds] = lambda: call(*args)


def test_timers_go_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Journal, *_: int) -> None:
        raise ValueError

    journal, loop = Journal(10), HandLoop()
    journal.start_timers(cast(AbstractEventLoop, loop))
    monkeypatch.setattr(Journal, "make_entries", fail)
    monkeypatch.setattr(Journal, "count_cached", fail)
    for seconds in (ENTRY_INTERVAL, COUNT_INTERVAL):
        with pytest.raises(ValueError):
            loop.timers.pop(seconds)()
        assert seconds in loop.timers


def test_timers_of_a_removed_journal_leave_no_cycle() -> None:
    journal, loop = Journal(10), HandLoop()
    journal.start_timers(cast(AbstractEventLoop, loop))
    gc.collect()
    del journal
    for seconds in (ENTRY_INTERVAL, COUNT_INTERVAL):
        loop.timers.pop(seconds)()
    assert loop.timers == {}
    assert unreachable_objects() == []


def test_newest_is_fixed_at_call() -> None:
    journal = fill(Journal(10), 3)
    newest = journal.newest(2)
    fill(journal, 2)
    journal.make_entries()
    assert [each.number for each in newest] == [3, 2]
