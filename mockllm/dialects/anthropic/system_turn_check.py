"""Checks of messages with the role `system`: their content, and their places between the others.

Source: requests to Claude Sonnet 5 that the project `local-OAuth-CLI-API-adapter` measured in August and September
2026. Messages with settings and without content have any place, as the provider's messages say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem

_DIRECTIVE_ONLY: Final = (
    "; the directive-only form (content: [] with output_config) is accepted at any position"
)
_FIRST: Final = f"use the top-level 'system' parameter for the initial system prompt{_DIRECTIVE_ONLY}"
_AFTER: Final = (
    "role 'system' must follow a 'user' message or an 'assistant' message ending in a server tool result"
    f"{_DIRECTIVE_ONLY}"
)
_BEFORE: Final = f"role 'system' must precede an 'assistant' message or end the array{_DIRECTIVE_ONLY}"
_NO_BLOCK: Final = "system content must contain at least one block"
_WRONG_BLOCK: Final = "role 'system' supports text, tool_addition, and tool_removal blocks only"
_BLANK: Final = "system text blocks must contain non-whitespace text"
_BLOCKS: Final = frozenset({"text", "tool_addition", "tool_removal"})


def check_system_turns(messages: Sequence[dict[str, Json]]) -> None:
    """Raise the first problem of the messages of the system. Each message has a role and a content."""
    before: dict[str, Json] | None = None
    for number, message in enumerate(messages):
        if message["role"] != "system":
            before = message
            continue
        if _is_directive(message):
            continue
        problem = (
            _content_problem(message) or _place_problem(messages, number, before) or _blank_problem(message)
        )
        if problem is not None:
            raise AnthropicRequestProblem(f"messages.{number}: {problem}")


def system_problem(message: dict[str, Json]) -> str | None:
    """Return the problem of a message of the system with a content that does not depend on its place."""
    return _content_problem(message) or _blank_problem(message)


def _is_directive(message: dict[str, Json]) -> bool:
    return message["content"] == [] and type(message.get("output_config")) is dict


def _content_problem(message: dict[str, Json]) -> str | None:
    content = message["content"]
    if not content:
        return _NO_BLOCK
    is_wrong = type(content) is list and not all(block["type"] in _BLOCKS for block in content)
    return _WRONG_BLOCK if is_wrong else None


def _place_problem(
    messages: Sequence[dict[str, Json]], number: int, before: dict[str, Json] | None
) -> str | None:
    """Return the problem of a message's place. `before`: the last message of another role before it."""
    if number == 0:
        return _FIRST
    if before is not None and before["role"] == "assistant" and not _ends_with_result(before["content"]):
        return _AFTER
    is_last = number + 1 == len(messages)
    return _BEFORE if not is_last and messages[number + 1]["role"] == "user" else None


def _ends_with_result(content: Json) -> bool:
    return type(content) is list and content != [] and content[-1]["type"].endswith("_tool_result")


def _blank_problem(message: dict[str, Json]) -> str | None:
    content = message["content"]
    texts = (
        [content] if type(content) is str else [block["text"] for block in content if block["type"] == "text"]
    )
    return None if all(text.strip() for text in texts) else _BLANK
