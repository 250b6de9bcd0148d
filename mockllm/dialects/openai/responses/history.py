"""The items before a request that continues a stored response: the items of all earlier requests and responses.

The store contains the bodies as they were sent; this module parses them on demand.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import object_of, objects, read_object
from mockllm.core.randomness import HEX, Ids
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.dialects.background import has_ended, is_queued

IN_PROGRESS: Final = "response.in_progress"
ITEM_DONE: Final = "response.output_item.done"


def items(input: Json) -> list[dict[str, Json]]:
    """Return the items of an input; a text is a message of the user."""
    if type(input) is str:
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": input}]}]
    return list(objects(input))


def response_object(sent_bytes: bytes) -> dict[str, Json]:
    """Return the response object of the sent bytes: a body, or the data of the last event. Return an empty
    object where there is none."""
    sent = read_object(sent_bytes)
    response_object = object_of(sent.get("response", sent))
    return response_object if response_object.get("object") == "response" else {}


def response_at(stored: StoredObject, monotonic: float) -> dict[str, Json]:
    """Return the response object as a read at this time finds it."""
    timeline = stored.timeline
    if timeline is None or (timeline.cancelled is None and has_ended(timeline, monotonic)):
        return response_object(stored.response_body)
    past = [event for event in timeline.events if event[0] <= timeline.elapsed(monotonic)]
    status = "queued" if is_queued(timeline, monotonic, IN_PROGRESS) else "in_progress"
    if timeline.cancelled is not None:
        status = "cancelled"
    output = [loads(payload)["item"] for _, name, payload in past if name == ITEM_DONE]
    opening = object_of(loads(timeline.events[0][2])["response"])
    return {**opening, "status": status, "output": [] if status == "queued" else output}


def history(stored: list[StoredObject], monotonic: float) -> list[dict[str, Json]]:
    """Return the input items of all these responses, and the output items that they have at this time."""
    return [
        item
        for entry in stored
        for item in (
            *items(read_object(entry.request_body).get("input")),
            *objects(response_at(entry, monotonic).get("output")),
        )
    ]


def resolve_reference(item: dict[str, Json], lookup: ObjectLookup) -> dict[str, Json]:
    """Return the stored item of a reference; return any other item, and an unknown reference, unchanged."""
    id = item.get("id")
    if item.get("type") != "item_reference" or type(id) is not str:
        return item
    stored = lookup.stored(id)
    items_ = [] if stored is None else objects(response_object(stored.response_body).get("output"))
    return next((entry for entry in items_ if entry.get("id") == id), item)


def listed_item(item: dict[str, Json], place: str) -> dict[str, Json]:
    """Return an item in its listed form: with an id derived from its place, and with a text as a part."""
    kind = item.get("type", "message")
    prefix = "msg_" if kind == "message" else "item_"
    result: dict[str, Json] = {"id": Ids(0, place, 0).make(prefix, 50, alphabet=HEX), "type": kind}
    if kind == "message":
        result["status"] = "completed"
    content = item.get("content")
    if type(content) is str:
        text: dict[str, Json] = {"type": "input_text", "text": content}
        if item.get("role") == "assistant":
            text = {"type": "output_text", "annotations": [], "logprobs": [], "text": content}
        return {**result, **item, "content": [text]}
    return {**result, **item}
