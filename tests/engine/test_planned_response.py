"""Planned responses that are made from other ones."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.engine import PlannedResponse
from mockllm.engine.planned_response import without_headers

PLANNED: Final = PlannedResponse(Plan(ResponseHead(200, ()), ()), "a", notes=("b",), time_scale=2.0)
LIMITS: Final = (("x-limit", "1"),)


def test_filled_response_differs_in_seed_and_values_alone() -> None:
    filled = PLANNED.with_placeholder_values(b"seed", [b"value"])
    assert (filled.id_seed, filled.placeholder_values) == (b"seed", [b"value"])
    assert replace(filled, id_seed=b"", placeholder_values=()) == PLANNED


def test_limit_headers_leave_out_the_responses_own() -> None:
    assert PLANNED.with_admission(LIMITS, 0.0) == replace(PLANNED, limit_headers=LIMITS)
    assert PLANNED.with_admission(without_headers(LIMITS, ["x-limit"]), 0.0) is PLANNED
