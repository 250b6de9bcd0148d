"""What stands before a request that goes on from a stored response: the items of all that led to it.

Stored are the bodies as they were sent; they are read here, when somebody asks.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.randomness import HEX, Ids
from mockllm.core.request.stored_responses import ResponseLookup, StoredResponse
from mockllm.dialects.openai.request_helpers import object_of, objects

LONGEST: Final = 10_000
"""How many responses of a chain are followed back."""


def chain(last: StoredResponse | None, recall: ResponseLookup) -> list[StoredResponse]:
    """The stored responses that lead to this one, the first of them first."""
    found: list[StoredResponse] = []
    while last is not None and len(found) < LONGEST:
        found.append(last)
        last = None if last.previous is None else recall.stored(last.previous)
    return found[::-1]


def items(input: Json) -> list[dict[str, Json]]:
    """The items of an input; a text is a message of the user's."""
    if type(input) is str:
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": input}]}]
    return list(objects(input))


def asked(stored: StoredResponse) -> dict[str, Json]:
    """The body of the request."""
    return _read(stored.request_body)


def response(said: bytes) -> dict[str, Json]:
    """The response object in what was sent: a body, or the data of the last event. Empty where it is none."""
    sent = _read(said)
    found = object_of(sent.get("response", sent))
    return found if found.get("object") == "response" else {}


def history(stored: list[StoredResponse]) -> list[dict[str, Json]]:
    """What was asked and said in all of these."""
    return [
        item
        for each in stored
        for item in (*items(asked(each).get("input")), *objects(response(each.response_body).get("output")))
    ]


def referred(item: dict[str, Json], recall: ResponseLookup) -> dict[str, Json]:
    """The stored item that a reference means; any other item, and a reference to nothing, is itself."""
    id = item.get("id")
    if item.get("type") != "item_reference" or type(id) is not str:
        return item
    stored = recall.stored(id)
    found = [] if stored is None else objects(response(stored.response_body).get("output"))
    return next((each for each in found if each.get("id") == id), item)


def listed(item: dict[str, Json], place: str) -> dict[str, Json]:
    """An item as it is shown to clients: with an id (made of its place), and a text as a part."""
    kind = item.get("type", "message")
    prefix = "msg_" if kind == "message" else "item_"
    made: dict[str, Json] = {"id": Ids(0, place, 0).make(prefix, 50, alphabet=HEX), "type": kind}
    if kind == "message":
        made["status"] = "completed"
    said = item.get("content")
    if type(said) is str:
        text: dict[str, Json] = {"type": "input_text", "text": said}
        if item.get("role") == "assistant":
            text = {"type": "output_text", "annotations": [], "logprobs": [], "text": said}
        return {**made, **item, "content": [text]}
    return {**made, **item}


def _read(body: bytes) -> dict[str, Json]:
    try:
        return object_of(loads(body))
    except JSONDecodeError:
        return {}
