"""Conversation objects and their items: POST, GET and DELETE /v1/conversations/…

The session's store holds a conversation under its own id. A response with `conversation` adds its input items and its
output, one in the background at its end. Sources: the SDK's `Conversations` and `Items` resources, and
`openai.types.conversations`.
"""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import object_of, objects
from mockllm.core.randomness import HEX
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiObjectCall, page
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.metadata import check_metadata
from mockllm.dialects.openai.responses.check import check_items
from mockllm.dialects.openai.responses.errors import ResponsesCall
from mockllm.dialects.openai.responses.stored_conversations import (
    NO_ITEMS,
    added_items,
    conversation_items,
    new_conversation,
    stored_conversation,
    with_items,
    without_items,
)
from mockllm.dialects.openai.validators import array, check_readable, missing_parameter, object_
from mockllm.dialects.stored_objects import Deletion, ObjectRequest, created_object

PREFIX: Final = "conv_"
MAX_NEW_ITEMS: Final = 20
"""The maximum number of items that one request adds (SDK: `ItemCreateParams.items`)."""


class ConversationRequest(ObjectRequest):
    dialect = "openai"
    api = "conversations"
    path_variable = "conversation"

    @cached_property
    def stored(self) -> StoredObject | None:
        """The conversation that the path names."""
        return stored_conversation(self.object_id, self.object_lookup, self.monotonic)


class ConversationCall(ResponsesCall, OpenAiObjectCall):
    """The base of the calls on one conversation."""

    api = "conversations"
    request_class = ConversationRequest
    object_name = "conversation"
    missing_message = "Conversation with id '{}' not found."

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        shown = self.shown(stored, request)
        return shown if isinstance(shown, Failure) else body_plan(shown, identity, end=b"")

    def shown(self, conversation: StoredObject, request: Request) -> Json | Failure:
        """Return the body of the response."""
        return loads(conversation.response_body)


class ConversationCallWithBody(ConversationCall):
    """The base of the calls with a body."""

    check_readable = staticmethod(check_readable)

    def check(self, request: Request) -> Failure | None:
        return self.check_readable(request) or self.check_body(request)

    def check_body(self, request: Request) -> Failure | None:
        """Return the failure of a readable body."""
        raise NotImplementedError  # pragma: no cover - abstract


class CreateConversation(ConversationCallWithBody):
    """POST /v1/conversations. The body may be absent."""

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request) if request.raw else None

    def check_body(self, request: Request) -> Failure | None:
        return check_metadata(request.fields.get("metadata")) or _check_new_items(request, required=False)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        id = identity.ids.make(PREFIX, 50, alphabet=HEX)
        conversation = new_conversation(id, object_of(request.fields.get("metadata")), identity.epoch_second)
        return body_plan(loads(conversation.response_body), identity, end=b"")

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        created = created_object(plan, PREFIX)
        if created is None:
            return None
        stored = StoredObject(created["id"], None, NO_ITEMS, dumps(created))
        return StorageUpdate((stored.id,), with_items(stored, _new_items(request)))


class GetConversation(ConversationCall):
    """GET /v1/conversations/{id}."""


class UpdateConversation(ConversationCallWithBody):
    """POST /v1/conversations/{id}: replaces the metadata."""

    def check_body(self, request: Request) -> Failure | None:
        if "metadata" not in request.fields:
            return missing_parameter("metadata")
        return check_metadata(request.fields["metadata"])

    def shown(self, conversation: StoredObject, request: Request) -> Json | Failure:
        return {**loads(conversation.response_body), "metadata": object_of(request.fields.get("metadata"))}

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        return stored._replace(response_body=dumps(self.shown(stored, request)))


class DeleteConversation(Deletion, ConversationCall):
    """DELETE /v1/conversations/{id}. Its items stay, as the service documents it."""

    def shown(self, conversation: StoredObject, request: Request) -> Json | Failure:
        return {"id": conversation.id, "object": "conversation.deleted", "deleted": True}


class ListConversationItems(ConversationCall):
    """GET /v1/conversations/{id}/items: the newest first, in pages."""

    def shown(self, conversation: StoredObject, request: Request) -> Json | Failure:
        return page(conversation_items(conversation), request.query, "desc")


class AddConversationItems(ConversationCallWithBody):
    """POST /v1/conversations/{id}/items: adds up to 20 items."""

    def check_body(self, request: Request) -> Failure | None:
        return _check_new_items(request, required=True)

    def shown(self, conversation: StoredObject, request: Request) -> Json | Failure:
        added = added_items(conversation, _new_items(request))
        return page(added, {"limit": str(len(added))}, "asc")

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        return with_items(stored, _new_items(request))


class GetConversationItem(ConversationCall):
    """GET /v1/conversations/{id}/items/{item}."""

    def shown(self, conversation: StoredObject, request: Request) -> Json | Failure:
        id = request.path_variables.get("item")
        found = next((item for item in conversation_items(conversation) if item["id"] == id), None)
        return found if found is not None else Failure("not_found", message=f"Item with id '{id}' not found.")


class DeleteConversationItem(GetConversationItem):
    """DELETE /v1/conversations/{id}/items/{item}: returns the conversation."""

    def shown(self, conversation: StoredObject, request: Request) -> Json | Failure:
        found = super().shown(conversation, request)
        return found if isinstance(found, Failure) else loads(conversation.response_body)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        return without_items(stored, [request.path_variables["item"]])


def _new_items(request: Request) -> list[dict[str, Json]]:
    return list(objects(request.fields.get("items")))


def _check_new_items(request: Request, *, required: bool) -> Failure | None:
    value = request.fields.get("items")
    if value is None:
        return missing_parameter("items") if required else None
    return array(object_, "objects", max_length=MAX_NEW_ITEMS)(value, "items") or check_items(value, "items")
