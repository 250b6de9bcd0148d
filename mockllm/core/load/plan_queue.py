"""The order in which requests are decided under a load while the ends of other responses are not known yet.

A response whose planning takes long has no end before its plan. A request that has to wait for such an end is
decided only after the plan. So the result is the same however long planning takes.
"""

from __future__ import annotations


class PlanQueue:
    """The responses of one load that have no plan yet, and the requests that are not decided yet, in their order.
    Both are any hashable objects."""

    __slots__ = ("undecided", "unplanned")

    def __init__(self) -> None:
        self.unplanned: set[object] = set()
        self.undecided: dict[object, None] = {}

    def is_behind_others(self, turn: object) -> bool:
        """Return whether an undecided request comes before this one."""
        return next(iter(self.undecided), turn) is not turn


class PlanTurn:
    """The turn of one undecided request in the queues of all its loads. It is an `InFlightSlot`
    (`core.selection.decision`) without an end: its release ends the turn, also where the client disconnects."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: list[PlanQueue] = []

    def join(self, queue: PlanQueue) -> None:
        """Join the end of a queue; without an effect if the turn has joined it before."""
        if self not in queue.undecided:
            queue.undecided[self] = None
            self._queues.append(queue)

    def expect_end(self, until: float) -> None:
        """Do nothing: an undecided request has no end."""

    def release(self) -> None:
        queues, self._queues = self._queues, []
        for queue in queues:
            del queue.undecided[self]
