"""A model of a busy provider: the effect on a response of the other responses in flight.

The model is pure: callers count the responses and read the clock. The plan of a response has its end, so the ends of
all others determine when there is capacity for one more.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from mockllm.core.load.continuous_batch import BatchCapacity


class Load(Struct, frozen=True):
    """The capacity of a server; None is no bound.

    Up to `concurrency` responses have full speed. With more, every wait of the pace and of a script is longer.
    It is `slowdown` times as long with twice as many, and linear in between and beyond. The default, 2, is a machine
    that all share. At most `max_inflight` responses are in flight, and `queue` more wait until one of these has
    ended. All others are refused. With a `batch` all of this follows from the batch.
    """

    concurrency: int | None = None
    slowdown: float = 2.0
    max_inflight: int | None = None
    queue: int = 0
    batch: BatchCapacity | None = None


class LoadEffect(Struct, frozen=True):
    """The effect on a response: it begins after `wait` seconds, and its pace's `slowdown` is multiplied by this
    one."""

    wait: float = 0.0
    slowdown: float = 1.0


def slowdown(load: Load, in_flight: int) -> float:
    """Return the slowdown with `in_flight` responses, this one included."""
    if load.concurrency is None or in_flight <= load.concurrency:
        return 1.0
    return 1.0 + (load.slowdown - 1.0) * (in_flight - load.concurrency) / load.concurrency


def load_effect_without_wait(load: Load, others: int) -> LoadEffect | None:
    """Return the effect on one more response beside `others`; None if it must wait or is refused."""
    if load.max_inflight is not None and others >= load.max_inflight:
        return None
    return LoadEffect(0.0, slowdown(load, others + 1))


def load_effect(load: Load, ends: Sequence[float], scenario_time: float) -> LoadEffect | None:
    """Return the effect on one more response; None if it is refused.

    `ends` are the planned ends of the others, both in flight and waiting, in any order. One that is in flight after
    its planned end counts, but no request waits for it. The first request begins first.
    """
    maximum, effect = load.max_inflight, load_effect_without_wait(load, len(ends))
    if maximum is None or effect is not None:
        return effect
    ahead = len(ends) - maximum
    if ahead >= load.queue:
        return None
    return LoadEffect(max(0.0, sorted(ends)[ahead] - scenario_time), slowdown(load, maximum))
