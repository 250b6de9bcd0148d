"""The chain of stored responses before a request, and when a thread reads it."""

from __future__ import annotations

import pytest

from mockllm.core.request import stored_history
from mockllm.core.request.stored_history import chain, is_long_history
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject


class Lookup(ObjectLookup):
    def stored(self, name: str) -> StoredObject | None:
        previous = int(name) - 1
        return StoredObject(name, str(previous) if previous else None, b"{}", b"{}")


def test_chain_begins_with_the_oldest() -> None:
    assert [each.id for each in chain(Lookup().stored("3"), Lookup())] == ["1", "2", "3"]


def test_no_stored_response_is_no_chain() -> None:
    assert chain(None, Lookup()) == []


@pytest.mark.parametrize(
    ("name", "bound", "ids"), [("MAX_CHAIN", 2, ["4", "5"]), ("MAX_OBJECTS", 7, ["3", "4", "5"])]
)
def test_chain_above_a_bound_has_the_newest(
    name: str, bound: int, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_history, name, bound)
    assert [each.id for each in chain(Lookup().stored("5"), Lookup())] == ids


def test_history_is_long_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_history, "LONG_HISTORY", 7)
    stored = chain(Lookup().stored("2"), Lookup())
    assert (is_long_history(stored[:1]), is_long_history(stored)) == (False, True)
