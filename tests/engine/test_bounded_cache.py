"""What a bounded cache stores, and what it evicts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockllm.engine.bounded_cache import BoundedCache


def test_the_oldest_leaves_first_and_put_renews() -> None:
    kept: BoundedCache[str] = BoundedCache(2)
    for key in ("a", "b", "a", "c"):
        kept.put(key, key.upper())
    assert dict(kept) == {"a": "A", "c": "C"}


def test_a_value_above_the_bound_is_not_stored() -> None:
    kept: BoundedCache[str] = BoundedCache(10)
    kept.put("a", "A", 4)
    kept.put("b", "B", 11)
    assert dict(kept) == {}
    kept.put("c", "C", 10)
    assert dict(kept) == {"c": "C"}


@given(st.integers(0, 30), st.lists(st.tuples(st.integers(0, 6), st.integers(1, 12))))
def test_the_newest_entries_within_the_bound_stay(room: int, puts: list[tuple[int, int]]) -> None:
    kept: BoundedCache[int] = BoundedCache(room)
    expected: dict[int, int] = {}
    for key, size in puts:
        kept.put(key, size, size)
        expected.pop(key, None)
        expected[key] = size
        while sum(expected.values()) > room:
            del expected[next(iter(expected))]
        assert list(kept.items()) == list(expected.items())
