"""Changes of a plan keep what they do not change."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from mockllm.core.rendering.plan import BackgroundRun, Delivery, EventStep, Framing, Plan, ResponseHead
from mockllm.engine.plan_context import with_all_headers_per_response
from mockllm.engine.rule_header import with_rule_header

BARE: Final = Plan(ResponseHead(200, (("a", "1"),), (("b", "2"),)), (EventStep(b"x", 1, "chunk"),))
FULL: Final = replace(
    BARE,
    framing=Framing.SSE,
    delay=1.0,
    delivery=Delivery(extra_head_lines=b"c: 3\r\n"),
    chunk_texts=((0, "x"),),
    background=BackgroundRun(BARE),
)
"""A plan of which no field has its default."""


def test_plan_of_this_test_has_no_default() -> None:
    fields = Plan.__struct_fields__
    assert all(getattr(FULL, name) != getattr(Plan(BARE.head, ()), name) for name in fields if name != "head")


def test_all_headers_are_unique_and_nothing_else_changes() -> None:
    changed = with_all_headers_per_response(FULL)
    assert changed.head == ResponseHead(200, (), (("a", "1"), ("b", "2")))
    assert replace(changed, head=FULL.head) == FULL


@pytest.mark.parametrize("plan", [BARE, FULL], ids=["bare", "full"])
def test_rule_header_drops_only_texts_for_faults(plan: Plan) -> None:
    changed = with_rule_header(plan, "a.yaml:é")
    assert changed.head.fixed == (("a", "1"), ("x-mockllm-rule", "a.yaml:%C3%A9"))
    assert replace(changed, head=plan.head, chunk_texts=plan.chunk_texts) == plan
    assert changed.chunk_texts == ()
