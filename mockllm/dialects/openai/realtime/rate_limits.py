"""The event `rate_limits.updated`, which follows the begin of each response, and reports what headers do over HTTP.

From `RateLimitsUpdatedEvent` of the openai package (3.52). The scenario's limits are in the head of the response, as
OpenAI's headers; without them the event has the usual values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.dialects.openai.headers import LIMITS

BEGIN: Final = "response.created"
UPDATED: Final = "rate_limits.updated"
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)")
_DURATION: Final = re.compile(r"(?:[0-9]{1,15}(?:\.[0-9]{1,15})?(?:ms|h|m|s)){1,4}")
_COUNT: Final = re.compile(r"[0-9]{1,15}")
_USUAL: Final = dict(LIMITS)


def with_rate_limits(plan: Plan, payload: Callable[[str, dict[str, Json]], bytes]) -> Plan:
    """Return the plan of a response with the event after its begin. `payload` writes an event with a new id."""
    for place, step in enumerate(plan.steps):
        if type(step) is EventStep and step.event == BEGIN:
            headers = {name.lower(): value for name, value in plan.head.headers}
            limits: Json = [_limit(name, headers) for name in ("requests", "tokens")]
            event = EventStep(payload(UPDATED, {"rate_limits": limits}), 0, "open", UPDATED)
            return replace(plan, steps=(*plan.steps[: place + 1], event, *plan.steps[place + 1 :]))
    return plan


def _limit(name: str, headers: Mapping[str, str]) -> dict[str, Json]:
    """Return a limit. A scenario may have set a header to any text: one that is no number has its usual value."""

    def value(quantity: str, form: re.Pattern[str]) -> str:
        header = f"x-ratelimit-{quantity}-{name}"
        text = headers.get(header, "")
        return text if form.fullmatch(text) is not None else _USUAL[header]

    return {
        "name": name,
        "limit": int(value("limit", _COUNT)),
        "remaining": int(value("remaining", _COUNT)),
        "reset_seconds": seconds(value("reset", _DURATION)),
    }


def seconds(duration: str) -> float:
    """Return a duration of these headers, such as `1m11.339s`, in seconds."""
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(duration))
