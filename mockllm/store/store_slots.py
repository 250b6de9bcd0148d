"""The slots that responses in flight take in limits and loads, which a process renews as long as it lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.limits.meters import MICROS_PER_SECOND
from mockllm.core.selection.decision import Candidate
from mockllm.store.script_arguments import SLOT_LIFE, count_field_prefix, scope_key
from mockllm.store.store_link import StoreLink

RENEWAL: Final = SLOT_LIFE / 3
"""Seconds between two renewals."""


class StoreSlot:
    """The slot of one response. `offset` is the store's time less the process's, in seconds."""

    __slots__ = ("_id", "_keys", "_offset", "_slots")

    def __init__(
        self,
        slots: StoreSlots,
        id: str,
        base: bytes,
        candidates: Sequence[Candidate],
        offset: float,
    ) -> None:
        self._slots: StoreSlots | None = slots
        self._id = id
        self._offset = offset
        names = [
            (scope_key(base, each.scope) + b":" + count_field_prefix(each).encode() + b"\0", each)
            for each in candidates
        ]
        limits = [
            name + b"c"
            for name, each in names
            if each.limit is not None and each.limit.concurrent is not None
        ]
        self._keys = (*limits, *[name + b"o" for name, each in names if each.load is not None])
        slots.held.add(self)

    def expect_end(self, until: float) -> None:
        """Do nothing: the store has no queues, and counts the response until its release."""

    def renew(self, now: float) -> None:
        """Prolong the slot, `now` on the clock of the process."""
        score = f"{(now + self._offset + SLOT_LIFE) * MICROS_PER_SECOND:.0f}"
        for key in self._keys:
            self._post("ZADD", key, "XX", score, self._id)

    def release(self) -> None:
        for key in self._keys:
            self._post("ZREM", key, self._id)
        if self._slots is not None:
            self._slots.held.discard(self)
            self._slots = None

    def _post(self, *arguments: bytes | str) -> None:
        if self._slots is not None:
            self._slots.link.post(*arguments)


class StoreSlots:
    """All slots of one process."""

    def __init__(self, link: StoreLink) -> None:
        self.link = link
        self.held: set[StoreSlot] = set()

    def renew(self, now: float) -> None:
        for slot in self.held:
            slot.renew(now)
