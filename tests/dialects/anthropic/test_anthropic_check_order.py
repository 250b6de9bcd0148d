"""Which of several wrong fields of a messages request is refused."""

from __future__ import annotations

from typing import Any

from tests.dialects.anthropic.messages_requests import EMPTY_USER, GOOD, refusal_message

WRONG: list[tuple[str, Any]] = [
    *[("model", 7), ("tool_choice", 7), ("tools", "x"), ("messages", "x"), ("system", 7), ("thinking", "x")],
    *[("output_config", "x"), ("cache_control", "x"), ("max_tokens", "x"), ("metadata", "x")],
    *[("stop_sequences", "x"), ("temperature", "x"), ("service_tier", 7), ("top_k", "x"), ("top_p", "x")],
    *[("stream", "x"), ("container", 7), ("inference_geo", 7)],
]
"""Fields with a wrong value, in the order of their checks."""


def test_first_wrong_field_of_a_fixed_order_is_refused() -> None:
    for number, (name, _) in enumerate(WRONG):
        body = {**GOOD, **dict(reversed(WRONG[number:]))}
        assert (refusal_message(body) or "").partition(":")[0].partition(".")[0] == name


def test_wrong_field_is_refused_before_a_message_in_wrong_place() -> None:
    misplaced = {**GOOD, "messages": [{"role": "user", "content": []}]}
    assert refusal_message({**misplaced, "temperature": "x"}) == "temperature: Input should be a valid number"
    assert refusal_message({**misplaced, "container": "c"}) == f"messages.0: {EMPTY_USER}"
