"""Checks of bodies that repeat earlier ones: the remaining members passed before, and only new turns are checked.

A protocol's own check finds and words each failure. `fast_accepts_turns` says only whether there is none, and must
agree with it: a test compares both on arbitrary conversations.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from mockllm.core.failure import Failure
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.request import Request


def check_unless_passed_before(
    request: Request,
    name: Hashable,
    check: Callable[[], Failure | None],
    fast_accepts_turns: Callable[[DividedBody], bool],
) -> Failure | None:
    """Return what `check` returns. It is not called if it passed these remaining members before and the turns pass.

    `name` identifies the check, with all that it depends on beside the body.
    """
    divided = request.divided_body
    if divided is None:
        return check()
    passed = divided.remaining_members.passed_checks
    if name in passed and divided.items and fast_accepts_turns(divided):
        return None
    failure = check()
    if failure is None:
        passed.add(name)
    return failure
