"""DeepSeek's responses call: its ids, and its changes to OpenAI's objects. From recordings of August 2026."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import JsonObject
from mockllm.core.randomness import BASE62
from mockllm.dialects.openai.responses.object import DEFAULT_LOCATION
from mockllm.dialects.vendors.object_edits import (
    drop,
    items_of,
    response_of,
    serve_by_default,
    without_own_settings,
)
from mockllm.dialects.vendors.response_ids import CALL, ITEMS, RESPONSE, UUID, CountedIds
from mockllm.dialects.vendors.vendor import VendorIdFormat

CALL_ID: Final = VendorIdFormat(CALL, 24, counted=True)


class DeepSeekIds(CountedIds):
    """A UUID for the response, and one for each item. Calls have the ids of its chat."""

    __slots__ = ()

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        if prefix == RESPONSE or prefix in ITEMS:
            return UUID.make(self._ids, prefix + place)
        if prefix == CALL:
            return CALL_ID.make(self._ids, place, self.number(prefix, place))
        return self._ids.make(prefix, length, place, alphabet)


REASONING_EVENTS: Final = {
    "response.reasoning_summary_part.added": "response.content_part.added",
    "response.reasoning_summary_part.done": "response.content_part.done",
    "response.reasoning_summary_text.delta": "response.reasoning_text.delta",
    "response.reasoning_summary_text.done": "response.reasoning_text.done",
}
"""OpenAI's events of a summary, and DeepSeek's events of the reasoning itself."""


def _reasoning_text(part: JsonObject) -> JsonObject:
    return {**part, "type": "reasoning_text"}


def edit_response(payload: JsonObject) -> None:
    """Send the reasoning itself instead of a summary, without encrypted content."""
    drop(payload, "obfuscation")
    name = REASONING_EVENTS.get(payload.get("type", ""))
    if name is not None:
        payload |= {"type": name, "content_index": payload.pop("summary_index")}
        if "part" in payload:
            payload["part"] = _reasoning_text(payload["part"])
    opens = payload.get("type") == "response.output_item.added"
    for item in items_of(payload):
        if item["type"] == "reasoning":
            item["content"] = [_reasoning_text(part) for part in item["summary"]]
            item |= {"summary": [], "status": "in_progress" if opens else "completed"}
            drop(item, "encrypted_content")
        elif item["type"] == "message":
            item["phase"] = "final_answer"
    response = response_of(payload)
    if response is None:
        return
    serve_by_default(response)
    drop(response, "billing", "prompt_cache_options", "tool_usage")
    drop(response["reasoning"], "context", "mode")
    for tool in response["tools"]:
        without_own_settings(tool)
        drop(tool, *(name for name in ("description",) if tool.get(name) is None))
        if tool.get("search_context_size") == "medium":  # the default of OpenAI's echo
            tool["search_context_size"] = None
        if tool.get("user_location") == DEFAULT_LOCATION:
            tool["user_location"] = None
    response |= {"content_filters": None, "moderation": None, "prompt_cache_retention": None}
    response["text"]["verbosity"] = None
    if response.get("usage") is not None:
        drop(response["usage"]["input_tokens_details"], "cache_write_tokens")
