"""The calls on stored chat completions: list them, and get, update or delete one, or read the request
messages of one.

The session's store serves these calls. A completion that was not stored, was deleted or was evicted is not
found; the message of that 404 is inferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads, pretty
from mockllm.core.lazy import lazy
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StoredResponse, StoreUpdate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import LookupCall, page
from mockllm.dialects.openai.chat.store_update import PREFIX
from mockllm.dialects.openai.headers import PLAIN_HEAD, head
from mockllm.dialects.openai.request_helpers import object_of, objects
from mockllm.dialects.openai.validators import (
    check_readable,
    members,
    missing,
    object_,
    refuse,
    text_of_length,
)

MAX_METADATA: Final = 16
"""The maximum number of metadata properties of an object."""
_value: Final = text_of_length(512)


class StoredChatRequest(Request):
    dialect = "openai"
    api = "stored_completions"

    @lazy
    def stored(self) -> StoredResponse | None:
        """The completion that the path names."""
        id = self.route.get("completion", "")
        return self.recall.stored(id) if id.startswith(PREFIX) else None


class StoredChatCall(LookupCall):
    """The base of the calls on one completion."""

    api = "stored_completions"
    request = StoredChatRequest

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, StoredChatRequest)
        if request.stored is None:
            id = request.route.get("completion")
            return Failure("not_found", message=f"Chat completion with id '{id}' not found.")
        return _body(self.response_body(request.stored, request), stamp)

    def response_body(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        """Return the body of the response for an existing completion."""
        raise NotImplementedError  # pragma: no cover - abstract


class ListChat(StoredChatCall):
    """GET /v1/chat/completions: all completions, or those with a model or metadata; the oldest first."""

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        completions = [loads(stored.response_body) for stored in request.recall.all_stored(PREFIX)]
        matching = [completion for completion in completions if _matches(completion, request)]
        return _body(page(matching, request.query, "asc"), stamp)


class GetChat(StoredChatCall):
    """GET /v1/chat/completions/{id}."""

    def response_body(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        return loads(stored.response_body)


class UpdateChat(StoredChatCall):
    """POST /v1/chat/completions/{id}: replaces the metadata."""

    def check(self, request: Request) -> Failure | None:
        error = check_readable(request)
        if error is not None:
            return error
        if "metadata" not in request.fields:
            return missing("metadata")
        return None if request.fields["metadata"] is None else check_metadata(request.fields["metadata"])

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def response_body(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        return {**loads(stored.response_body), "metadata": object_of(request.fields.get("metadata"))}

    def store_update(self, plan: Plan, request: Request) -> StoreUpdate | None:
        assert isinstance(request, StoredChatRequest)
        stored = request.stored
        if stored is None or plan.head.status != 200:
            return None
        return StoreUpdate(
            (stored.id,), stored._replace(response_body=dumps(self.response_body(stored, request)))
        )


class DeleteChat(StoredChatCall):
    """DELETE /v1/chat/completions/{id}."""

    def response_body(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        return {"object": "chat.completion.deleted", "id": stored.id, "deleted": True}

    def store_update(self, plan: Plan, request: Request) -> StoreUpdate | None:
        assert isinstance(request, StoredChatRequest)
        stored = request.stored
        return None if stored is None or plan.head.status != 200 else StoreUpdate(forgotten=(stored.id,))


class ChatMessages(StoredChatCall):
    """GET /v1/chat/completions/{id}/messages: the messages of the request, the oldest first."""

    def response_body(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        messages = objects(object_of(loads(stored.request_body)).get("messages"))
        items = [_message(message, f"{stored.id}-{index}") for index, message in enumerate(messages)]
        return page(items, request.query, "asc")


def check_metadata(value: Json) -> Failure | None:
    """Return the error of an object's metadata."""
    error = object_(value, "metadata")
    if error is not None:
        return error
    if len(value) > MAX_METADATA:
        message = (
            f"Invalid 'metadata': too many properties. Expected an object with at most {MAX_METADATA} properties, "
            f"but got an object with {len(value)} properties instead."
        )
        return refuse(message, "metadata", "object_above_max_properties")
    return members((), dict.fromkeys(value, _value))(value, "metadata")


def _matches(completion: dict[str, Json], request: Request) -> bool:
    """Return whether a completion has the model and the metadata that the query names."""
    for name, value in request.query.items():
        if name == "model" and completion["model"] != value:
            return False
        if name.startswith("metadata[") and completion["metadata"].get(name[9:].removesuffix("]")) != value:
            return False
    return True


def _message(message: dict[str, Json], id: str) -> dict[str, Json]:
    """Return a message of the request: `content` contains a text, `content_parts` contains parts."""
    content = message.get("content")
    parts = content if type(content) is list else None
    own = {name: value for name, value in message.items() if name not in ("role", "content", "name")}
    return {
        "id": id,
        "role": message.get("role"),
        "content": None if parts is not None else content,
        "name": message.get("name"),
        "content_parts": parts,
        **own,
    }


def _body(value: Json, stamp: ResponseIdentity) -> Plan:
    return Plan(head(200, PLAIN_HEAD, stamp), (EventStep(pretty(value) + b"\n", 0, "body"),))
