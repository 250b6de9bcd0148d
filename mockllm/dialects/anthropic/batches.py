"""Message batches: POST and GET /v1/messages/batches, GET and DELETE …/{id}, POST …/cancel, GET …/results.

Objects, headers and the lines of results are those of recordings of August 2026 (crmne/ruby_llm). Not recorded, and
inferred: the messages of errors, a cancelled batch, and results that did not succeed. Their members are those of the
SDK's types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from propcache.api import cached_property

from mockllm.core.batch import BatchJob, BatchLine, BatchOutcome, LineResponse
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import objects
from mockllm.core.rendering.plan import BatchStart, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.server_address import server_url
from mockllm.core.request.stored_batches import (
    BatchRecord,
    BatchState,
    new_batch,
    record_of,
    responses_of,
    state_of,
    with_read,
)
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.anthropic.messages_check import check_readable
from mockllm.dialects.anthropic.messages_request import AnthropicRequest
from mockllm.dialects.anthropic.stored_objects import (
    StoredObjectCall,
    bytes_plan,
    check_page_size,
    json_plan,
    object_page,
    timestamp,
)
from mockllm.dialects.anthropic.validators import DICT, LIST, STRING, AnthropicRequestProblem, check_shape
from mockllm.dialects.batch_requests import StoredBatchesRequest
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.stored_objects import (
    BatchCancellation,
    BatchCreation,
    Deletion,
    ObjectCall,
    ObjectRequest,
)

PREFIX: Final = "msgbatch_"
MESSAGES: Final = "/v1/messages"
PATH: Final = f"{MESSAGES}/batches"
WINDOW: Final = 24 * 3600
"""Seconds after which a batch expires."""
MAX_REQUESTS: Final = 100_000
KEY: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""A custom id."""


def _error(type: str, message: str) -> Json:
    return {"type": "error", "error": {"type": type, "message": message}, "request_id": None}


STREAMED: Final = LineResponse(
    400, dumps(_error("invalid_request_error", "stream: Streaming is not supported in message batches."))
)
"""The response to a line that requests a stream."""
TIMEOUT: Final = _error("timeout_error", "Request timed out")


class CreateBatchRequest(AnthropicRequest):
    api = "batches"

    @cached_property
    def items(self) -> list[dict[str, Json]]:
        """The requests of the batch that have parameters."""
        return [item for item in objects(self.fields.get("requests")) if type(item.get("params")) is dict]


class MessageBatchRequest(StoredBatchesRequest, AnthropicRequest):
    path_variable = "batch"
    id_prefix = PREFIX


class CreateMessageBatch(StoredObjectCall, BatchCreation):
    """POST /v1/messages/batches. The parameters of each request are checked when the batch is processed."""

    request_class: type[Request] = CreateBatchRequest

    check_readable = staticmethod(check_readable)

    def check(self, request: Request) -> Failure | None:
        error = check_readable(request)
        if error is not None:
            return error
        try:
            _check_requests(request)
        except AnthropicRequestProblem as problem:
            return Failure("bad_request", message=str(problem))
        return None

    def create_batch(self, outcome: BatchOutcome, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the response with a batch that ends so."""
        assert isinstance(request, CreateBatchRequest)
        state = BatchState("queued", {}, len(request.items), 0, 0)
        id = identity.ids.make(f"{PREFIX}01", 22)
        plan = json_plan(_batch_object(id, identity.now, state, request), identity)
        return Plan(plan.head, plan.steps, background=BatchStart(plan, outcome=outcome))

    def stored_batch(self, created: Json, start: BatchStart, request: Request, began: float) -> StorageUpdate:
        assert isinstance(request, CreateBatchRequest)
        id = created["id"]
        keys = [str(item.get("custom_id")) for item in request.items]
        record = BatchRecord(request.now, keys, start.outcome, {})
        lines = tuple(
            BatchLine(
                MESSAGES, dumps(item["params"]), STREAMED if item["params"].get("stream") is True else None
            )
            for item in request.items[: start.outcome.response_count(len(keys))]
        )
        batch = new_batch(id, record, start.waits, began)
        return StorageUpdate((id,), batch, batch_job=BatchJob(id, lines))


def _check_requests(request: Request) -> None:
    check_shape("", request.fields, {"requests": LIST})
    requests = request.fields["requests"]
    if not requests:
        raise AnthropicRequestProblem("requests: List should have at least 1 item after validation, not 0")
    if len(requests) > MAX_REQUESTS:
        message = f"List should have at most {MAX_REQUESTS} items after validation, not {len(requests)}"
        raise AnthropicRequestProblem(f"requests: {message}")
    known: set[str] = set()
    for number, item in enumerate(requests):
        if type(item) is not dict:
            raise AnthropicRequestProblem(f"requests.{number}: {DICT.message}")
        check_shape(f"requests.{number}.", item, {"custom_id": STRING, "params": DICT})
        key = item["custom_id"]
        if KEY.fullmatch(key) is None:
            message = "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
            raise AnthropicRequestProblem(f"requests.{number}.custom_id: {message}")
        if key in known:
            raise AnthropicRequestProblem(f"requests.{number}.custom_id: Duplicate custom_id '{key}'")
        known.add(key)


def _batch_object(id: str, created: float, state: BatchState, request: Request) -> dict[str, Json]:
    """Return the object of a batch."""
    ended = next((at for name, at in state.reached.items() if name == state.status and state.ended), None)
    cancel = state.reached.get("cancelling")
    return {
        "id": id,
        "type": "message_batch",
        "processing_status": "ended"
        if state.ended
        else "canceling"
        if state.status == "cancelling"
        else "in_progress",
        "request_counts": _counts(state),
        "ended_at": None if ended is None else timestamp(ended),
        "created_at": timestamp(created),
        "expires_at": timestamp(created + WINDOW),
        "archived_at": None,
        "cancel_initiated_at": None if cancel is None else timestamp(cancel),
        "results_url": server_url(request, f"{PATH}/{id}/results") if state.ended else None,
    }


def _counts(state: BatchState) -> dict[str, Json]:
    """Return the counts: all requests are in process until the batch ends."""
    left = state.total - state.responded if state.ended else 0
    failed = left if state.status in ("failed", "completed") else 0
    return {
        "processing": 0 if state.ended else state.total,
        "succeeded": state.succeeded if state.ended else 0,
        "errored": state.responded - state.succeeded + failed if state.ended else 0,
        "canceled": left if state.status == "cancelled" else 0,
        "expired": left if state.status == "expired" else 0,
    }


def batch_object(batch: StoredObject, request: Request) -> dict[str, Json]:
    """Return a batch as a read at the time of the request finds it."""
    return _batch_object(batch.id, record_of(batch).created, state_of(batch, request.monotonic), request)


class GetMessageBatch(ObjectCall, StoredObjectCall):
    """GET /v1/messages/batches/{id}, and the base of the calls on one batch."""

    api = "stored_batches"
    request_class: type[Request] = MessageBatchRequest

    def missing(self, request: ObjectRequest) -> Failure:
        id = request.path_variables.get("batch")
        note = "the id of a batch exists after a call of the same session that creates it"
        return Failure("not_found", message=f"Message Batch {id} not found.", note=note)

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan(batch_object(stored, request), identity)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        return with_read(stored)


class CancelMessageBatch(BatchCancellation, GetMessageBatch):
    """POST /v1/messages/batches/{id}/cancel."""

    def ended(self, stored: StoredObject, state: BatchState) -> Failure:
        message = f"Message Batch {stored.id} has ended and cannot be canceled."
        return Failure("bad_request", message=message)


class DeleteMessageBatch(Deletion, GetMessageBatch):
    """DELETE /v1/messages/batches/{id}: of a batch that has ended."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if not state_of(stored, request.monotonic).ended:
            message = f"Message Batch {stored.id} cannot be deleted while it is processing."
            return Failure("bad_request", message=message)
        return json_plan({"id": stored.id, "type": "message_batch_deleted"}, identity)


class MessageBatchResults(GetMessageBatch):
    """GET /v1/messages/batches/{id}/results: one line for each request."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        state = state_of(stored, request.monotonic)
        if not state.ended:
            return Failure("not_found", message=f"Message Batch {stored.id} has no available results yet.")
        headers = (
            ("content-type", "application/x-jsonl"),
            ("content-disposition", f"attachment; filename*=utf-8''{stored.id}_results.jsonl"),
        )
        lines = (dumps(line) + b"\n" for line in _results(stored, state))
        return bytes_plan(b"".join(lines), identity, headers)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        return None


class ListMessageBatches(GetMessageBatch):
    """GET /v1/messages/batches: the newest first, in pages."""

    def check(self, request: Request) -> Failure | None:
        return check_page_size(request.query)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, MessageBatchRequest)
        objects = [batch_object(batch, request) for batch in request.listed]
        return json_plan(object_page(objects[::-1], request.query), identity)


def _results(batch: StoredObject, state: BatchState) -> Iterator[Json]:
    record, responses = record_of(batch), responses_of(batch)[: state.responded]
    message = record.outcome.message or "Internal server error"
    left: Json = {"type": "errored", "error": _error("api_error", message)}
    if state.status in ("expired", "cancelled"):
        left = {"type": "expired" if state.status == "expired" else "canceled"}
    for place, key in enumerate(record.keys):
        result = _result(responses[place]) if place < len(responses) else left
        yield {"custom_id": key, "result": result}


def _result(response: LineResponse) -> Json:
    """Return the result of a request that has a response. The usage names the tier `batch`, as recorded."""
    try:
        body = loads(response.body) if not response.cut else None
    except JSONDecodeError:
        body = None
    if type(body) is not dict:
        return {"type": "errored", "error": TIMEOUT}
    if response.status != 200:
        return {"type": "errored", "error": body}
    if type(body.get("usage")) is dict and "service_tier" in body["usage"]:
        body["usage"]["service_tier"] = "batch"
    return {"type": "succeeded", "message": body}
