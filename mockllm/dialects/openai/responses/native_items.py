"""The stream events of complete items: items that a scenario writes in native form (server tools, messages
with citations), and those of stored responses.

Tables contain the streaming form of each item type: its stages, and the member that has its own delta. An
item of any other type is only added and done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from mockllm.core.json.codec import Json

Item: TypeAlias = dict[str, Json]
NativeEvent: TypeAlias = tuple[str, dict[str, Json]]
"""The end of an event's name, and its members other than the item's id and index."""

SEARCHING: Final = ("in_progress", "searching", "completed")
STAGES: Final[dict[str, tuple[str, ...]]] = {
    "web_search_call": SEARCHING,
    "file_search_call": SEARCHING,
    "code_interpreter_call": ("in_progress", "interpreting", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "mcp_call": ("in_progress", "completed"),
    "mcp_list_tools": ("in_progress", "completed"),
}
DELTA_MEMBERS: Final = {
    "code_interpreter_call": ("code_interpreter_call_code", "code"),
    "mcp_call": ("mcp_call_arguments", "arguments"),
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
}
"""The member that is sent in a delta after the first stage: the event, and the member's name."""
LATE_MEMBERS: Final = {"web_search_call": "action"}
"""A member that an item has only once it is done."""
PART_LISTS: Final = {"message": "content", "reasoning": "summary"}
"""A list whose parts are sent one by one."""


def opening_item(item: Item) -> Item:
    """Return the item as it is when it is added."""
    kind = item["type"]
    result = {name: value for name, value in item.items() if name != LATE_MEMBERS.get(kind)}
    if "status" in result:
        result["status"] = "in_progress"
    if kind in PART_LISTS:
        result[PART_LISTS[kind]] = []
    if kind in DELTA_MEMBERS:
        result[DELTA_MEMBERS[kind][1]] = ""
    return result


def item_events(item: Item) -> Iterator[NativeEvent]:
    """Yield the events between an item's addition and its completion."""
    kind = item["type"]
    if kind in PART_LISTS:
        parts = item.get(PART_LISTS[kind])
        for index, part in enumerate(parts if type(parts) is list else ()):
            if type(part) is dict:
                yield from _content(part, index) if kind == "message" else _summary(part, index)
    stages: list[NativeEvent] = [(f"{kind}.{stage}", {}) for stage in STAGES.get(kind, ())]
    yield from stages[:1]
    if kind in DELTA_MEMBERS:
        event, member = DELTA_MEMBERS[kind]
        yield f"{event}.delta", {"delta": item.get(member)}
        yield f"{event}.done", {member: item.get(member)}
    yield from stages[1:]


def _summary(part: Item, index: int) -> Iterator[NativeEvent]:
    """Yield the events of a part of a reasoning summary."""
    at: Item = {"summary_index": index}
    yield "reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}
    yield "reasoning_summary_text.delta", {**at, "delta": part.get("text")}
    yield "reasoning_summary_text.done", {**at, "text": part.get("text")}
    yield "reasoning_summary_part.done", {**at, "part": part}


def _content(part: Item, index: int) -> Iterator[NativeEvent]:
    """Yield the events of a message part: its text in one delta, then its citations; or its refusal."""
    at: Item = {"content_index": index}
    if part.get("type") == "refusal":
        yield "content_part.added", {**at, "part": {**part, "refusal": ""}}
        yield "refusal.delta", {**at, "delta": part.get("refusal")}
        yield "refusal.done", {**at, "refusal": part.get("refusal")}
        yield "content_part.done", {**at, "part": part}
        return
    citations = part.get("annotations")
    text = part.get("text", "")
    yield "content_part.added", {**at, "part": {**part, "annotations": [], "text": ""}}
    yield "output_text.delta", {**at, "delta": text, "logprobs": []}
    for number, citation in enumerate(citations if type(citations) is list else ()):
        yield "output_text.annotation.added", {**at, "annotation": citation, "annotation_index": number}
    yield "output_text.done", {**at, "logprobs": [], "text": text}
    yield "content_part.done", {**at, "part": part}
