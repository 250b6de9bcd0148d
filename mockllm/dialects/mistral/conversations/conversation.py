"""A conversation as the state stores it: its object, its entries, and the settings with which it began.

From the types of the `mistralai` package (3.7: `ModelConversation`, `AgentConversation`). The session's store holds
a conversation under its own id. The bound of entries is this server's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, objects, read_object
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.dialects.mistral.agents.agent import SETTINGS
from mockllm.dialects.mistral.conversations.entries import stored_entries
from mockllm.dialects.mistral.stored_calls import OWN

PREFIX: Final = "conv_"
MAX_ENTRIES: Final = 10_000
"""The most entries of a conversation; the oldest go."""
BEGUN_WITH: Final = (*SETTINGS, "agent_id", "agent_version", "guardrails", "name", "description")
"""The fields of the first request that later ones follow, and that a restarted conversation has, too."""


def conversation_object(id: str, fields: Mapping[str, Json], model: str | None, time: str) -> dict[str, Json]:
    """Return the object of a new conversation, with an agent or with a model."""
    shown: dict[str, Json] = {"object": "conversation", "id": id, "created_at": time, "updated_at": time}
    described = {name: fields.get(name) for name in ("name", "description", "metadata")}
    if fields.get("agent_id") is not None:
        agent = {name: fields.get(name) for name in ("agent_id", "agent_version")}
        return {**shown, **agent, **described}
    settings = {
        "model": model,
        "instructions": fields.get("instructions"),
        "tools": fields.get("tools") or [],
        "completion_args": object_of(fields.get("completion_args")),
        "guardrails": fields.get("guardrails"),
    }
    return {**shown, **settings, **described}


def new_conversation(
    shown: Mapping[str, Json], fields: Mapping[str, Json], conversation_name: str
) -> StoredObject:
    """Return a conversation without entries, which begins with the settings of these fields."""
    settings = {name: fields[name] for name in BEGUN_WITH if fields.get(name) is not None}
    record = {"entries": [], "added": 0, "settings": settings}
    return StoredObject(OWN + shown["id"], None, dumps(record), dumps(shown), conversation_name)


def stored_conversation(id: str, lookup: ObjectLookup) -> StoredObject | None:
    """Return the conversation of an id."""
    return lookup.stored(OWN + id) if id.startswith(PREFIX) else None


def entries_of(conversation: StoredObject) -> list[dict[str, Json]]:
    """Return the entries, the oldest first."""
    return list(objects(read_object(conversation.request_body).get("entries")))


def settings_of(conversation: StoredObject) -> dict[str, Json]:
    """Return the settings with which it began."""
    return object_of(read_object(conversation.request_body).get("settings"))


def entries_to(conversation: StoredObject, id: Json) -> list[dict[str, Json]] | None:
    """Return the entries up to one of them; None where the conversation has no such entry."""
    entries = entries_of(conversation)
    end = next((place for place, entry in enumerate(entries, 1) if entry["id"] == id), None)
    return None if end is None else entries[:end]


def with_entries(conversation: StoredObject, new: Sequence[dict[str, Json]], time: str) -> StoredObject:
    """Return the conversation with further entries."""
    record = read_object(conversation.request_body)
    added = record["added"]
    stored = stored_entries(new, conversation.id, added, time)
    entries = [*record["entries"], *stored][-MAX_ENTRIES:]
    shown = {**read_object(conversation.response_body), "updated_at": time}
    return conversation._replace(
        request_body=dumps({**record, "entries": entries, "added": added + len(new)}),
        response_body=dumps(shown),
    )
