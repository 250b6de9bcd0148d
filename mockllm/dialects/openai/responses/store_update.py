"""The stored form of a response: all of it unless the client declines, and the calls that the response makes.

The store contains the body of a non-streaming response, or the last event of a stream. A broken stream has no
last event: its client received no response to continue from, so nothing is stored.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import CutStep, EventStep, Plan, RawStep
from mockllm.core.request.stored_responses import StoredResponse, StoreUpdate
from mockllm.dialects.openai.request_helpers import objects, text_of
from mockllm.dialects.openai.responses.history import response_object
from mockllm.dialects.openai.responses.request import CALLS, InputRequest

END_EVENTS: Final = (b"response.completed", b"response.incomplete", b"response.failed")


def store_update(plan: Plan, request: InputRequest) -> StoreUpdate | None:
    """Return the update of the store; None where there is no response."""
    sent = _last_payload(plan)
    completed = {} if sent is None else response_object(sent)
    id = text_of(completed.get("id"))
    if sent is None or id is None:
        return None
    output = list(objects(completed.get("output")))
    calls = dict(_calls(output))
    if b'"store"' in request.raw and request.fields.get("store") is False:
        return StoreUpdate(calls=calls)
    previous = request.previous
    if previous is None:
        stored = StoredResponse(id, None, request.raw, sent)
    else:
        stored = StoredResponse(id, previous.id, request.raw, sent, request.thread)
    return StoreUpdate(ids_of(completed, request.conversation), stored, calls)


def ids_of(completed: dict[str, Json], conversation: str | None) -> tuple[str, ...]:
    """Return the ids that find a response: its own id, its conversation's, and those of its items."""
    ids = (completed["id"], conversation, *(item.get("id") for item in objects(completed.get("output"))))
    return tuple(id for id in ids if type(id) is str)


def _last_payload(plan: Plan) -> bytes | None:
    """Return the body, or the data of the event that ends a stream; None for anything else."""
    last = next(
        (step for step in reversed(plan.steps) if isinstance(step, EventStep | RawStep | CutStep)), None
    )
    if last is None or isinstance(last, CutStep):
        return None
    if isinstance(last, EventStep):
        return last.payload if last.kind in ("body", "end", "error") else None
    if not plan.streamed:
        return last.data
    _, _, event = last.data.rpartition(b"event: ")
    name, _, data = event.partition(b"\ndata: ")
    return data if name in END_EVENTS else None


def _calls(output: list[dict[str, Json]]) -> list[tuple[str, str]]:
    """Return the id and the tool of each call."""
    return [
        (item["call_id"], item["name"])
        for item in output
        if item.get("type") in CALLS and type(item.get("call_id")) is type(item.get("name")) is str
    ]
