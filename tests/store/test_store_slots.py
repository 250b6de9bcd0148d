"""The times until which the store counts a response in limits and loads."""

from __future__ import annotations

from typing import Any, cast

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
        self.times.append(int(arguments[3]))


def slot_of(scale: float, candidate: Candidate) -> tuple[StoreSlots, StoreSlot, list[int]]:
    link = Link()
    slots = StoreSlots(cast(StoreLink, link))
    slot = StoreSlot(slots, "one", b"base", [candidate], STORE_TIME - MONOTONIC, scale)
    return slots, slot, link.times


def test_planned_end_follows_the_time_scale() -> None:
    for scale in (0.1, 1.0, 5.0):
        _, slot, times = slot_of(scale, LOADED)
        slot.expect_end((MONOTONIC + 10.0) / scale)
        assert times == [round((STORE_TIME + 10.0) * 1_000_000)]


def test_renewal_does_not_depend_on_the_time_scale() -> None:
    for scale in (0.1, 1.0, 5.0):
        slots, _, times = slot_of(scale, LIMITED)
        slots.renew(MONOTONIC + 10.0)
        assert times == [round((STORE_TIME + 10.0 + SLOT_LIFE) * 1_000_000)]
