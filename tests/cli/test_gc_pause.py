"""A start without the garbage collector."""

from __future__ import annotations

import gc

import pytest

from mockllm.cli.gc_pause import staying


def test_the_collector_rests_and_what_was_made_is_not_looked_through() -> None:
    before = gc.get_freeze_count()
    with staying():
        assert not gc.isenabled()
        made = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(made)


def test_it_works_again_where_a_start_fails() -> None:
    with pytest.raises(ZeroDivisionError), staying():
        _ = 1 / 0
    assert gc.isenabled()
