"""The order in which requests are decided under a load while the ends of other responses are not known yet.

A response whose planning takes long has no end before its plan. A request that has to wait for such an end is
decided only after the plan. So the result is the same however long planning takes.
"""

from __future__ import annotations


class PlanQueue:
    """The responses of one load that have no plan yet, and the requests that are not decided yet, in their order.
    Both are any hashable objects."""

    __slots__ = ("unplanned", "waiting")

    def __init__(self) -> None:
        self.unplanned: set[object] = set()
        self.waiting: dict[object, None] = {}

    def is_behind_others(self, entry: object) -> bool:
        """Return whether a waiting request comes before this one."""
        return next(iter(self.waiting), entry) is not entry


class PlanQueueEntry:
    """The entry of one waiting request in the queues of all its loads. It is an `InFlightSlot`
    (`core.selection.decision`) without an end: its release removes it, also where the client disconnects."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: list[PlanQueue] = []

    def join(self, queue: PlanQueue) -> None:
        """Join the end of a queue; without an effect if the entry is in it."""
        if self not in queue.waiting:
            queue.waiting[self] = None
            self._queues.append(queue)

    def expect_end(self, until: float) -> None:
        """Do nothing: a waiting request has no end."""

    def release(self) -> None:
        queues, self._queues = self._queues, []
        for queue in queues:
            del queue.waiting[self]
