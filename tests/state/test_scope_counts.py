"""Responses in flight: the count equals a full scan, however they end."""

from __future__ import annotations

from math import inf
from random import Random

import pytest

from mockllm.core.selection.decision import InFlightSlot
from mockllm.state.admission import LocalInFlightSlot
from mockllm.state.scope_counts import InFlight


@pytest.mark.parametrize("seed", range(10))
def test_in_flight_count_equals_full_scan(seed: int) -> None:
    random, under_way, now = Random(seed), InFlight(), 0.0
    ends: dict[InFlightSlot, float] = {}
    for _ in range(2_000):
        now += random.choice((0.0, 0.1, 1.0))
        slot: InFlightSlot = LocalInFlightSlot((), ())
        match random.choice(["begins", "lasts", "ends", "counts"]):
            case "begins":
                ends[slot] = inf
                under_way.expect_end(slot, inf)
            case "lasts" if ends:
                slot = random.choice(list(ends))
                ends[slot] = now + random.choice((0.0, 0.5, 10.0))
                under_way.expect_end(slot, ends[slot])
            case "ends" if ends:
                slot = random.choice(list(ends))
                del ends[slot]
                under_way.end(slot)
            case _:
                assert len(under_way) == len(ends)
                assert sorted(under_way.ends) == sorted(ends.values())
