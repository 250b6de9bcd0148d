"""The times until which the store counts a response in limits and loads."""

from __future__ import annotations

from typing import Any, cast

import pytest

from mockllm.core.limits.limit_data import Limit
from mockllm.core.load.load import Load
from mockllm.core.selection.decision import Candidate
from mockllm.store.script_arguments import SLOT_LIFE
from mockllm.store.store_link import StoreLink
from mockllm.store.store_slots import StoreSlot, StoreSlots

LIMITED = Candidate(0, "limit", "limit", "", None, limit=Limit("token-bucket", concurrent=1))
LOADED = Candidate(1, "load", "load", "", None, load=Load(max_inflight=1))
STORE_TIME = 5_000.0
MONOTONIC = 100.0
"""The time of the process when it is 5,000 s in the store."""


class Link:
    """Notes the times that are written."""

    def __init__(self) -> None:
        self.times: list[int] = []

    def post(self, *arguments: Any) -> None:
        if arguments[0] == "ZADD":
            self.times.append(int(arguments[3]))


def slot_of(candidate: Candidate) -> tuple[StoreSlots, StoreSlot, list[int]]:
    link = Link()
    slots = StoreSlots(cast(StoreLink, link))
    slot = StoreSlot(slots, "one", b"base", [candidate], STORE_TIME - MONOTONIC)
    return slots, slot, link.times


def test_planned_end_does_not_free_a_slot() -> None:
    slots, slot, times = slot_of(LOADED)
    slot.expect_end(MONOTONIC + 1.0)
    slots.renew(MONOTONIC + 10.0)
    assert times == [round((STORE_TIME + 10.0 + SLOT_LIFE) * 1_000_000)]


@pytest.mark.parametrize("candidate", [LIMITED, LOADED], ids=["limit", "load"])
def test_slot_is_renewed_until_its_release(candidate: Candidate) -> None:
    slots, slot, times = slot_of(candidate)
    slots.renew(MONOTONIC + 10.0)
    assert times == [round((STORE_TIME + 10.0 + SLOT_LIFE) * 1_000_000)]
    slot.release()
    assert not slots.held
