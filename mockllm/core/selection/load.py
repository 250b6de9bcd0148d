"""A server under load: what happens to an answer by how many others are under way.

Pure: who counts them, and on which clock, is not asked. An answer's plan tells beforehand when it ends, so
that the ends of all others tell when there is room for one more.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Load(Struct, frozen=True):
    """What a server bears; None is no bound.

    Up to `concurrency` answers are said at full speed. With more, every wait is longer: `slowdown` times as
    long with twice as many, and evenly in between and beyond (2, the default, is a machine that all share).
    `max_inflight` answers are under way at most, `queue` more wait until one of these has ended; whoever
    comes then is turned away.
    """

    concurrency: int | None = None
    slowdown: float = 2.0
    max_inflight: int | None = None
    queue: int = 0


class Admission(Struct, frozen=True):
    """How an answer is let in: after so many seconds, with all its waits so many times as long."""

    wait: float = 0.0
    slowdown: float = 1.0


def slowdown(load: Load, inflight: int) -> float:
    """The factor of all waits with so many answers under way, this one included."""
    if load.concurrency is None or inflight <= load.concurrency:
        return 1.0
    return 1.0 + (load.slowdown - 1.0) * (inflight - load.concurrency) / load.concurrency


def at_once(load: Load, others: int) -> Admission | None:
    """How one more answer is let in beside so many others; None where it must wait, or is turned away."""
    if load.max_inflight is not None and others >= load.max_inflight:
        return None
    return Admission(0.0, slowdown(load, others + 1))


def admit(load: Load, ends: Sequence[float], now: float) -> Admission | None:
    """How one more answer is let in; None where it is turned away. `ends` are the times at which the others
    end, those under way and those that wait, in any order; what has ended by `now` does not count. Whoever
    comes first begins first."""
    left = [end for end in ends if end > now]
    most, found = load.max_inflight, at_once(load, len(left))
    if most is None or found is not None:
        return found
    ahead = len(left) - most
    if ahead >= load.queue:
        return None
    return Admission(sorted(left)[ahead] - now, slowdown(load, most))
