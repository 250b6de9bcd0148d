"""Checks that the calls of one group of messages have unique ids, and that calls and results belong together.

Sources: public reports of 2024 to 2026, such as github.com/anthropics/claude-code/issues/21317 of calls with one id.
All reports of such calls concern one message; whether an id may occur again later is unknown, so it passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem

_NEXT: Final = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
_PREVIOUS: Final = (
    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
)


class MessageGroup(Struct):
    """Adjacent messages of one role, which the service joins before its check."""

    number: int
    role: str
    blocks: list[dict[str, Json]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Json]]:
        return [block for block in self.blocks if block["type"] == kind]


def check_pairs(messages: list[dict[str, Json]]) -> None:
    """Raise a problem for two calls of one group with the same id. Raise one for calls without results in the next
    group, and for results without calls in the previous group."""
    before = MessageGroup(0, "")
    for group in (*_message_groups(messages), MessageGroup(len(messages), "")):
        calls = _calls_of(before)
        results = group.of("tool_result")
        result_ids = {block["tool_use_id"] for block in results}
        missing = [id for id in calls if id not in result_ids]
        if missing:
            raise AnthropicRequestProblem(
                f"messages.{before.number}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(missing)}. {_NEXT}"
            )
        for block in results:
            if block["tool_use_id"] not in calls:
                raise AnthropicRequestProblem(
                    f"messages.{group.number}.content.{group.blocks.index(block)}: unexpected `tool_use_id` "
                    f"found in `tool_result` blocks: {block['tool_use_id']}. {_PREVIOUS}"
                )
        before = group


def _calls_of(group: MessageGroup) -> dict[str, None]:
    """Return the ids of the calls in their order."""
    calls: dict[str, None] = {}
    for place, block in enumerate(group.blocks):
        if block["type"] == "tool_use":
            if block["id"] in calls:
                raise AnthropicRequestProblem(
                    f"messages.{group.number}.content.{place}: `tool_use` ids must be unique"
                )
            calls[block["id"]] = None
    return calls


def _message_groups(messages: list[dict[str, Json]]) -> Iterator[MessageGroup]:
    group = MessageGroup(0, "")
    for number, message in enumerate(messages):
        if message["role"] == "system":
            continue
        if group.role != message["role"]:
            if group.role:
                yield group
            group = MessageGroup(number, message["role"])
        if type(message["content"]) is list:
            group.blocks += message["content"]
    yield group
