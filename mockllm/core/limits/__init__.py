"""Rate limits: how much of what a key may use in which time, by several strategies.

`open_account` gives what one key (an API key, a session …) has used of one limit. All of it is arithmetic on
whole microseconds: `now` is an argument, and a wait that was told is a wait that suffices.
"""

from __future__ import annotations

from mockllm.core.limits.account import LimitAccount, open_account
from mockllm.core.limits.limit import STRATEGIES, Limit, Strategy
from mockllm.core.limits.result import Cost, Gauge, LimitResult, LimitStatus, tightest, together

__all__ = [
    "STRATEGIES",
    "Cost",
    "Gauge",
    "Limit",
    "LimitAccount",
    "LimitResult",
    "LimitStatus",
    "Strategy",
    "open_account",
    "tightest",
    "together",
]
