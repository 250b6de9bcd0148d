"""The event `rate_limits.updated`, which follows the begin of each response, and reports what headers do over HTTP.

From `RateLimitsUpdatedEvent` of the openai package (3.52). The scenario's limits are in the head of the response, as
OpenAI's headers; without them the event has the usual values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.dialects.openai.headers import LIMITS

BEGIN: Final = "response.created"
UPDATED: Final = "rate_limits.updated"
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION: Final = re.compile(r"([\d.]+)(ms|h|m|s)")


def with_rate_limits(plan: Plan, payload: Callable[[str, dict[str, Json]], bytes]) -> Plan:
    """Return the plan of a response with the event after its begin. `payload` writes an event with a new id."""
    for place, step in enumerate(plan.steps):
        if type(step) is EventStep and step.event == BEGIN:
            headers = dict(LIMITS) | {name.lower(): value for name, value in plan.head.headers}
            limits: Json = [_limit(name, headers) for name in ("requests", "tokens")]
            event = EventStep(payload(UPDATED, {"rate_limits": limits}), 0, "open", UPDATED)
            return replace(plan, steps=(*plan.steps[: place + 1], event, *plan.steps[place + 1 :]))
    return plan


def _limit(name: str, headers: dict[str, str]) -> dict[str, Json]:
    limit, remaining, reset = (
        headers[f"x-ratelimit-{quantity}-{name}"] for quantity in ("limit", "remaining", "reset")
    )
    return {"name": name, "limit": int(limit), "remaining": int(remaining), "reset_seconds": seconds(reset)}


def seconds(duration: str) -> float:
    """Return a duration of these headers, such as `1m11.339s`, in seconds."""
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(duration))
