"""The calls on stored interactions: GET and DELETE …/interactions/{id}, and POST …/interactions/{id}/cancel.

Sources: google-genai's `Interactions` (`stream`, `last_event_id`, `include_input`). Messages of errors are inferred.
"""

from __future__ import annotations

from collections.abc import Iterator

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, read_object, whole_number
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead, Step
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.background import events_after, has_ended
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.generate_request import GeminiRequest, list_of
from mockllm.dialects.gemini.interactions.dialect import EVENTS, interaction_failure
from mockllm.dialects.gemini.interactions.stored_interactions import COMPLETED, input_steps, interaction_at
from mockllm.dialects.gemini.stored_call import GeminiStoredCall
from mockllm.dialects.gemini.wire_format import JSON
from mockllm.dialects.stored_objects import Deletion, ObjectCall, ObjectRequest


class StoredInteractionRequest(ObjectRequest, GeminiRequest):
    api = "stored_interactions"
    path_variable = "interaction"

    @cached_property
    def stored(self) -> StoredObject | None:
        """The interaction that the path names."""
        stored = self.look_up()
        whole = {} if stored is None else read_object(stored.response_body)
        return stored if whole.get("object") == "interaction" else None


class StoredInteractionCall(ObjectCall, GeminiStoredCall):
    """The base of these calls."""

    api: str = "stored_interactions"
    request_class: type[Request] = StoredInteractionRequest

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return interaction_failure(failure, request)

    def missing(self, request: ObjectRequest) -> Failure:
        note = (
            "an interaction exists after a call of the same session that creates and stores it; a rule with "
            "`match: {api: stored_interactions}` may respond to any id"
        )
        id = request.path_variables.get("interaction")
        return Failure("not_found", message=f"Interaction {id} not found.", note=note)

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        whole = interaction_at(stored, request.monotonic)
        if request.query.get("include_input") == "true":
            whole["input"] = input_steps(stored)
        return _body(whole)


class GetInteraction(StoredInteractionCall):
    """GET …/interactions/{id}: the stored interaction, or a stream of it."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if not _is_streamed(request):
            return super().respond(stored, request, identity)
        last = whole_number(request.query.get("last_event_id"), -1)
        if stored.timeline is not None:
            steps: tuple[Step, ...] = tuple(events_after(stored.timeline, last, request.monotonic))
        else:
            events = list(_events(read_object(stored.response_body)))
            steps = tuple(event for place, event in enumerate(events) if place > last)
        return Plan(ResponseHead(200, EVENTS), steps, Framing.SSE)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        """Count the read of an interaction in the background whose state depends on the number of reads."""
        return stored.with_read(streamed=_is_streamed(request))


class DeleteInteraction(Deletion, StoredInteractionCall):
    """DELETE …/interactions/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return _body({})


class CancelInteraction(StoredInteractionCall):
    """POST …/interactions/{id}/cancel: ends an interaction in the background; one that has ended is unchanged."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if stored.timeline is None:
            return Failure("bad_request", message="Only background interactions can be cancelled.")
        return _body(interaction_at(_cancelled(stored, request.monotonic), request.monotonic))

    def changed(self, stored: StoredObject, request: Request) -> StoredObject:
        return _cancelled(stored, request.monotonic)


def _is_streamed(request: Request) -> bool:
    return request.query.get("stream") == "true"


def _body(value: Json) -> Plan:
    return Plan(ResponseHead(200, JSON), (EventStep(dumps(value), 0, "body"),))


def _cancelled(stored: StoredObject, monotonic: float) -> StoredObject:
    timeline = stored.timeline
    if timeline is None or has_ended(timeline, monotonic):
        return stored
    return stored._replace(timeline=timeline._replace(cancelled=monotonic))


def _events(whole: dict[str, Json]) -> Iterator[EventStep]:
    """Yield the stream that a stored interaction could have been."""
    opening = {name: whole[name] for name in ("id", "object", "model", "agent") if name in whole}
    events: list[dict[str, Json]] = [
        {"interaction": {**opening, "status": "in_progress"}, "event_type": "interaction.created"}
    ]
    for index, step in enumerate(map(object_of, list_of(whole.get("steps")))):
        opened, deltas = _opened(step)
        events.append({"index": index, "step": opened, "event_type": "step.start"})
        events += ({"index": index, "delta": delta, "event_type": "step.delta"} for delta in deltas)
        events.append({"index": index, "event_type": "step.stop"})
    last = {name: value for name, value in whole.items() if name != "steps"}
    events.append({"interaction": last, "event_type": COMPLETED})
    for event in events:
        yield EventStep(dumps(event), 0, "open", str(event["event_type"]))
    yield EventStep(b"[DONE]", 0, "end", "done")


def _opened(step: dict[str, Json]) -> tuple[dict[str, Json], list[Json]]:
    """Return a step as it begins, and its content as deltas."""
    match step.get("type"):
        case "model_output":
            return {"type": "model_output"}, list_of(step.get("content"))
        case "thought":
            deltas: list[Json] = [
                {"content": part, "type": "thought_summary"} for part in list_of(step.get("summary"))
            ]
            return {"type": "thought"}, [
                *deltas,
                {"signature": step.get("signature"), "type": "thought_signature"},
            ]
        case "function_call":
            arguments = dumps(step.get("arguments")).decode()
            return {**step, "arguments": {}}, [{"arguments": arguments, "type": "arguments_delta"}]
    return step, []
