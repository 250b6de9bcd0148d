"""The calls on stored conversations: GET and DELETE /v1/conversations/{id}, …/history, …/messages, and the list.

From the types of the `mistralai` package (3.7: `ConversationHistory`, `ConversationMessages`) and its
`Conversations`. Messages of errors are inferred, and that the list begins with the newest.
"""

from __future__ import annotations

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import loads
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mistral.conversations.conversation import PREFIX, entries_of
from mockllm.dialects.mistral.conversations.entries import INPUT, OUTPUT
from mockllm.dialects.mistral.stored_calls import OWN, MistralStoredCall, deletion, has_metadata, paged
from mockllm.dialects.openai.calls import OpenAiObjectCall
from mockllm.dialects.stored_objects import ObjectRequest


class StoredConversationRequest(ObjectRequest):
    """A request whose path names a conversation."""

    dialect = "openai"
    api = "stored_agent_conversations"
    path_variable = "conversation"
    id_prefix = OWN + PREFIX

    @cached_property
    def object_id(self) -> str:
        return OWN + self.path_variables.get("conversation", "")


class MistralGetConversation(MistralStoredCall, OpenAiObjectCall):
    """GET /v1/conversations/{id}, and the base of these calls."""

    api = "stored_agent_conversations"
    request_class = StoredConversationRequest
    object_name = "conversation"
    missing_message = "No such conversation: {}"

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.json_plan(loads(stored.response_body), identity)


class ConversationHistory(MistralGetConversation):
    """GET /v1/conversations/{id}/history: all entries, the oldest first."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        shown = {
            "object": "conversation.history",
            "conversation_id": stored.id.removeprefix(OWN),
            "entries": entries_of(stored),
        }
        return self.json_plan(shown, identity)


class ConversationMessages(MistralGetConversation):
    """GET /v1/conversations/{id}/messages: the messages among the entries."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        messages = [entry for entry in entries_of(stored) if entry["type"] in (INPUT, OUTPUT)]
        shown = {
            "object": "conversation.messages",
            "conversation_id": stored.id.removeprefix(OWN),
            "messages": messages,
        }
        return self.json_plan(shown, identity)


class MistralDeleteConversation(MistralGetConversation):
    """DELETE /v1/conversations/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.empty_plan(identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        return deletion(plan, request)


class ListConversations(MistralGetConversation):
    """GET /v1/conversations: the newest first, in pages."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        stored = reversed(request.object_lookup.all_stored(OWN + PREFIX))
        shown = [loads(each.response_body) for each in stored]
        found = [each for each in shown if has_metadata(each, request.query)]
        return self.json_plan(list(paged(found, request.query)), identity)
