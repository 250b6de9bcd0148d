"""Batches: POST …/models/{model}:batchGenerateContent and …:asyncBatchEmbedContent, GET …/batches, GET and DELETE
…/batches/{id}, POST …:cancel.

The requests are in the body or in a file. A batch is an operation, whose metadata has the state. Sources:
google-genai's `Batches` (`create`, `create_embeddings`) and the API's reference of `GenerateContentBatch` and
`EmbedContentBatch`; no recording was at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final, NamedTuple

from msgspec import Raw, Struct
from msgspec.json import Decoder
from propcache.api import cached_property

from mockllm.core.batch import BatchJob, BatchLine, BatchOutcome
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.plan import BatchStart, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_batches import (
    BatchRecord,
    BatchState,
    cancelled,
    new_batch,
    record_of,
    state_of,
    with_read,
)
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.batch_input import (
    ABSENT,
    is_container,
    object_json,
    read_members,
    scalar,
    written_lines,
)
from mockllm.dialects.batch_requests import LONG, StoredBatchesRequest
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.batch_output import CODES, outputs
from mockllm.dialects.gemini.cached_contents import format_time
from mockllm.dialects.gemini.file_object import file_object, find_file, missing_file
from mockllm.dialects.gemini.generate_check import check_readable
from mockllm.dialects.gemini.generate_request import GeminiRequest
from mockllm.dialects.gemini.stored_call import GeminiStoredCall, json_plan, page
from mockllm.dialects.gemini.uploads import LETTERS
from mockllm.dialects.stored_objects import BatchCreation, Deletion, ObjectCall, ObjectRequest

PREFIX: Final = "batches/"
TYPE_PREFIX: Final = "type.googleapis.com/google.ai.generativelanguage.v1beta."
TYPES: Final = {"generateContent": "GenerateContentBatch", "embedContent": "EmbedContentBatch"}
"""The type of a batch by the call that serves its requests; that of its output ends with `Output`."""
MAX_LINES: Final = 50_000
STATES: Final = {
    "queued": "PENDING",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "cancelling": "RUNNING",
    "completed": "SUCCEEDED",
}
"""The protocol's words for states, where they differ."""


class FileLine(Struct):
    """The members of a line of a file, as the client wrote them."""

    key: Raw = ABSENT
    request: Raw = ABSENT


_read_file_line: Final = Decoder(FileLine).decode


class GeminiBatchInput(NamedTuple):
    """The requests of a batch with their keys and metadata. `problem`: why the batch fails."""

    keys: list[str]
    bodies: list[bytes]
    metadata: list[Json]
    problem: str | None = None


class GeminiBatchRequest(GeminiRequest):
    api = "batches"

    @cached_property
    def batch(self) -> dict[str, Json]:
        return object_of(self.fields.get("batch"))

    @cached_property
    def config(self) -> dict[str, Json]:
        return object_of(_member(self.batch, "inputConfig", "input_config"))

    @cached_property
    def file_name(self) -> str | None:
        name = _member(self.config, "fileName", "file_name")
        return name if type(name) is str and name else None

    @cached_property
    def file_content(self) -> bytes:
        """The content of the file that the body names."""
        file = None if self.file_name is None else find_file(self, self.file_name)
        return b"" if file is None else file.request_body

    @property
    def planning_takes_long(self) -> bool:
        return len(self.file_content) > LONG

    @cached_property
    def input(self) -> GeminiBatchInput:
        if self.file_name is not None:
            return read_file(self.file_content)
        items = object_of(self.config.get("requests")).get("requests")
        requests = [object_of(item) for item in items] if type(items) is list else []
        return GeminiBatchInput(
            [str(number) for number in range(len(requests))],
            [dumps(object_of(item.get("request"))) for item in requests],
            [item.get("metadata") for item in requests],
        )


def _member(holder: Mapping[str, Json], *names: str) -> Json:
    """Return a member by the first of its spellings."""
    return next((holder[name] for name in names if name in holder), None)


def read_file(content: bytes) -> GeminiBatchInput:
    """Return the requests of a file with one in each line."""
    found = GeminiBatchInput([], [], [])
    written = list(islice(written_lines(content), MAX_LINES + 1))
    if not written or len(written) > MAX_LINES:
        return found._replace(problem=f"The input file must have 1 to {MAX_LINES} lines.")
    for number, text in written:
        line = read_members(text, _read_file_line)
        body = None if line is None else object_json(line.request)
        if line is None or body is None:
            return found._replace(
                problem=f"Line {number} of the input file is no JSON object with a request."
            )
        found.keys.append(_key(line, number - 1))
        found.bodies.append(body)
        found.metadata.append(None)
    return found


def _key(line: FileLine, place: int) -> str:
    """Return the key of a line; the place of a line without one."""
    if line.key is ABSENT:
        return str(place)
    return bytes(line.key).decode() if is_container(line.key) else str(scalar(line.key))


class GeminiStoredBatchRequest(StoredBatchesRequest, GeminiRequest):
    path_variable = "batch"
    id_prefix = PREFIX

    @cached_property
    def object_id(self) -> str:
        return PREFIX + self.path_variables.get("batch", "")


class GeminiCreateBatch(GeminiStoredCall, BatchCreation):
    """POST /v1beta/models/{model}:batchGenerateContent."""

    request_class: type[Request] = GeminiBatchRequest
    line_call: str = "generateContent"
    """The call that serves each request."""

    check_readable = staticmethod(check_readable)

    def check(self, request: Request) -> Failure | None:
        error = check_readable(request)
        if error is not None:
            return error
        assert isinstance(request, GeminiBatchRequest)
        if request.file_name is not None:
            missing = find_file(request, request.file_name) is None
            return missing_file(request.file_name) if missing else None
        if request.input.keys:
            return None
        kind = "AsyncBatchEmbed" if self.line_call == "embedContent" else "BatchGenerate"
        message = f"* {kind}ContentRequest.batch.input_config: input_config is not specified\n"
        return Failure("bad_request", message=message)

    def create_batch(self, outcome: BatchOutcome, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the response with a batch that ends so."""
        assert isinstance(request, GeminiBatchRequest)
        id = identity.ids.make("", 36, "batch", alphabet=LETTERS)
        problem = request.input.problem
        if problem is not None:
            outcome = BatchOutcome("failed", message=problem)
        record = BatchRecord(request.now, request.input.keys, outcome, _details(id, request, self.line_call))
        batch = new_batch(PREFIX + id, record, BatchStart(json_plan({})).waits, request.monotonic)
        plan = json_plan(operation(batch, request.monotonic))
        return Plan(plan.head, plan.steps, background=BatchStart(plan, outcome=outcome))

    def stored_batch(self, created: Json, start: BatchStart, request: Request, began: float) -> StorageUpdate:
        assert isinstance(request, GeminiBatchRequest)
        name = created["name"]
        keys, bodies, _, _ = request.input
        details = _details(name.removeprefix(PREFIX), request, self.line_call)
        record = BatchRecord(request.now, keys, start.outcome, details)
        batch = new_batch(name, record, start.waits, began)
        path = f"/v1beta/models/{request.model}:{self.line_call}"
        lines = tuple(BatchLine(path, body) for body in bodies[: start.outcome.response_count(len(keys))])
        others: tuple[StoredObject, ...] = ()
        if details["file"]:
            file = file_object(request, details["file"], "", "application/jsonl", b"")
            file["source"] = "GENERATED"
            others = (StoredObject(details["file"], name, b"", dumps(file)),)
        return StorageUpdate((name,), batch, others=others, batch_job=BatchJob(name, lines))


class GeminiCreateEmbeddingBatch(GeminiCreateBatch):
    """POST /v1beta/models/{model}:asyncBatchEmbedContent."""

    line_call: str = "embedContent"


def _details(id: str, request: GeminiBatchRequest, line_call: str) -> dict[str, Json]:
    title = _member(request.batch, "displayName", "display_name")
    return {
        "type": TYPE_PREFIX + TYPES[line_call],
        "model": f"models/{request.model}",
        "title": title if type(title) is str else None,
        "metadata": request.input.metadata,
        "file": f"files/batch-{id}" if request.file_name is not None else None,
        "input_file": request.file_name,
    }


def operation(batch: StoredObject, monotonic: float) -> dict[str, Json]:
    """Return the batch as a read at this time finds it."""
    state, record = state_of(batch, monotonic), record_of(batch)
    details = record.details
    metadata: dict[str, Json] = {
        "@type": details["type"],
        "model": details["model"],
        **({} if details["title"] is None else {"displayName": details["title"]}),
        **({} if details["input_file"] is None else {"inputConfig": {"fileName": details["input_file"]}}),
        "createTime": format_time(record.created),
        "updateTime": format_time(max(state.reached.values())),
        "batchStats": _stats(state),
        "state": f"BATCH_STATE_{STATES.get(state.status, state.status.upper())}",
        "name": batch.id,
    }
    operation: dict[str, Json] = {"name": batch.id, "metadata": metadata}
    if not state.ended:
        return operation
    metadata["endTime"] = metadata["updateTime"]
    operation["done"] = True
    if state.status == "failed":
        return {**operation, "error": batch_error(record)}
    output = _output(batch, monotonic)
    metadata["output"] = output
    return {**operation, "response": {"@type": f"{details['type']}Output", **output}}


def batch_error(record: BatchRecord) -> dict[str, Json]:
    """Return why a batch failed."""
    message = record.outcome.message or "The batch could not be processed."
    return {"code": CODES.get(record.outcome.code or "", CODES["INTERNAL"]), "message": message}


def _output(batch: StoredObject, monotonic: float) -> dict[str, Json]:
    details = record_of(batch).details
    if details["file"]:
        return {"responsesFile": details["file"]}
    inlined = [
        output if metadata is None else {**output, "metadata": metadata}
        for output, metadata in zip(outputs(batch, monotonic), details["metadata"], strict=True)
    ]
    return {"inlinedResponses": {"inlinedResponses": inlined}}


def _stats(state: BatchState) -> dict[str, Json]:
    """Return the counts; protobuf leaves out those that are 0."""
    failed = state.responded - state.succeeded
    pending = state.total - state.responded
    counts = {
        "requestCount": state.total,
        "successfulRequestCount": state.succeeded,
        "failedRequestCount": failed + pending if state.ended else failed,
        "pendingRequestCount": 0 if state.ended else pending,
    }
    return {name: str(count) for name, count in counts.items() if count}


class GeminiBatch(ObjectCall, GeminiStoredCall):
    """GET /v1beta/batches/{id}, and the base of the calls on one batch."""

    api: str = "stored_batches"
    request_class: type[Request] = GeminiStoredBatchRequest

    def missing(self, request: ObjectRequest) -> Failure:
        note = "a batch exists after a call of the same session that creates it"
        return Failure("not_found", message="Requested entity was not found.", note=note)

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan(operation(stored, request.monotonic))

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        return with_read(stored)


class GeminiCancelBatch(GeminiBatch):
    """POST /v1beta/batches/{id}:cancel."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if state_of(stored, request.monotonic).ended:
            message = "Batch has already completed and cannot be cancelled."
            return Failure("bad_request", message=message, fields={"status": "FAILED_PRECONDITION"})
        return json_plan({})

    def changed(self, stored: StoredObject, request: Request) -> StoredObject:
        return cancelled(stored, request.monotonic)


class GeminiDeleteBatch(Deletion, GeminiBatch):
    """DELETE /v1beta/batches/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan({})


class GeminiBatchList(GeminiStoredCall):
    """GET /v1beta/batches: the newest first."""

    api: str = "stored_batches"
    request_class: type[Request] = GeminiStoredBatchRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, GeminiStoredBatchRequest)
        listed, monotonic = request.listed[::-1], request.monotonic
        return json_plan(page("operations", listed, request, lambda batch: operation(batch, monotonic)))
