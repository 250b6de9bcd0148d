"""A start without the garbage collector."""

from __future__ import annotations

import gc

import pytest

from mockllm.cli.gc_pause import gc_paused


def test_gc_paused_freezes_objects_and_enables_collector() -> None:
    before = gc.get_freeze_count()
    with gc_paused():
        assert not gc.isenabled()
        made = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(made)


def test_it_works_again_where_a_start_fails() -> None:
    with pytest.raises(ZeroDivisionError), gc_paused():
        _ = 1 / 0
    assert gc.isenabled()
