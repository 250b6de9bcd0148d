"""The calls on stored chat completions: their list, and one of them to get, change, delete, or read the messages
of that led to it.

They are answered from what is remembered of the session (`memory`). What was not stored, was deleted or
has made room is not found; the message of that 404 is inferred.
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
from mockllm.dialects.openai.chat.check import check_readable
from mockllm.dialects.openai.chat.store_update import PREFIX
from mockllm.dialects.openai.errors import error_plan
from mockllm.dialects.openai.headers import PLAIN_HEAD, head
from mockllm.dialects.openai.pagination import page
from mockllm.dialects.openai.request_helpers import object_of, objects
from mockllm.dialects.openai.validators import members, missing, object_, refuse, text_of_length

PAIRS: Final = 16
"""How many metadata an object may have."""
_value: Final = text_of_length(512)


class StoredChatRequest(Request):
    dialect = "openai"
    api = "stored_completions"

    @lazy
    def stored(self) -> StoredResponse | None:
        """The completion that the path names."""
        id = self.route.get("completion", "")
        return self.recall.stored(id) if id.startswith(PREFIX) else None


class StoredChatCall:
    """What the calls on one completion share."""

    name = "openai"
    api = "stored_completions"
    generates = False
    request = StoredChatRequest

    def check(self, request: Request) -> Failure | None:
        return None

    def check_readable(self, request: Request) -> Failure | None:
        return None

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, StoredChatRequest)
        if request.stored is None:
            id = request.route.get("completion")
            return Failure("not_found", message=f"Chat completion with id '{id}' not found.")
        return _body(self.found(request.stored, request), stamp)

    def found(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        """What is said where the completion is there."""
        raise NotImplementedError  # pragma: no cover - abstract


class ListChat(StoredChatCall):
    """GET /v1/chat/completions: those of a model, or with some metadata, or all; the oldest first."""

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        shown = [loads(stored.said) for stored in request.recall.all_stored(PREFIX)]
        wanted = [each for each in shown if _wanted(each, request)]
        return _body(page(wanted, request.query, "asc"), stamp)


class GetChat(StoredChatCall):
    """GET /v1/chat/completions/{id}."""

    def found(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        return loads(stored.said)


class UpdateChat(StoredChatCall):
    """POST /v1/chat/completions/{id}: other metadata, in place of those that it has."""

    def check(self, request: Request) -> Failure | None:
        wrong = check_readable(request)
        if wrong is not None:
            return wrong
        if "metadata" not in request.fields:
            return missing("metadata")
        return None if request.fields["metadata"] is None else metadata(request.fields["metadata"])

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def found(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        return {**loads(stored.said), "metadata": object_of(request.fields.get("metadata"))}

    def store_update(self, plan: Plan, request: Request) -> StoreUpdate | None:
        assert isinstance(request, StoredChatRequest)
        stored = request.stored
        if stored is None or plan.head.status != 200:
            return None
        return StoreUpdate((stored.id,), stored._replace(said=dumps(self.found(stored, request))))


class DeleteChat(StoredChatCall):
    """DELETE /v1/chat/completions/{id}."""

    def found(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        return {"object": "chat.completion.deleted", "id": stored.id, "deleted": True}

    def store_update(self, plan: Plan, request: Request) -> StoreUpdate | None:
        assert isinstance(request, StoredChatRequest)
        stored = request.stored
        return None if stored is None or plan.head.status != 200 else StoreUpdate(forgotten=(stored.id,))


class ChatMessages(StoredChatCall):
    """GET /v1/chat/completions/{id}/messages: what was asked, the oldest first."""

    def found(self, stored: StoredResponse, request: StoredChatRequest) -> Json:
        asked = objects(object_of(loads(stored.asked)).get("messages"))
        said = [_message(message, f"{stored.id}-{place}") for place, message in enumerate(asked)]
        return page(said, request.query, "asc")


def metadata(value: Json) -> Failure | None:
    """What is wrong with an object's metadata."""
    wrong = object_(value, "metadata")
    if wrong is not None:
        return wrong
    if len(value) > PAIRS:
        message = (
            f"Invalid 'metadata': too many properties. Expected an object with at most {PAIRS} properties, "
            f"but got an object with {len(value)} properties instead."
        )
        return refuse(message, "metadata", "object_above_max_properties")
    return members((), dict.fromkeys(value, _value))(value, "metadata")


def _wanted(shown: dict[str, Json], request: Request) -> bool:
    """Whether a completion has the model and the metadata that the query names."""
    for name, value in request.query.items():
        if name == "model" and shown["model"] != value:
            return False
        if name.startswith("metadata[") and shown["metadata"].get(name[9:].removesuffix("]")) != value:
            return False
    return True


def _message(said: dict[str, Json], id: str) -> dict[str, Json]:
    """A message of the request: a text stands in `content`, parts stand beside it."""
    content = said.get("content")
    parts = content if type(content) is list else None
    own = {name: value for name, value in said.items() if name not in ("role", "content", "name")}
    return {
        "id": id,
        "role": said.get("role"),
        "content": None if parts is not None else content,
        "name": said.get("name"),
        "content_parts": parts,
        **own,
    }


def _body(said: Json, stamp: ResponseIdentity) -> Plan:
    return Plan(head(200, PLAIN_HEAD, stamp), (EventStep(pretty(said) + b"\n", 0, "body"),))
