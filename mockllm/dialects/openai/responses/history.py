"""The items before a request that continues a stored response: the items of all earlier requests and responses.

The store contains the bodies as they were sent; this module parses them on demand.
"""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects, read_object
from mockllm.core.randomness import HEX, Ids
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject


def stored_conversation(id: str, lookup: ObjectLookup) -> StoredObject | None:
    """Return the conversation of an id; None for an id of another object."""
    stored = lookup.stored(id)
    if stored is None or read_object(stored.response_body).get("object") != "conversation":
        return None
    return stored


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


def history(stored: list[StoredObject]) -> list[dict[str, Json]]:
    """Return the input and output items of all these responses."""
    return [
        item
        for entry in stored
        for item in (
            *items(read_object(entry.request_body).get("input")),
            *objects(response_object(entry.response_body).get("output")),
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
