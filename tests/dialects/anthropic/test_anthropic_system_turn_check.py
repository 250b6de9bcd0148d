"""Refusals of messages with the role `system`."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import MINIMAL, messages

HI = {"role": "user", "content": "hi"}
ASSISTANT = {"role": "assistant", "content": "So"}
ANY_PLACE = "; the directive-only form (content: [] with output_config) is accepted at any position"
FIRST = f"use the top-level 'system' parameter for the initial system prompt{ANY_PLACE}"
BEFORE = f"role 'system' must precede an 'assistant' message or end the array{ANY_PLACE}"
PREDECESSORS = "a 'user' message or an 'assistant' message ending in a server tool result"
AFTER = f"role 'system' must follow {PREDECESSORS}{ANY_PLACE}"
NO_BLOCK = "system content must contain at least one block"
WRONG_BLOCK = "role 'system' supports text, tool_addition, and tool_removal blocks only"
BLANK = "system text blocks must contain non-whitespace text"
IMAGE = {"type": "image", "source": {"type": "url", "url": "u"}}


def turn(content: Any = "x") -> dict[str, Any]:
    return {"role": "system", "content": content}


def text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        pytest.param([turn(), HI], f"messages.0: {FIRST}", id="first"),
        pytest.param([turn(" "), HI], f"messages.0: {FIRST}", id="first and blank"),
        pytest.param([turn([]), HI], f"messages.0: {NO_BLOCK}", id="first and empty"),
        pytest.param([turn([IMAGE]), HI], f"messages.0: {WRONG_BLOCK}", id="first with an image"),
        pytest.param([HI, turn(), HI], f"messages.1: {BEFORE}", id="before a user's"),
        pytest.param([HI, turn(" "), HI], f"messages.1: {BEFORE}", id="blank before a user's"),
        pytest.param([HI, turn(), turn(), turn(), HI], f"messages.3: {BEFORE}", id="several before a user's"),
        pytest.param([HI, ASSISTANT, turn()], f"messages.2: {AFTER}", id="after an answer"),
        pytest.param([HI, turn([])], f"messages.1: {NO_BLOCK}", id="empty"),
        pytest.param([HI, turn("")], f"messages.1: {NO_BLOCK}", id="an empty text"),
        pytest.param([HI, turn([]), HI], f"messages.1: {NO_BLOCK}", id="empty before a user's"),
        pytest.param([HI, turn("  ")], f"messages.1: {BLANK}", id="blank"),
        pytest.param([HI, turn([text("x"), text("")])], f"messages.1: {BLANK}", id="one block blank"),
        pytest.param([HI, turn([IMAGE])], f"messages.1: {WRONG_BLOCK}", id="an image"),
        pytest.param([HI, turn([IMAGE]), HI], f"messages.1: {WRONG_BLOCK}", id="an image before a user's"),
    ],
)
def test_system_turn_with_a_problem_is_refused(turns: list[Any], message: str) -> None:
    failure = MESSAGES.check(messages({**MINIMAL, "model": "claude-x", "messages": turns}))
    assert failure is not None
    assert failure.message == message


def test_top_level_settings_do_not_permit_an_empty_system_turn() -> None:
    body = {**MINIMAL, "model": "claude-x", "messages": [HI, turn([])], "output_config": {"effort": "low"}}
    failure = MESSAGES.check(messages(body))
    assert failure is not None
    assert failure.message == f"messages.1: {NO_BLOCK}"
