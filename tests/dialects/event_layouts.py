"""Where each protocol's events have what the faults of form change, and the events with a fault."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire_events import PROTOCOLS, WireEvents, wire_events

CALLS = {
    "tool_calls": [
        {"name": "look", "arguments": {"city": "Oslo"}, "id": "a"},
        {"name": "hear", "arguments": {"city": "Rome"}, "id": "b"},
    ]
}
TEXT = {"chunks": ["one", "two"]}
ID = {
    "openai-chat": "choices.0.delta.tool_calls.0.id",
    "openai-responses": "item.call_id",
    "anthropic-messages": "content_block.id",
    "gemini-generate": "candidates.0.content.parts.0.functionCall.id",
    "bedrock-converse": "start.toolUse.toolUseId",
    "bedrock-invoke": "content_block.id",
    "ollama-native_chat": "message.tool_calls.0.id",
    "cohere-chat": "delta.message.tool_calls.id",
}
INDEX = {
    "openai-chat": "choices.0.delta.tool_calls.0.index",
    "openai-responses": "output_index",
    "anthropic-messages": "index",
    "bedrock-converse": "contentBlockIndex",
    "bedrock-invoke": "index",
    "ollama-native_chat": "message.tool_calls.0.function.index",
    "cohere-chat": "index",
}
ARGUMENTS = {
    "openai-chat": "choices.0.delta.tool_calls.0.function.arguments",
    "openai-responses": "item.arguments",
    "anthropic-messages": "delta.partial_json",
    "bedrock-converse": "delta.toolUse.input",
    "bedrock-invoke": "delta.partial_json",
    "cohere-chat": "delta.message.tool_calls.function.arguments",
}
FINISH = {
    "openai-chat": "choices.0.finish_reason",
    "openai-completions": "choices.0.finish_reason",
    "openai-responses": "response.status",
    "anthropic-messages": "delta.stop_reason",
    "gemini-generate": "candidates.0.finishReason",
    "bedrock-converse": "stopReason",
    "bedrock-invoke": "delta.stop_reason",
    "ollama-native_chat": "done_reason",
}
USAGE = {
    "openai-chat": "usage",
    "openai-completions": "usage",
    "openai-responses": "response.usage",
    "anthropic-messages": "message.usage",
    "gemini-generate": "usageMetadata",
    "bedrock-invoke": "message.usage",
}
TEXTS = {
    "openai-chat": "choices.0.delta.content",
    "openai-completions": "choices.0.text",
    "openai-responses": "delta",
    "anthropic-messages": "delta.text",
    "gemini-generate": "candidates.0.content.parts.0.text",
    "bedrock-converse": "delta.text",
    "bedrock-invoke": "delta.text",
    "ollama-native_chat": "message.content",
    "cohere-chat": "delta.message.content.text",
}
protocols = pytest.mark.parametrize("call", PROTOCOLS)


def played(call: str, fault: str, reply: Any = TEXT, **settings: Any) -> WireEvents:
    """With one fault."""
    return wire_events(call, {"reply": reply, "faults": [{fault: settings}]})


def plain(call: str, reply: Any = TEXT) -> WireEvents:
    return wire_events(call, {"reply": reply})


def kept(call: str, found: WireEvents, reply: Any = TEXT) -> bool:
    """Whether the bytes are those without a fault."""
    return found.body == plain(call, reply).body


def text_at(event: Any, path: str) -> Any:
    return next(iter(WireEvents([], [event], b"", "", 200, {}).column(path)), None)
