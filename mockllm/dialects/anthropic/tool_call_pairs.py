"""Checks that the calls of one group of messages have unique ids, and that calls and results belong together.

Sources: public reports of 2024 to 2026, such as github.com/anthropics/claude-code/issues/21317 of calls with one id,
and github.com/vercel/eve/issues/1246 of two results of one call.
All reports of calls with one id concern one message; whether an id may occur again later is unknown, so it passes.
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

    @property
    def results(self) -> list[tuple[int, str]]:
        """The results of calls: their places and ids."""
        blocks = enumerate(self.blocks)
        return [(place, block["tool_use_id"]) for place, block in blocks if block["type"] == "tool_result"]


def check_pairs(messages: list[dict[str, Json]]) -> None:
    """Raise a problem for two calls of one group with the same id, and for calls without results in the next group.
    Raise one for results without calls in the previous group, and for two results of one call."""
    before = MessageGroup(0, "")
    for group in (*_message_groups(messages), MessageGroup(len(messages), "")):
        calls, results = _calls_of(before), group.results
        result_ids = {id for _, id in results}
        missing = [id for id in calls if id not in result_ids]
        if missing:
            raise AnthropicRequestProblem(
                f"messages.{before.number}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(missing)}. {_NEXT}"
            )
        for place, id in results:
            if id not in calls:
                raise AnthropicRequestProblem(
                    f"messages.{group.number}.content.{place}: unexpected `tool_use_id` "
                    f"found in `tool_result` blocks: {id}. {_PREVIOUS}"
                )
            if id not in result_ids:
                raise AnthropicRequestProblem(
                    f"messages.{group.number}.content.{place}: each tool_use must have a single result. "
                    f"Found multiple `tool_result` blocks with id: {id}"
                )
            result_ids.remove(id)
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
