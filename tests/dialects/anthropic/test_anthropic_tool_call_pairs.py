"""Calls with more than one result, in messages and in token counts."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.rendering.plan import Plan
from mockllm.dialects.anthropic.content_check import fast_accepts_all
from mockllm.dialects.anthropic.provider import COUNT
from tests.dialects.anthropic.messages_requests import GOOD, refusal_message
from tests.dialects.anthropic.test_anthropic_check import HI, TEXT, call, result
from tests.dialects.anthropic.test_anthropic_count import PROMPT, count_request

REFUSED = "each tool_use must have a single result. Found multiple `tool_result` blocks with id: "


@pytest.mark.parametrize(
    ("turns", "refused"),
    [
        ([call("t1"), result("t1", "t1")], f"messages.2.content.1: {REFUSED}t1"),
        ([call("a", "b"), result("a", "b", "a")], f"messages.2.content.2: {REFUSED}a"),
        ([call("a"), result("a"), result("a")], f"messages.2.content.1: {REFUSED}a"),
        ([call("a"), {"role": "user", "content": [TEXT]}, result("a")], None),
        ([call("a"), result("a"), call("a"), result("a")], None),
    ],
)
def test_call_has_one_result(turns: list[Any], refused: str | None) -> None:
    messages = [HI, *turns]
    assert refusal_message({**GOOD, "messages": messages}) == refused
    assert fast_accepts_all(messages) == (refused is None)


def test_tokens_of_two_results_of_a_call_are_not_counted() -> None:
    failure = COUNT.check(count_request({**PROMPT, "messages": [HI, call("a"), result("a", "a")]}))
    assert failure is not None
    assert not isinstance(failure, Plan)
    assert failure.message == f"messages.2.content.1: {REFUSED}a"
