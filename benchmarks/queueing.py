"""How long requests take in a queue with one server: what random arrivals alone cause."""

from __future__ import annotations

from random import Random

_SIMULATED = 200_000


def waits(load: float, seed: int = 1) -> tuple[float, float]:
    """Return the median and the p99 of the times from arrival to response, in multiples of the time that one request
    takes alone. All requests take equally long; they arrive at random times (Poisson) and are served in that order.
    `load`: the share of time that the server is busy."""
    random = Random(seed)
    now = free = 0.0
    taken: list[float] = []
    for _ in range(_SIMULATED):
        now += random.expovariate(load)
        free = max(now, free) + 1
        taken.append(free - now)
    taken.sort()
    return taken[len(taken) // 2], taken[len(taken) * 99 // 100]
