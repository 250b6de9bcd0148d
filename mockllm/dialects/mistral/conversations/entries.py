"""The entries of a conversation: those of a request, those before it, and the messages that they are.

From the types of the `mistralai` package (3.7: `InputEntries`, `Entry`). The form of stored entries is that of the
history on the pages of Mistral's documentation. No function raises on any JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import objects, text_of
from mockllm.core.randomness import HEX, Ids
from mockllm.core.request.messages import MediaPart, MessagePart, OtherPart, TextPart, ThinkingPart
from mockllm.core.request.read_turns import ReadTurns
from mockllm.core.request.request import Message
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.dialects.openai.request_fields import NEUTRAL_ROLES, read_tool_call, result_parts

INPUT: Final = "message.input"
OUTPUT: Final = "message.output"
CALL: Final = "function.call"
RESULT: Final = "function.result"
EXECUTION: Final = "tool.execution"
HANDOFF: Final = "agent.handoff"
PREFIXES: Final = {
    INPUT: "msg_",
    OUTPUT: "msg_",
    CALL: "fc_",
    RESULT: "fr_",
    EXECUTION: "tool_exec_",
    HANDOFF: "handoff_",
}
"""The types of entries, and the prefixes of their ids. Those of results and handoffs are inferred."""
MEDIA: Final = {
    "image_url": MediaPart("image"),
    "document_url": MediaPart("file"),
    "tool_file": MediaPart("file"),
}


def read_inputs(inputs: Json) -> list[dict[str, Json]]:
    """Return the inputs of a request as entries; a text is a message of the user."""
    if type(inputs) is str:
        return [{"role": "user", "content": inputs}]
    return list(objects(inputs))


def kind_of(entry: dict[str, Json]) -> str | None:
    """Return the type of an entry. One without a type is an input; one of another type has none."""
    kind = entry.get("type", INPUT)
    return kind if type(kind) is str and kind in PREFIXES else None


def stored_entries(
    new: Sequence[dict[str, Json]], conversation: str, added: int, time: str
) -> Iterator[dict[str, Json]]:
    """Yield new entries in their stored form, each with an id that follows from its place. `added` entries came
    before."""
    for place, entry in enumerate(new, added):
        kind = kind_of(entry)
        if kind is not None:
            id = Ids(0, f"{conversation}.{place}", 0).make(PREFIXES[kind], 32, alphabet=HEX)
            own = {name: value for name, value in entry.items() if name != "completed_at"}
            times = {"created_at": time, "completed_at": None}
            yield {"object": "entry", "type": kind, **times, "id": id, **own}


def add_entry(turns: ReadTurns, entry: Json, lookup: ObjectLookup) -> None:
    """Add the message of an entry."""
    kind = kind_of(entry)
    if kind in (INPUT, OUTPUT):
        role = entry.get("role", "user" if kind == INPUT else "assistant")
        if type(role) is str and role in NEUTRAL_ROLES:
            turns.join(Message(NEUTRAL_ROLES[role], tuple(_parts(entry.get("content")))))
    elif kind == CALL:
        call = read_tool_call(text_of(entry.get("tool_call_id")), entry)
        if call.id is not None:
            turns.tools_by_call_id[call.id] = call.name
        turns.join(Message("assistant", (call,)))
    elif kind == RESULT:
        id = text_of(entry.get("tool_call_id"))
        name = None if id is None else turns.tools_by_call_id.get(id) or lookup.tool_by_call_id(id)
        turns.add(Message("tool", result_parts(id, name, entry.get("result"), MEDIA)))
    elif kind is not None:
        turns.join(Message("assistant", (OtherPart(kind),)))


def _parts(content: Json) -> Iterator[MessagePart]:
    if type(content) is str:
        yield TextPart(content)
    for chunk in objects(content):
        kind, text = text_of(chunk.get("type")), text_of(chunk.get("text"))
        if kind == "thinking":
            texts = (text_of(part.get("text")) for part in objects(chunk.get("thinking")))
            yield ThinkingPart("".join(filter(None, texts)))
        elif text is not None:
            yield TextPart(text)
        else:
            yield MEDIA.get(kind or "") or OtherPart(kind or "None")
