"""The stored form of a conversation: its items, and the background responses whose output joins them at its end.

The items are the input of the stored request body. So the history of a request reads them as it reads those of a
response.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, objects, read_object, text_of
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.dialects.background import has_ended
from mockllm.dialects.openai.responses.history import items, listed_item, response_at

NO_ITEMS: Final = b'{"input":[],"added":0}'
"""The items of a new conversation, and how many were added so far: their ids depend on it."""
_PENDING: Final = b'{"pending":'
"""The beginning of a conversation to which responses belong that have not ended."""


class StoredItems(Struct):
    """The stored request body of a conversation. Its items, which may be MBs, are not parsed. `pending` has the ids
    of background responses whose output is not among the items."""

    input: Raw
    added: int
    pending: list[str] = []


_STORED_ITEMS: Final = Decoder(StoredItems)


def conversation_id(value: Json) -> str | None:
    """Return the id in a request's `conversation`, which is an id or an object."""
    return text_of(object_of(value).get("id")) if type(value) is dict else text_of(value)


def stored_conversation(id: str, lookup: ObjectLookup, monotonic: float) -> StoredObject | None:
    """Return the conversation of an id as a request at this time finds it; None for an id of another object."""
    stored = lookup.stored(id)
    if stored is None or read_object(stored.response_body).get("object") != "conversation":
        return None
    pending = stored.request_body.startswith(_PENDING)
    return _with_ended(stored, lookup, monotonic) if pending else stored


def _with_ended(conversation: StoredObject, lookup: ObjectLookup, monotonic: float) -> StoredObject:
    """Return a conversation with the output of its background responses that have ended."""
    left: list[str] = []
    output: list[dict[str, Json]] = []
    for id in _STORED_ITEMS.decode(conversation.request_body).pending:
        response = lookup.stored(id)
        if response is None:  # a client has deleted it
            continue
        if response.timeline is not None and not has_ended(response.timeline, monotonic):
            left.append(id)
        else:
            output += objects(response_at(response, monotonic).get("output"))
    return with_items(conversation, output, pending=left)


def conversation_items(conversation: StoredObject) -> list[dict[str, Json]]:
    """Return the items of a conversation, the oldest first; each has an id."""
    return items(read_object(conversation.request_body).get("input"))


def with_items(
    conversation: StoredObject, new: Sequence[dict[str, Json]], *, pending: Sequence[str] | None = None
) -> StoredObject:
    """Return the conversation with further items; `pending` replaces the ids of the responses that have not ended."""
    before = _STORED_ITEMS.decode(conversation.request_body)
    listed = _listed_items(conversation.id, before.added, new)
    texts = [bytes(before.input)[1:-1], *map(dumps, listed)]
    input = b"[%b]" % b",".join(text for text in texts if text)
    waiting = before.pending if pending is None else pending
    begin = b"%b%b," % (_PENDING, dumps(list(waiting))) if waiting else b"{"
    return conversation._replace(
        request_body=b'%b"input":%b,"added":%d}' % (begin, input, before.added + len(listed))
    )


def without_items(conversation: StoredObject, ids: Collection[str]) -> StoredObject:
    """Return the conversation without the items of these ids."""
    left = [item for item in conversation_items(conversation) if item["id"] not in ids]
    before = read_object(conversation.request_body)
    return conversation._replace(request_body=dumps({**before, "input": left}))


def with_response(
    conversation: StoredObject, input: Sequence[dict[str, Json]], response: StoredObject
) -> StoredObject:
    """Return the conversation with the input and the output of a response. That of a background response follows
    at its end."""
    if response.timeline is None:
        output = objects(response_at(response, 0.0).get("output"))
        return with_items(conversation, [*input, *output])
    pending = _STORED_ITEMS.decode(conversation.request_body).pending
    return with_items(conversation, input, pending=[*pending, response.id])


def added_items(conversation: StoredObject, new: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Return new items of a conversation, with their ids."""
    return _listed_items(conversation.id, _STORED_ITEMS.decode(conversation.request_body).added, new)


def _listed_items(id: str, added: int, new: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Return new items of a conversation with ids, after so many that were added before."""
    return [listed_item(item, f"{id}.{added + place}") for place, item in enumerate(new)]


def new_conversation(id: str, metadata: Json, second: int) -> StoredObject:
    """Return a conversation without items."""
    shown = {"id": id, "object": "conversation", "created_at": second, "metadata": metadata}
    return StoredObject(id, None, NO_ITEMS, dumps(shown))
