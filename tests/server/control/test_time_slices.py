"""Long work of the control API lets streams go on."""

from __future__ import annotations

import asyncio

import pytest

from mockllm.server.control import journal_queries


def turns(slices: int) -> int:
    """How often others had a turn while so many slices of work were done."""

    async def run() -> int:
        count = 0

        async def other() -> None:
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        found = journal_queries.TimeSlices()
        for _ in range(slices):
            await found.pause()
        task.cancel()
        return count

    return asyncio.run(run())


def test_turn_yields_after_each_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_queries, "SLICE", 0.0)
    assert turns(20) == 20


def test_turn_does_not_yield_within_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_queries, "SLICE", 1000.0)
    assert turns(20) == 0
