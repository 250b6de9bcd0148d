"""The steps of a long response are freed in parts."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.rendering.plan import EventStep, WaitStep
from mockllm.core.rendering.prerendered_response import LazilyFilledSteps
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal.discarded_steps import PART, DiscardedSteps
from mockllm.server.journal.journal import Journal
from tests.server.fake_engine import streamed

Steps = list["weakref.ref[EventStep]"]


class WatchedStep(EventStep, frozen=True, weakref=True):
    """A step whose end is noticed."""


def journaled(journal: Journal, count: int) -> Steps:
    """Add an exchange with so many steps to a journal, which alone holds them then."""
    steps = [WatchedStep(b"x", number, "chunk") for number in range(1, count + 1)]
    exchange = EndedExchange(
        client_address="127.0.0.1",
        now=100.0,
        monotonic=5.0,
        response=PlannedResponse(streamed(*steps), "a.yaml:rules[0]"),
        method="POST",
        target="/v1/x",
        request_class=Request,
    )
    journal.add(exchange)
    return [weakref.ref(step) for step in steps]


def left(steps: Steps) -> int:
    return sum(step() is not None for step in steps)


async def counted(steps: Steps) -> list[int]:
    """Return how many steps are left after each iteration of the loop, until none is."""
    counts = [left(steps)]
    while counts[-1]:
        await asyncio.sleep(0)
        counts.append(left(steps))
    return counts


@pytest.mark.parametrize("stored", [False, True], ids=["pending exchange", "entry"])
@pytest.mark.parametrize("cleared", [False, True], ids=["dropped", "cleared"])
def test_long_response_is_freed_in_parts(stored: bool, cleared: bool) -> None:
    async def counts() -> list[int]:
        journal = Journal(max_entries=1)
        steps = journaled(journal, 2 * PART + 1)
        if stored:
            journal.make_entries()
        if cleared:
            journal.clear()
        else:
            journaled(journal, 1)
            journal.make_entries()
        return await counted(steps)

    assert asyncio.run(counts()) == [2 * PART + 1, PART + 1, 1, 0]


def test_responses_dropped_together_are_freed_one_by_one() -> None:
    async def counts() -> list[int]:
        journal = Journal(max_entries=3)
        steps = [step for _ in range(3) for step in journaled(journal, PART + 1)]
        journal.clear()
        return await counted(steps)

    assert asyncio.run(counts()) == [3 * PART + 3, 2 * PART + 3, 2 * PART + 2, PART + 2, PART + 1, 1, 0]


def test_short_response_is_freed_at_once() -> None:
    async def count() -> int:
        journal = Journal(max_entries=1)
        steps = journaled(journal, PART)
        journal.clear()
        return left(steps)

    assert asyncio.run(count()) == 0


def test_steps_of_a_cached_response_stay_in_the_cache() -> None:
    class Unread(LazilyFilledSteps):
        def _filled(self, step: Any) -> Any:
            raise AssertionError("a step was filled to be dropped")

    async def discard() -> None:
        steps = Unread([WaitStep(0.0, 1)] * (PART + 1), [])
        plan = replace(streamed(), steps=steps)
        DiscardedSteps().add(PlannedResponse(plan, None))

    asyncio.run(discard())


def test_response_dropped_outside_a_loop_is_freed_at_once() -> None:
    journal = Journal(max_entries=1)
    steps = journaled(journal, PART + 1)
    journal.clear()
    assert left(steps) == 0
