"""The calls on stored responses: GET and DELETE /v1/responses/{id}, POST …/cancel, GET …/input_items.

They are answered from what is remembered of the session; what was not stored, was deleted or has made room
is not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, pretty
from mockllm.core.lazy import lazy
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StoredResponse, StoreUpdate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import PLAIN_HEAD, STREAM_HEAD, head
from mockllm.dialects.openai.pagination import page, parse_number
from mockllm.dialects.openai.responses.errors import error_plan
from mockllm.dialects.openai.responses.history import asked, chain, history, items, listed, response
from mockllm.dialects.openai.responses.native_items import begun, between
from mockllm.dialects.openai.responses.store_update import names
from mockllm.dialects.openai.validators import refuse

UNFINISHED: Final[dict[str, Json]] = {
    "status": "in_progress",
    "completed_at": None,
    "error": None,
    "incomplete_details": None,
    "output": [],
    "usage": None,
}


class StoredRequest(Request):
    dialect = "openai"
    api = "stored_responses"

    @lazy
    def stored(self) -> StoredResponse | None:
        """The response that the path names."""
        id = self.route.get("response", "")
        found = self.recall.stored(id)
        return found if found is not None and found.id == id else None


class StoredCall:
    """What the calls share."""

    name = "openai"
    api = "stored_responses"
    generates = False
    request = StoredRequest

    def check(self, request: Request) -> Failure | None:
        return None

    def check_readable(self, request: Request) -> Failure | None:
        return None

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, StoredRequest)
        if request.stored is None:
            id = request.route.get("response")
            return Failure("not_found", message=f"Response with id '{id}' not found.")
        return self.found(request.stored, request, stamp)

    def found(
        self, stored: StoredResponse, request: StoredRequest, stamp: ResponseIdentity
    ) -> Plan | Failure:
        """The answer, where the response is there."""
        raise NotImplementedError  # pragma: no cover - abstract


class GetResponse(StoredCall):
    """GET /v1/responses/{id}, as it was, or as a stream of it."""

    def found(
        self, stored: StoredResponse, request: StoredRequest, stamp: ResponseIdentity
    ) -> Plan | Failure:
        told = response(stored.said)
        if request.query.get("stream") != "true":
            return _body(told, stamp)
        after = parse_number(request.query.get("starting_after"), -1)
        events = [event for place, event in enumerate(_events(told)) if place > after]
        return Plan(head(200, STREAM_HEAD, stamp), tuple(events), Framing.SSE)


class DeleteResponse(StoredCall):
    """DELETE /v1/responses/{id}."""

    def found(
        self, stored: StoredResponse, request: StoredRequest, stamp: ResponseIdentity
    ) -> Plan | Failure:
        return _body({"id": stored.id, "object": "response", "deleted": True}, stamp)

    def store_update(self, plan: Plan, request: Request) -> StoreUpdate | None:
        assert isinstance(request, StoredRequest)
        if request.stored is None or plan.head.status != 200:
            return None
        return StoreUpdate(forgotten=names(response(request.stored.said), None))


class CancelResponse(StoredCall):
    """POST /v1/responses/{id}/cancel. Answers are whole when they are stored, so there is never anything left
    to cancel: one that ran in the background is given as it is."""

    def found(
        self, stored: StoredResponse, request: StoredRequest, stamp: ResponseIdentity
    ) -> Plan | Failure:
        told = response(stored.said)
        if told.get("background") is not True:
            return refuse("Cannot cancel a synchronous response.")
        return _body(told, stamp)


class InputItems(StoredCall):
    """GET /v1/responses/{id}/input_items: what led to it, the newest first, in pages."""

    def found(
        self, stored: StoredResponse, request: StoredRequest, stamp: ResponseIdentity
    ) -> Plan | Failure:
        before = chain(stored, request.recall)[:-1]
        all_ = history(before) + items(asked(stored).get("input"))
        shown = [listed(item, f"{stored.id}.{place}") for place, item in enumerate(all_)]
        return _body(page(shown, request.query, "desc"), stamp)


def _body(said: Json, stamp: ResponseIdentity) -> Plan:
    return Plan(head(200, PLAIN_HEAD, stamp), (EventStep(pretty(said), 0, "body"),))


def _events(told: dict[str, Json]) -> Iterator[EventStep]:
    """The stream that a stored response could have been."""
    said: list[tuple[str, dict[str, Json]]] = [
        (name, {"response": {**told, **UNFINISHED}}) for name in ("created", "in_progress")
    ]
    for place, item in enumerate(told["output"]):
        said.append(("output_item.added", {"item": begun(item), "output_index": place}))
        at = {"item_id": item.get("id"), "output_index": place}
        said += [(name, {**at, **members}) for name, members in between(item)]
        said.append(("output_item.done", {"item": item, "output_index": place}))
    said.append((str(told["status"]), {"response": told}))
    for place, (name, members) in enumerate(said):
        payload = dumps({"type": f"response.{name}", **members, "sequence_number": place})
        yield EventStep(payload, 0, "end" if place == len(said) - 1 else "open", f"response.{name}")
