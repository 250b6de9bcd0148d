"""Items that are there already, said as a stream: those that a scenario writes by hand (server tools, messages
with citations), and those of stored responses.

What a kind of item is streamed with stands in tables: the stages that it goes through, and the member that
comes in a delta of its own. An item of another kind is added and done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from mockllm.core.json.codec import Json

Item: TypeAlias = dict[str, Json]
NativeEvent: TypeAlias = tuple[str, dict[str, Json]]
"""The end of an event's name, and its members beside the item's id and index."""

SEARCHING: Final = ("in_progress", "searching", "completed")
STAGES: Final[dict[str, tuple[str, ...]]] = {
    "web_search_call": SEARCHING,
    "file_search_call": SEARCHING,
    "code_interpreter_call": ("in_progress", "interpreting", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "mcp_call": ("in_progress", "completed"),
    "mcp_list_tools": ("in_progress", "completed"),
}
PIECES: Final = {
    "code_interpreter_call": ("code_interpreter_call_code", "code"),
    "mcp_call": ("mcp_call_arguments", "arguments"),
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
}
"""What comes in a delta behind the first stage: the event, and the member that it says."""
LATER: Final = {"web_search_call": "action"}
"""A member that an item has only once it is done."""
LISTS: Final = {"message": "content", "reasoning": "summary"}
"""A list that is filled part by part."""


def begun(item: Item) -> Item:
    """The item as it is when it is added."""
    kind = item["type"]
    made = {name: value for name, value in item.items() if name != LATER.get(kind)}
    if "status" in made:
        made["status"] = "in_progress"
    if kind in LISTS:
        made[LISTS[kind]] = []
    if kind in PIECES:
        made[PIECES[kind][1]] = ""
    return made


def between(item: Item) -> Iterator[NativeEvent]:
    """What is said of the item between its beginning and its end."""
    kind = item["type"]
    if kind in LISTS:
        parts = item.get(LISTS[kind])
        for index, part in enumerate(parts if type(parts) is list else ()):
            if type(part) is dict:
                yield from _content(part, index) if kind == "message" else _summary(part, index)
    stages: list[NativeEvent] = [(f"{kind}.{stage}", {}) for stage in STAGES.get(kind, ())]
    yield from stages[:1]
    if kind in PIECES:
        event, member = PIECES[kind]
        yield f"{event}.delta", {"delta": item.get(member)}
        yield f"{event}.done", {member: item.get(member)}
    yield from stages[1:]


def _summary(part: Item, index: int) -> Iterator[NativeEvent]:
    """A part of reasoning's summary."""
    at: Item = {"summary_index": index}
    yield "reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}
    yield "reasoning_summary_text.delta", {**at, "delta": part.get("text")}
    yield "reasoning_summary_text.done", {**at, "text": part.get("text")}
    yield "reasoning_summary_part.done", {**at, "part": part}


def _content(part: Item, index: int) -> Iterator[NativeEvent]:
    """A part of a message: its text at once, then its citations; or its refusal."""
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
