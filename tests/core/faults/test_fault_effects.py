"""A fault that is applied changes what a client sees, also after another fault; otherwise it has a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from pydantic import ValidationError

from mockllm.core.faults import FAULTS, Fault, FormFault, NotApplicable, ReplyFault
from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.plan import CutStep, Plan
from tests.core.faults.test_adjoining_chunks import LONG, SETTINGS

FURTHER: Final[tuple[dict[str, Any], ...]] = (
    {"then": "go_on"},
    {"after": {"chunks": 3}},
    {"at": {"chunk": 4}},
)

EQUAL: Final = frozenset({("cut_event", "truncate"), ("cut_event", "coalesce"), ("malformed", "coalesce")})
"""The first fault leaves nothing for the second one to change, which has no reason for that. The body ends at the
same place, or no two events are left that could come together."""


def faults() -> Iterator[Fault]:
    """Yield the faults of plans, with the settings that each accepts."""
    for kind in FAULTS.values():
        if issubclass(kind, ReplyFault | FormFault):
            continue
        for settings in (*SETTINGS, *FURTHER):
            try:
                yield kind.model_validate(settings)
            except ValidationError:
                continue


ALL: Final = tuple(faults())


NOT_FOR_THIS_PLAN: Final = frozenset({"bad_checksum", "cut_utf8"})
"""They need AWS event streams, or a character of several bytes."""


def test_each_fault_is_applied_to_the_plan() -> None:
    names = {fault.name for fault in ALL}
    assert names - {fault.name for fault in ALL if applied(fault, LONG)} == NOT_FOR_THIS_PLAN, (
        "the tests of this file say nothing of a fault that is never applied"
    )


def seen(plan: Plan) -> tuple[object, ...]:
    """What a client sees: head, delivery, bytes, waits and the cut; nothing after a cut."""
    items: list[object] = [b""]
    for item in framed(plan):
        if isinstance(item, bytes) and isinstance(items[-1], bytes):
            items[-1] += item
        else:
            items.append(item)
        if type(item) is CutStep:
            break
    return items, plan.head, plan.delivery


def applied(fault: Fault, plan: Plan) -> Plan | None:
    try:
        return fault.apply(plan)
    except NotApplicable:
        return None


@pytest.mark.parametrize("name", sorted({fault.name for fault in ALL}))
def test_fault_after_another_changes_what_is_sent(name: str) -> None:
    for first in ALL:
        plan = applied(first, LONG) if first.name != name else LONG
        for second in ALL:
            if plan is None or second.name != name or (first.name, name) in EQUAL:
                continue
            changed = applied(second, plan)
            assert changed is None or seen(changed) != seen(plan), (
                f"{second!r} changes nothing after {first!r}: raise NotApplicable; `live_steps` has what is sent"
            )
