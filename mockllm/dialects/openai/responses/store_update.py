"""What is remembered of a response: all of it unless the client declines, and the calls that it makes.

What is kept is the whole body, or the last event of a stream. A stream that breaks off has none: its client
never got a response that it could go on from, and so there is none to be found.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import CutStep, EventStep, Plan, RawStep
from mockllm.core.request.stored_responses import StoredResponse, StoreUpdate
from mockllm.dialects.openai.request_helpers import objects, text_of
from mockllm.dialects.openai.responses.history import response
from mockllm.dialects.openai.responses.request import CALLS, InputRequest

ENDS: Final = (b"response.completed", b"response.incomplete", b"response.failed")


def store_update(plan: Plan, request: InputRequest) -> StoreUpdate | None:
    """What is to be remembered of an answer; None where it is no response."""
    said = _last(plan)
    told = {} if said is None else response(said)
    id = text_of(told.get("id"))
    if said is None or id is None:
        return None
    output = list(objects(told.get("output")))
    calls = dict(_calls(output))
    if b'"store"' in request.raw and request.fields.get("store") is False:
        return StoreUpdate(calls=calls)
    previous = request.previous
    if previous is None:
        stored = StoredResponse(id, None, request.raw, said)
    else:
        stored = StoredResponse(id, previous.id, request.raw, said, request.thread)
    return StoreUpdate(names(told, request.conversation), stored, calls)


def names(told: dict[str, Json], conversation: str | None) -> tuple[str, ...]:
    """What a response is found by: its own id, its conversation's, and those of its items."""
    ids = (told["id"], conversation, *(item.get("id") for item in objects(told.get("output"))))
    return tuple(id for id in ids if type(id) is str)


def _last(plan: Plan) -> bytes | None:
    """The body, or the data of the event that ends a stream; None of any other answer."""
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
    return data if name in ENDS else None


def _calls(output: list[dict[str, Json]]) -> list[tuple[str, str]]:
    """Each call's id, and the tool that it is for."""
    return [
        (item["call_id"], item["name"])
        for item in output
        if item.get("type") in CALLS and type(item.get("call_id")) is type(item.get("name")) is str
    ]
