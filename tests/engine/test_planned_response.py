"""The methods that make a response from another one, by `_replace`, which they equal at a tenth of its cost."""

from __future__ import annotations

from typing import Any, Final

from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.engine import PlannedResponse

PLAN: Final = Plan(ResponseHead(200, ()), ())
VALUES: Final[list[Any]] = [("notes",) if name == "notes" else name for name in PlannedResponse._fields[1:]]
NAMED: Final = PlannedResponse(PLAN, *VALUES)
"""A response whose values are the names of their fields."""
LIMITS: Final = (("x-limit", "1"),)


def test_filled_response_is_that_of_replace() -> None:
    filled = NAMED.filled_with(b"seed", [b"value"], NAMED)
    assert filled == NAMED._replace(response_seed=b"seed", placeholder_values=[b"value"], cached_from=NAMED)


def test_response_filled_with_limits_is_that_of_replace() -> None:
    expected = NAMED._replace(
        limit_headers=LIMITS, response_seed=b"seed", placeholder_values=[b"value"], cached_from=None
    )
    assert NAMED.filled_with_limit_headers(LIMITS, b"seed", [b"value"]) == expected
    with_call = NAMED.filled_with_call(("a call",), b"seed", [b"value"], LIMITS)
    assert with_call == expected._replace(notes=("a call", "notes"))


def test_decided_response_is_that_of_replace() -> None:
    decided = NAMED.with_decision("seed", None, None)
    assert decided == NAMED._replace(slot=None, batch_schedule=None, response_seed="seed")


def test_response_with_limit_headers_is_that_of_replace() -> None:
    assert NAMED.with_limit_headers(LIMITS, 0.0) == NAMED._replace(limit_headers=LIMITS)
    assert NAMED.with_limit_headers(LIMITS, 0.0, ["x-limit"]) is NAMED
    assert type(NAMED.with_limit_headers(LIMITS, 0.0)) is PlannedResponse
