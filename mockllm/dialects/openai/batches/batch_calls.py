"""The calls on batches: POST and GET /v1/batches, GET /v1/batches/{id}, POST /v1/batches/{id}/cancel.

Sources: the SDK's `Batches` resource, `openai.types.Batch` and OpenAI's guide to batches; no recording was at hand.
The refusals of an unknown batch and of a second end are those of public reports; that of an input file is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder
from propcache.api import cached_property

from mockllm.core.batch import BatchJob, BatchOutcome, LineResponse
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import count_of, object_of, read_object, text_of
from mockllm.core.randomness import BASE62, HEX, Ids
from mockllm.core.rendering.plan import BatchStart, Plan
from mockllm.core.request.request import Request
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
from mockllm.dialects.batch_input import scalar
from mockllm.dialects.batch_requests import LONG, StoredBatchesRequest
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.batches.input_lines import InputLines, read_lines
from mockllm.dialects.openai.batches.output_files import ERRORS, OUTPUT, output_files
from mockllm.dialects.openai.calls import OpenAiCall, OpenAiObjectCall, page
from mockllm.dialects.openai.files.file_calls import ID_LENGTH, file_object, missing_file
from mockllm.dialects.openai.files.file_calls import PREFIX as FILE_PREFIX
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.metadata import check_metadata
from mockllm.dialects.openai.validators import (
    Check,
    check_fields,
    check_readable,
    check_required,
    one_of,
    refuse,
    string,
)
from mockllm.dialects.stored_objects import BatchCancellation, BatchCreation

PREFIX: Final = "batch_"
WINDOW: Final = 24 * 3600
"""Seconds after which a batch expires."""
ENDPOINTS: Final = (
    "/v1/responses",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/videos",
)
"""SDK: `BatchCreateParams.endpoint`."""
FIELDS: Final = {
    "input_file_id": string,
    "endpoint": one_of(*ENDPOINTS),
    "completion_window": one_of("24h"),
    "metadata": check_metadata,
}
STATUSES: Final = {"queued": "validating"}
"""The protocol's words for states, where they differ."""
TIMES: Final = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
"""The states whose times a batch shows."""


class BatchRequest(Request):
    dialect = "openai"
    api = "batches"

    @cached_property
    def input_file(self) -> StoredObject | None:
        """The file that the body names."""
        id = text_of(self.fields.get("input_file_id")) or ""
        return self.object_lookup.stored(id) if id.startswith(FILE_PREFIX) else None

    @cached_property
    def input_lines(self) -> InputLines:
        endpoint = self.fields.get("endpoint")
        return read_lines(self.input_content, (endpoint,) if endpoint in ENDPOINTS else ())

    @property
    def planning_takes_long(self) -> bool:
        return len(self.input_content) > LONG

    @property
    def input_content(self) -> bytes:
        return b"" if self.input_file is None else self.input_file.request_body


class StoredBatchRequest(StoredBatchesRequest):
    dialect = "openai"
    path_variable = "batch"
    id_prefix = PREFIX


class CreateBatch(OpenAiCall, BatchCreation):
    """POST /v1/batches."""

    request_class = BatchRequest
    checks: Mapping[str, Check] = FIELDS

    def check(self, request: Request) -> Failure | None:
        error = check_readable(request) or check_fields(request.fields, self.checks)
        error = error or check_required(request.fields, "input_file_id", "endpoint", "completion_window")
        return error or _input_failure(request)

    def create_batch(self, outcome: BatchOutcome, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the response with a batch that ends so."""
        assert isinstance(request, BatchRequest)
        _ = (
            request.input_lines
        )  # where there are many, a thread reads them now, and `storage_update` has them
        fields = request.fields
        id = identity.ids.make(PREFIX, 32, alphabet=HEX)
        created: dict[str, Json] = {
            "id": id,
            "object": "batch",
            "endpoint": fields.get("endpoint"),
            "model": None,
            "errors": None,
            "input_file_id": fields.get("input_file_id"),
            "completion_window": "24h",
            "status": "validating",
            OUTPUT: None,
            ERRORS: None,
            "created_at": identity.epoch_second,
            "expires_at": identity.epoch_second + WINDOW,
            **{f"{name}_at": None for name in TIMES},
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": fields.get("metadata"),
            "usage": None,
        }
        plan = body_plan(created, identity)
        return Plan(plan.head, plan.steps, background=BatchStart(plan, outcome=outcome))

    def stored_batch(self, created: Json, start: BatchStart, request: Request, began: float) -> StorageUpdate:
        assert isinstance(request, BatchRequest)
        id, second = created["id"], created["created_at"]
        keys, lines, errors = request.input_lines
        output, failed = (Ids(0, id, place).make(FILE_PREFIX, ID_LENGTH, alphabet=BASE62) for place in (1, 2))
        details = {
            "created": created,
            "errors": errors,
            OUTPUT: output,
            ERRORS: failed,
        }
        outcome = start.outcome._replace(status="failed") if errors else start.outcome
        record = BatchRecord(request.now, keys, outcome, details)
        batch = new_batch(id, record, start.waits, began)
        run = BatchJob(id, tuple(lines[: outcome.response_count(len(lines))]))
        others = [
            _output_file(file, id, f"{id}_{kind}.jsonl", second)
            for file, kind in ((output, "output"), (failed, "error"))
        ]
        return StorageUpdate((id,), batch, others=() if errors else tuple(others), batch_job=run)


def _input_failure(request: Request) -> Failure | None:
    """Return what is wrong with the input file."""
    assert isinstance(request, BatchRequest)
    id = text_of(request.fields.get("input_file_id"))
    if request.input_file is None:
        return missing_file(id, "files")
    purpose = object_of(loads(request.input_file.response_body)).get("purpose")
    if purpose == "batch":
        return None
    message = f"Invalid purpose '{purpose}' of the input file {id}: it must be 'batch'."
    return refuse(message, "input_file_id")


def _errors(outcome: BatchOutcome) -> list[dict[str, Json]]:
    """Return the errors of a batch that fails for another reason than its lines."""
    message = outcome.message or "The batch could not be processed."
    return [{"code": outcome.code or "server_error", "message": message, "param": None, "line": None}]


def _output_file(id: str, batch: str, name: str, second: int) -> StoredObject:
    """Return a file whose content follows from the state of its batch."""
    return StoredObject(id, batch, b"", dumps(file_object(id, name, "batch_output", 0, second, None)))


def batch_object(batch: StoredObject, monotonic: float) -> dict[str, Json]:
    """Return the batch as a read at this time finds it."""
    record = record_of(batch)
    state, details = state_of(batch, monotonic, record), record.details
    total = 0 if state.status == "queued" else state.total
    errors = (details["errors"] or _errors(record.outcome)) if state.status == "failed" else None
    return {
        **details["created"],
        "errors": None if errors is None else {"object": "list", "data": errors},
        "status": STATUSES.get(state.status, state.status),
        **output_files(batch, monotonic),
        **{f"{name}_at": int(at) for name, at in state.reached.items() if name in TIMES},
        "request_counts": {
            "total": total,
            "completed": state.succeeded,
            "failed": state.responded - state.succeeded,
        },
        **(_totals(batch, state) if state.ended else {}),
    }


def _totals(batch: StoredObject, state: BatchState) -> dict[str, Json]:
    """Return the model and the usage of the responses of a batch that has ended."""
    bodies = [_counted(response) for response in responses_of(batch)[: state.responded]]
    usages = [read_object(bytes(body.usage)) for body in bodies]
    read = sum(_count(usage, "prompt_tokens", "input_tokens") for usage in usages)
    written = sum(_count(usage, "completion_tokens", "output_tokens") for usage in usages)
    cached = sum(
        _count(object_of(usage.get(name)), "cached_tokens")
        for usage in usages
        for name in ("prompt_tokens_details", "input_tokens_details")
    )
    reasoning = sum(
        _count(object_of(usage.get(name)), "reasoning_tokens")
        for usage in usages
        for name in ("completion_tokens_details", "output_tokens_details")
    )
    usage = {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": read + written,
    }
    model = next((model for body in bodies if (model := text_of(scalar(body.model))) is not None), None)
    return {"model": model, "usage": usage}


class _Counted(Struct):
    """The members of a response that the totals of a batch need: clients request these again and again."""

    model: Raw = Raw(b"null")
    usage: Raw = Raw(b"null")


_read_counted: Final = Decoder(_Counted).decode


def _counted(response: LineResponse) -> _Counted:
    try:
        return _read_counted(response.body)
    except DecodeError:
        return _Counted()


def _count(usage: Mapping[str, Json], *names: str) -> int:
    return next((count for name in names if (count := count_of(usage.get(name)))), 0)


class BatchCall(OpenAiObjectCall):
    """The base of the calls on one batch."""

    api = "stored_batches"
    request_class = StoredBatchRequest
    object_name = "batch"
    missing_message = "No batch found with id '{}'."

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return body_plan(batch_object(stored, request.monotonic), identity)


class GetBatch(BatchCall):
    """GET /v1/batches/{id}."""

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        return with_read(stored)


class CancelBatch(BatchCancellation, BatchCall):
    """POST /v1/batches/{id}/cancel."""

    def ended(self, stored: StoredObject, state: BatchState) -> Failure:
        return Failure("bad_request", 409, f"Cannot cancel a batch with status '{state.status}'.")


class ListBatches(BatchCall):
    """GET /v1/batches: the newest first, in pages."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, StoredBatchRequest)
        batches = [{"id": batch.id, "batch": batch} for batch in request.listed]
        listed = page(
            batches, request.query, "desc", lambda item: batch_object(item["batch"], request.monotonic)
        )
        return body_plan(listed, identity)
