"""The stored form of a response, and the calls on stored responses: GET and DELETE /v1/responses/{id}, POST
…/cancel, GET …/input_items.

The server stores every response, unless the client declines, and the calls that the response makes. It stores the
body of a non-streaming response, or the last event of a stream. A broken stream has no last event: its client
received no response to continue from, so nothing is stored. The session's store serves the calls. A response that
was not stored, was deleted or was evicted is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import UNSET, MsgspecError, Struct, UnsetType
from msgspec.json import Decoder
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import objects, read_object, text_of
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, RawStep, Step
from mockllm.core.rendering.stored_parts import StoredParts
from mockllm.core.request.request import Request
from mockllm.core.request.stored_history import chain
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject, Timeline
from mockllm.core.webhook import Webhook
from mockllm.dialects.background import events_after, has_ended, timeline_of
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiObjectCall, page
from mockllm.dialects.openai.headers import STREAM_HEADERS, body_plan, head
from mockllm.dialects.openai.model_families import responses_family
from mockllm.dialects.openai.responses.errors import ResponsesCall
from mockllm.dialects.openai.responses.history import (
    history,
    items,
    listed_item,
    response_at,
    response_object,
)
from mockllm.dialects.openai.responses.items import event_payload, item_events, opening_item
from mockllm.dialects.openai.responses.reasoning import reasoning_links
from mockllm.dialects.openai.responses.request import CALLS, InputRequest, ResponsesRequest
from mockllm.dialects.openai.responses.server_tools import PREFIXES
from mockllm.dialects.openai.responses.stored_conversations import (
    conversation_id,
    new_conversation,
    stored_conversation,
    with_response,
)
from mockllm.dialects.openai.validators import integer, refuse
from mockllm.dialects.openai.webhooks import CANCELLED, response_webhooks
from mockllm.dialects.stored_objects import ObjectRequest

INTEGER: Final = re.compile(r"-?[0-9]{1,100}")
_FROM_0: Final = integer(0)
END_EVENTS: Final = ("response.completed", "response.incomplete", "response.failed")
DONE: Final = b"[DONE]"
"""The data that ends the streams of some vendors, after the last event."""


def storage_update(plan: Plan, request: ResponsesRequest, *, always: bool = False) -> StorageUpdate | None:
    """Return the update of the store; None where there is no response. `always`: also where the client declines."""
    run = plan.background
    parts = stored_parts(plan if run is None else run.plan)
    if parts is None:
        return None
    timeline = None if run is None else timeline_of(run, request.monotonic + plan.delay)
    return update_of(parts, request, timeline, always=always)


def stored_parts(plan: Plan) -> StoredParts | None:
    """Return what is stored of a sent response; None where there is no response."""
    sent = _last_payload(plan)
    completed = {} if sent is None else _identified(sent)
    if sent is None or text_of(completed.get("id")) is None:
        return None
    output = list(objects(completed.get("output")))
    return StoredParts(sent, ids_of(completed), dict(_calls(output)) | reasoning_links(output))


def update_of(
    parts: StoredParts,
    request: ResponsesRequest,
    timeline: Timeline | None = None,
    *,
    always: bool = False,
) -> StorageUpdate | None:
    """Return the update of the store with a response; None where nothing changes."""
    payload, names, calls = parts
    if not always and request.fields.get("store") is False:
        uses = tuple(_uses_of_stores(request, names))
        return StorageUpdate(tool_calls=calls, others=uses) if calls or uses else None
    previous = None if request.conversation is not None else request.previous
    stored = StoredObject(
        names[0],
        None if previous is None else previous.id,
        request.raw,
        payload,
        request.conversation_name,
        timeline,
    )
    others = (*_conversations(request, stored), *_uses_of_stores(request, names))
    webhooks = _end_webhooks(stored, request)
    return StorageUpdate(names, stored, calls, others=others, webhooks=webhooks, is_optional=timeline is None)


class IdentifiedResponse(Struct):
    """The members of a sent response that find it again. The repeated request, most of its bytes, is not decoded."""

    id: Json = None
    object: Json = None
    output: Json = None
    response: IdentifiedResponse | UnsetType = UNSET


_SENT: Final = Decoder(IdentifiedResponse)


def _identified(sent: bytes) -> dict[str, Json]:
    """Return what `response_object` returns, its id and its output only."""
    try:
        event = _SENT.decode(sent)
    except MsgspecError:
        return response_object(sent)
    response = event if event.response is UNSET else event.response
    return {"id": response.id, "output": response.output} if response.object == "response" else {}


def _end_webhooks(stored: StoredObject, request: Request) -> tuple[Webhook, ...]:
    """Return the webhooks of the end of a background response; none while reads decide its state."""
    timeline = stored.timeline
    if timeline is None or timeline.polled:
        return ()
    seconds, name, _ = timeline.events[-1]
    at = max(timeline.began + seconds, request.monotonic)
    return response_webhooks(
        request.object_lookup, stored.id, name, at, int(request.now + at - request.monotonic)
    )


def _conversations(request: InputRequest, response: StoredObject) -> tuple[StoredObject, ...]:
    """Return the request's conversation with its input items and the output of the response. A conversation that no
    call created begins here."""
    id = request.conversation
    if id is None:
        return ()
    before = stored_conversation(id, request.object_lookup, request.monotonic)
    if before is None and request.object_lookup.stored(id) is not None:
        return ()  # the id of another object, which stays as it is
    conversation = before or new_conversation(id, {}, int(request.now))
    return (with_response(conversation, items(request.fields.get("input")), response),)


def _uses_of_stores(request: ResponsesRequest, names: Sequence[str]) -> Iterable[StoredObject]:
    """Return the uses of vector stores by a response that has searched them; `names` has the ids of its items."""
    search = request.file_search
    if search is None or not any(name.startswith(PREFIXES["file_search_call"]) for name in names):
        return ()
    return search.uses(request.object_lookup, int(request.now))


def ids_of(completed: dict[str, Json]) -> tuple[str, ...]:
    """Return the ids that find a response: its own id, and those of its items."""
    ids = (completed["id"], *(item.get("id") for item in objects(completed.get("output"))))
    return tuple(id for id in ids if type(id) is str)


def _last_payload(plan: Plan) -> bytes | None:
    """Return the body, or the data of the event that ends a stream; None for anything else."""
    if any(isinstance(step, CutStep) for step in plan.steps):
        return None
    sent = (step for step in reversed(plan.steps) if isinstance(step, EventStep | RawStep))
    last = next((step for step in sent if not isinstance(step, EventStep) or step.payload != DONE), None)
    if last is None:
        return None
    if isinstance(last, EventStep):
        return last.payload if last.kind in ("body", "end", "finish", "error") else None
    return _recorded_end(last.data) if plan.streamed else last.data


def _recorded_end(stream: bytes) -> bytes | None:
    """Return the data of the event that ends a recorded stream, before `[DONE]` where that follows."""
    before, _, data = (b"\n" + stream).rpartition(b"\ndata: ")
    if data.strip() == DONE:
        data = before.rpartition(b"\ndata: ")[2].partition(b"\n")[0]
    return data if text_of(read_object(data).get("type")) in END_EVENTS else None


def _calls(output: list[dict[str, Json]]) -> list[tuple[str, str]]:
    return [
        (item["call_id"], item["name"])
        for item in output
        if item.get("type") in CALLS and type(item.get("call_id")) is type(item.get("name")) is str
    ]


UNFINISHED: Final[dict[str, Json]] = {
    "status": "in_progress",
    "completed_at": None,
    "error": None,
    "incomplete_details": None,
    "output": [],
    "usage": None,
}


class StoredRequest(ObjectRequest):
    dialect = "openai"
    api = "stored_responses"
    path_variable = "response"

    @cached_property
    def stored(self) -> StoredObject | None:
        """The response that the path names."""
        stored = self.object_lookup.stored(self.object_id)
        if stored is None or response_object(stored.response_body).get("id") != self.object_id:
            return None
        return stored


class StoredCall(ResponsesCall, OpenAiObjectCall):
    """The base of the calls on stored responses."""

    api = "stored_responses"
    request_class = StoredRequest
    object_name = "response"
    missing_message = "Response with id '{}' not found."


class GetResponse(StoredCall):
    """GET /v1/responses/{id}: the stored response, or a stream of it."""

    def check(self, request: Request) -> Failure | None:
        """Return the failure of a wrong `starting_after`. No refusal of the live API is known: its form is that of
        other integers."""
        value = request.query.get("starting_after")
        if value is None:
            return None
        return _FROM_0(int(value) if INTEGER.fullmatch(value) else value, "starting_after")

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if not _is_streamed(request):
            return body_plan(response_at(stored, request.monotonic), identity, end=b"")
        value = request.query.get("starting_after", "")
        after = int(value) if INTEGER.fullmatch(value) else -1
        events: Iterable[Step]
        if stored.timeline is not None:
            events = events_after(stored.timeline, after, request.monotonic)
        else:
            all_ = _events(response_object(stored.response_body))
            events = (event for place, event in enumerate(all_) if place > after)
        return Plan(head(200, STREAM_HEADERS, identity), tuple(events), Framing.SSE)

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        """Count the read of a background response whose state depends on the number of reads."""
        read = stored.with_read(streamed=_is_streamed(request))
        return read and StorageUpdate((read.id,), read, webhooks=_end_webhooks(read, request))


class DeleteResponse(StoredCall):
    """DELETE /v1/responses/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return body_plan({"id": stored.id, "object": "response", "deleted": True}, identity, end=b"")

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        """Delete the response. Its conversation has the output that it has now."""
        id = conversation_id(read_object(stored.request_body).get("conversation"))
        conversation = (
            None
            if stored.timeline is None or id is None
            else stored_conversation(id, request.object_lookup, request.monotonic)
        )
        others = () if conversation is None else (conversation,)
        return StorageUpdate(forgotten=ids_of(response_object(stored.response_body)), others=others)


class CancelResponse(StoredCall):
    """POST /v1/responses/{id}/cancel: ends a background response; one that has ended is returned unchanged."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if response_object(stored.response_body).get("background") is not True:
            return refuse("Cannot cancel a synchronous response.")
        return body_plan(response_at(_cancelled(stored, request), request.monotonic), identity, end=b"")

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        if _cancelled(stored, request) is stored:
            return None
        at, second = request.monotonic, int(request.now)
        webhooks = response_webhooks(request.object_lookup, stored.id, CANCELLED, at, second)
        return StorageUpdate((stored.id,), _cancelled(stored, request), webhooks=webhooks)


class InputItems(StoredCall):
    """GET /v1/responses/{id}/input_items: the input that led to the response, the newest first, in pages."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        before = chain(stored, request.object_lookup)[:-1]
        all_ = history(before, request.monotonic) + items(read_object(stored.request_body).get("input"))
        shown = [listed_item(item, f"{stored.id}.{place}") for place, item in enumerate(all_)]
        return body_plan(page(shown, request.query, "desc"), identity, end=b"")


def _is_streamed(request: Request) -> bool:
    return request.query.get("stream") == "true"


def _cancelled(stored: StoredObject, request: Request) -> StoredObject:
    """Return a background response that ends now; one that has ended is returned unchanged."""
    timeline = stored.timeline
    if timeline is None or has_ended(timeline, request.monotonic):
        return stored
    return stored._replace(timeline=timeline._replace(cancelled=request.monotonic))


def _events(stored_object: dict[str, Json]) -> Iterator[EventStep]:
    """Yield the stream that a stored response could have been."""
    named_events: list[tuple[str, dict[str, Json]]] = [
        (name, {"response": {**stored_object, **UNFINISHED}}) for name in ("created", "in_progress")
    ]
    thinks = responses_family(text_of(stored_object.get("model")) or "").effort is not None
    for place, item in enumerate(stored_object["output"]):
        opened = opening_item(item, thinks=thinks)
        named_events.append(("output_item.added", {"item": opened, "output_index": place}))
        at = {"item_id": item.get("id"), "output_index": place}
        named_events += [(name, {**at, **members}) for name, members in item_events(item)]
        named_events.append(("output_item.done", {"item": item, "output_index": place}))
    named_events.append((text_of(stored_object.get("status")) or "completed", {"response": stored_object}))
    for place, (name, members) in enumerate(named_events):
        payload = event_payload(f"response.{name}", members, place)
        yield EventStep(payload, 0, "end" if place == len(named_events) - 1 else "open", f"response.{name}")
