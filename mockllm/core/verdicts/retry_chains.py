"""Requests that ask for the same, each behind the failure of the one before: what a client does about failures.

Which request is another's next try is told by what it asks (the same hash), and by the count that some SDKs send.
Where several of the same are under way at a time and nobody counts, it cannot be told, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import Final

from msgspec import Struct

from mockllm.core.verdicts.observed_request import LEFT, ObservedRequest

REACH: Final = 90.0
"""Seconds behind a failure, and behind what it asks to wait, in which a request is taken for its next try: no
official SDK waits longer than 60 of its own."""
FORGIVEN: Final = 0.9
"""Who waits for this part of a time has waited: clocks differ."""
SLACK: Final = 0.01
"""Seconds that are forgiven too."""


class RetryChain(Struct):
    """In their order. `unsure`: others may belong to them."""

    deeds: list[ObservedRequest]
    unsure: bool = False

    @property
    def last(self) -> ObservedRequest:
        return self.deeds[-1]

    @property
    def count(self) -> int:
        """How many tries there were, those among them that the journal has let go."""
        return max(len(self.deeds), 1 + (self.last.retry or 0))

    @property
    def pairs(self) -> Iterator[tuple[ObservedRequest, ObservedRequest]]:
        """Each failure with the try behind it."""
        return ((failure, again) for failure, again in pairwise(self.deeds) if failure.ended is not None)


def waited(failure: ObservedRequest, again: ObservedRequest) -> float:
    """Seconds from a failure to the try behind it."""
    assert failure.ended is not None
    return again.begun - failure.ended


def as_told(failure: ObservedRequest, again: ObservedRequest) -> bool:
    """Whether a try came no sooner than the failure before it had asked."""
    return failure.wait is not None and waited(failure, again) >= failure.wait * FORGIVEN - SLACK


def retry_chains(deeds: Sequence[ObservedRequest], lost_before: float | None = None) -> list[RetryChain]:
    """All requests of one client in one session. `lost_before`: what came before then is not known any more, and
    may have been the first try of one that came soon behind it."""
    if not any(deed.failed for deed in deeds):  # nothing need be read of those
        return [RetryChain([deed]) for deed in deeds]
    ordered = sorted(deeds, key=lambda deed: deed.begun)
    crowded = _crowded(ordered)
    found: list[RetryChain] = []
    failing: dict[str, list[RetryChain]] = {}
    for deed in ordered:
        open_ones = failing.setdefault(deed.asked, [])
        open_ones[:] = [each for each in open_ones if _in_reach(each.last, deed)]
        before = _before(deed, open_ones, crowded)
        if before is None:
            lost = lost_before is not None and deed.begun <= lost_before + REACH
            before = RetryChain([], unsure=lost or any(each.unsure for each in open_ones))
            found.append(before)
        else:
            open_ones.remove(before)
        before.deeds.append(deed)
        if deed.failed or deed.ended is None:
            open_ones.append(before)
    return found


def _in_reach(failure: ObservedRequest, deed: ObservedRequest) -> bool:
    ended = failure.begun if failure.ended is None else failure.ended
    return deed.begun <= ended + REACH + (failure.wait or 0.0)


def _before(deed: ObservedRequest, failing: Sequence[RetryChain], crowded: set[int]) -> RetryChain | None:
    """The tries that a request goes on with. Where it may be one of several that its SDK counts, one that another
    try may mend, and of these the one that was to be tried again first: whoever kept to the rules is seen to have
    kept to them."""
    if deed.retry:
        counted = [each for each in failing if each.last.retry == deed.retry - 1 and _over(each.last, deed)]
        return min(counted, key=_due, default=None)
    over = [each for each in failing if _over(each.last, deed)]
    if len(over) == 1 and over[0].last.id not in crowded and _ended(over[0].last) <= deed.begun:
        return over[0]
    for each in over:
        each.unsure = True
    return None


def _over(failure: ObservedRequest, deed: ObservedRequest) -> bool:
    """Whether a failure was one when a request came. That a client has left may be seen late."""
    return _ended(failure) <= deed.begun or (
        bool(deed.retry) and (failure.left in LEFT or failure.left is None)
    )


def _ended(deed: ObservedRequest) -> float:
    return inf if deed.ended is None else deed.ended


def _due(each: RetryChain) -> tuple[bool, float]:
    return each.last.for_good, _ended(each.last) + (each.last.wait or 0.0)


def _crowded(ordered: Sequence[ObservedRequest]) -> set[int]:
    """The ids of the requests during which another asked for the same."""
    longest: dict[str, ObservedRequest] = {}
    found: set[int] = set()
    for deed in ordered:
        other = longest.get(deed.asked)
        if other is not None and deed.begun < _ended(other):
            found |= {deed.id, other.id}
        if other is None or _ended(deed) > _ended(other):
            longest[deed.asked] = deed
    return found
