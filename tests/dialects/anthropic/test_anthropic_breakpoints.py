"""Cache breakpoints of a messages request: four at most."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import MINIMAL, messages

TOOL = {"name": "get", "input_schema": {"type": "object"}}
CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "get", "input": {}}]}


def marked(top: bool, tools: int, system: int, turns: int, inner: int) -> dict[str, Any]:
    """A request with so many breakpoints in each place, and some that are none."""
    mark = {"cache_control": {"type": "ephemeral"}}
    text = {"type": "text", "text": '"cache_control"', "cache_control": None}
    result = {"type": "tool_result", "tool_use_id": "t1"}
    blocks: list[Any] = [text, *[{**text, **mark}] * turns]
    found: dict[str, Any] = {
        **MINIMAL,
        "tools": [{**TOOL, "name": f"t{number}", **mark} for number in range(tools)],
        "system": [text, *[{**text, **mark}] * system],
        "messages": [
            {"role": "user", "content": blocks},
            CALL,
            {"role": "user", "content": [{**result, "content": [{**text, **mark}] * inner}]},
        ],
    }
    return {**found, **mark} if top else found


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ((False, 1, 1, 1, 1), 4),
        ((True, 1, 1, 1, 0), 4),
        ((True, 1, 1, 1, 1), 5),
        ((False, 2, 0, 4, 0), 6),
        ((False, 0, 5, 0, 0), 5),
        ((False, 0, 0, 0, 5), 5),
    ],
)
def test_more_than_four_breakpoints_are_refused(places: tuple[bool, int, int, int, int], found: int) -> None:
    message = f"A maximum of 4 blocks with cache_control may be provided. Found {found}."
    failure = MESSAGES.check(messages(marked(*places)))
    assert (failure and failure.message) == (None if found == 4 else message)
