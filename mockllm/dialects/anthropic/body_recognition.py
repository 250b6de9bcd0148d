"""Whether a bare JSON body is a request to Anthropic's messages: what `explain` guesses by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json

ANTHROPIC_FIELDS: Final = frozenset({"system", "stop_sequences", "anthropic_version", "thinking", "top_k"})
"""Fields at the top of a body that OpenAI's clients do not send."""


def is_messages_body(body: Mapping[str, Json]) -> bool:
    """Whether the model is a Claude, a field is Anthropic's, or tools and blocks have Anthropic's form."""
    model = body.get("model")
    if isinstance(model, str) and model.startswith("claude"):
        return True
    return bool(ANTHROPIC_FIELDS & body.keys()) or _has_blocks(body)


def _has_blocks(body: Mapping[str, Json]) -> bool:
    """Whether its tools, or blocks in its messages, have Anthropic's form."""
    tools, messages = body.get("tools"), body.get("messages")
    if isinstance(tools, list) and any(isinstance(tool, dict) and "input_schema" in tool for tool in tools):
        return True
    contents = (
        [message.get("content") for message in messages if isinstance(message, dict)]
        if isinstance(messages, list)
        else []
    )
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return any(
        isinstance(block, dict) and block.get("type") in ("tool_use", "tool_result") for block in blocks
    )
