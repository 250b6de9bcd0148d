"""Rate limits: how much a key may use in which time, by several strategies.

`LimitAccount` counts the usage of one limit by one key (an API key, a session …). All arithmetic uses whole
microseconds: `now` is an argument, and a reported wait always suffices.
"""

from __future__ import annotations

from mockllm.core.limits.account import LimitAccount
from mockllm.core.limits.limit import (
    STRATEGIES,
    Cost,
    Gauge,
    Limit,
    LimitResult,
    LimitStatus,
    Strategy,
    combine,
    tightest,
)

__all__ = [
    "STRATEGIES",
    "Cost",
    "Gauge",
    "Limit",
    "LimitAccount",
    "LimitResult",
    "LimitStatus",
    "Strategy",
    "combine",
    "tightest",
]
