"""Mistral's batch jobs: POST and GET /v1/batch/jobs, GET and DELETE /v1/batch/jobs/{id}, POST …/cancel.

Objects, headers and the states QUEUED, RUNNING and SUCCESS are those of recordings of August 2026
(crmne/ruby_llm). The `mistralai` package (3.7) has fields, queries and further states: `CreateBatchJobRequest`,
`BatchJob`, `JobsAPIRoutesBatchGetBatchJobsRequest`, `DeleteBatchJobResponse`. Inferred are all messages, the
status of a refused end, and that an invalid line makes the whole job fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from propcache.api import cached_property

from mockllm.core.batch import BatchJob, BatchOutcome
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import objects, text_of, texts
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import BatchStart, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_batches import (
    BatchRecord,
    BatchState,
    detail_of,
    new_batch,
    record_of,
    state_of,
    with_read,
)
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.batch_requests import LONG, StoredBatchesRequest, are_long
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mistral.batch_lines import (
    ENDPOINTS,
    ERRORS,
    MAX_LINES,
    OUTPUT,
    JobLines,
    output_ids,
    output_lines,
    read_job,
)
from mockllm.dialects.mistral.files import file_object, stored_file, with_output
from mockllm.dialects.mistral.stored_calls import (
    FILES,
    JOBS,
    MistralStoredCall,
    listed,
    missing_file,
    wanted,
    wanted_values,
)
from mockllm.dialects.openai.calls import OpenAiCall, OpenAiObjectCall
from mockllm.dialects.openai.request_fields import ModelRequest
from mockllm.dialects.openai.validators import (
    Check,
    array,
    check_fields,
    check_readable,
    check_required,
    integer,
    object_,
    one_of,
    refuse,
    string,
)
from mockllm.dialects.stored_objects import BatchCancellation, BatchCreation, Deletion
from mockllm.dialects.vendors.vendor import VendorIdFormat

MAX_FILES: Final = 100
"""The most input files of a job: a bound of this server."""
STATUSES: Final = {
    "queued": "QUEUED",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "completed": "SUCCESS",
    "failed": "FAILED",
    "expired": "TIMEOUT_EXCEEDED",
    "cancelling": "CANCELLATION_REQUESTED",
    "cancelled": "CANCELLED",
}
"""The protocol's words for states (SDK: `BatchJobStatus`)."""
_UUID: Final = VendorIdFormat()


def _inline(value: Json, path: str) -> Failure | None:
    """Check one request of a body."""
    if type(value) is not dict:
        return object_(value, path)
    fields = {f"{path}.{name}": value.get(name) for name in ("body", "custom_id")}
    checks = {f"{path}.body": object_, f"{path}.custom_id": string}
    return check_required(fields, f"{path}.body") or check_fields(fields, checks)


FIELDS: Final[dict[str, Check]] = {
    "endpoint": one_of(*ENDPOINTS),
    "input_files": array(string, "strings", 0, MAX_FILES),
    "requests": array(_inline, "objects", 0, MAX_LINES),
    "model": string,
    "agent_id": string,
    "metadata": object_,
    "timeout_hours": integer(1),
}


class MistralJobRequest(ModelRequest):
    """A request that creates a job of uploaded files, of requests in its body, or of both."""

    api = "batches"

    @cached_property
    def named_files(self) -> dict[str, StoredObject | None]:
        """The files that the body names, by their ids, without the outputs of batch jobs; None for an id without a
        file."""
        named = dict.fromkeys(islice(texts(self.fields.get("input_files")), MAX_FILES))
        return {id: self.object_lookup.stored(FILES + id) for id in named}

    @cached_property
    def source_batches(self) -> dict[str, StoredObject | None]:
        """The batch jobs by their ids whose outputs are among the named files."""
        files = self.named_files.values()
        names = dict.fromkeys(
            file.previous for file in files if file is not None and file.previous is not None
        )
        return {name: self.object_lookup.stored(name) for name in names}

    @cached_property
    def input_files(self) -> dict[str, StoredObject | None]:
        """The files that the body names, by their ids, with their contents; None for an id without a file."""
        return {id: None if file is None else self._whole(file) for id, file in self.named_files.items()}

    def _whole(self, file: StoredObject) -> StoredObject | None:
        if file.previous is None:
            return file
        batch = self.source_batches[file.previous]
        return None if batch is None else with_output(file, batch, self.monotonic)

    @cached_property
    def inline_lines(self) -> bytes:
        """The requests of the body as the lines of a file."""
        named = islice(objects(self.fields.get("requests")), MAX_LINES)
        return b"".join(
            dumps({"custom_id": item.get("custom_id"), "body": item.get("body")}) + b"\n" for item in named
        )

    @cached_property
    def contents(self) -> list[bytes]:
        """The contents of the input files, and last the lines of the body, if it has some."""
        files = [b"" if file is None else file.request_body for file in self.input_files.values()]
        return [*files, self.inline_lines] if self.inline_lines else files

    @cached_property
    def job_lines(self) -> dict[tuple[str, ...], JobLines]:
        """What is read of the input files, by all their ids."""
        return {}

    @property
    def endpoint(self) -> str:
        return text_of(self.fields.get("endpoint")) or ""

    @property
    def planning_takes_long(self) -> bool:
        sizes = (0 if file is None else len(file.request_body) for file in self.named_files.values())
        return sum(sizes, len(self.inline_lines)) > LONG or are_long(self.source_batches.values())

    def read_lines(self, ids: Sequence[str]) -> JobLines:
        """Return what is read of the input files with these ids. It is read once."""
        key = tuple(ids)
        if key not in self.job_lines:
            contents = dict(zip(ids, self.contents, strict=True))
            self.job_lines[key] = read_job(contents, self.endpoint, self.model)
        return self.job_lines[key]


class StoredMistralJobRequest(StoredBatchesRequest):
    dialect = "openai"
    path_variable = "job"
    id_prefix = JOBS

    @cached_property
    def object_id(self) -> str:
        return JOBS + self.path_variables.get("job", "")


class MistralCreateJob(MistralStoredCall, OpenAiCall, BatchCreation):
    """POST /v1/batch/jobs."""

    request_class = MistralJobRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, MistralJobRequest)
        error = check_readable(request) or check_fields(request.fields, FIELDS)
        error = error or check_required(request.fields, "endpoint")
        if error is not None:
            return error
        if not request.fields.get("input_files") and not request.fields.get("requests"):
            return refuse("Either 'input_files' or 'requests' must have an item.", "input_files")
        return next(filter(None, (_file_failure(*item) for item in request.input_files.items())), None)

    def create_batch(self, outcome: BatchOutcome, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the response with a job that ends so."""
        assert isinstance(request, MistralJobRequest)
        fields, files = request.fields, list(request.input_files)
        if request.inline_lines:
            files.append(_UUID.make(identity.ids, "input"))
        request.read_lines(
            files
        )  # where they are long, a thread does it now, and `storage_update` has the result
        created: dict[str, Json] = {
            "id": _UUID.make(identity.ids, "batch"),
            "object": "batch",
            "input_files": files,
            "metadata": fields.get("metadata"),
            "endpoint": request.endpoint,
            "model": request.model,
            "agent_id": fields.get("agent_id"),
            OUTPUT: None,
            ERRORS: None,
            "errors": [],
            "outputs": None,
            "status": "QUEUED",
            "created_at": identity.epoch_second,
            "total_requests": 0,
            "completed_requests": 0,
            "succeeded_requests": 0,
            "failed_requests": 0,
            "started_at": None,
            "completed_at": None,
        }
        plan = self.json_plan(created, identity)
        return Plan(plan.head, plan.steps, background=BatchStart(plan, outcome=outcome))

    def stored_batch(self, created: Json, start: BatchStart, request: Request, began: float) -> StorageUpdate:
        assert isinstance(request, MistralJobRequest)
        name, second = JOBS + created["id"], created["created_at"]
        others: list[StoredObject] = []
        if request.inline_lines:
            id = created["input_files"][-1]
            file = file_object(id, f"{id}.jsonl", request.inline_lines, second, "batch_request")
            others.append(stored_file(file, request.inline_lines))
        found = request.read_lines(created["input_files"])
        outcome = start.outcome._replace(status="failed") if found.errors else start.outcome
        details: dict[str, Json] = {
            "created": created,
            "inline": bool(request.inline_lines),
            "places": found.places,
            "errors": [{"message": message, "count": count} for message, count in found.errors.items()],
        }
        for place, (member, sample) in enumerate(((OUTPUT, "batch_result"), (ERRORS, "batch_error"))):
            id = _UUID.make(Ids(0, name, place), "")
            details[member] = id
            others.append(stored_file(file_object(id, f"{id}.jsonl", b"", second, sample), b"", name))
        record = BatchRecord(request.now, found.keys, outcome, details)
        batch = new_batch(name, record, start.waits, began)
        lines = tuple(found.lines[: outcome.response_count(len(found.lines))])
        return StorageUpdate(
            (name,), batch, others=tuple(others), batch_job=BatchJob(name, lines, created["id"])
        )


def _file_failure(id: str, file: StoredObject | None) -> Failure | None:
    """Return what is wrong with an input file."""
    if file is None:
        return missing_file(id)
    purpose = loads(file.response_body)["purpose"]
    if purpose == "batch":
        return None
    return refuse(f"The purpose of the file {id} is '{purpose}'. It must be 'batch'.", "input_files")


def _errors(outcome: BatchOutcome) -> list[dict[str, Json]]:
    """Return the errors of a job that fails for another reason than its lines."""
    return [{"message": outcome.message or "The job could not be processed.", "count": 1}]


def job_object(batch: StoredObject, monotonic: float, *, inline: bool = False) -> dict[str, Json]:
    """Return the job as a read at this time finds it. `inline`: with the lines of its responses."""
    record = record_of(batch)
    state, details = state_of(batch, monotonic, record), record.details
    ended = max(state.reached.values()) if state.ended else None
    began = state.reached.get("in_progress")
    outputs = [line for _, line in output_lines(batch, monotonic)] if inline and state.ended else None
    return {
        **details["created"],
        **output_ids(batch, state),
        "errors": (details["errors"] or _errors(record.outcome)) if state.status == "failed" else [],
        "outputs": outputs,
        "status": STATUSES[state.status],
        "total_requests": 0 if state.status == "queued" else state.total,
        "completed_requests": state.responded,
        "succeeded_requests": state.succeeded,
        "failed_requests": state.responded - state.succeeded,
        "started_at": None if began is None else int(began),
        "completed_at": None if ended is None else int(ended),
    }


class MistralGetJob(MistralStoredCall, OpenAiObjectCall):
    """GET /v1/batch/jobs/{id}, and the base of the calls on one job. A job of requests in a body has its responses in
    the object, too, as recorded; `inline` chooses for every job."""

    api = "stored_batches"
    request_class = StoredMistralJobRequest
    object_name = "batch job"
    missing_message = "No such batch job: {}"

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        chosen = request.query.get("inline")
        inline = detail_of(stored, "inline") if chosen is None else chosen == "true"
        return self.json_plan(job_object(stored, request.monotonic, inline=inline), identity)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        return with_read(stored)


class MistralCancelJob(BatchCancellation, MistralGetJob):
    """POST /v1/batch/jobs/{id}/cancel."""

    def ended(self, stored: StoredObject, state: BatchState) -> Failure:
        message = f"A batch job with the status {STATUSES[state.status]} cannot be cancelled."
        return Failure("bad_request", 409, message)


class MistralDeleteJob(Deletion, MistralGetJob):
    """DELETE /v1/batch/jobs/{id}. The files of its responses are deleted, too."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        deleted = {"id": stored.id.removeprefix(JOBS), "object": "batch", "deleted": True}
        return self.json_plan(deleted, identity)

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        files = (FILES + detail_of(stored, name) for name in (OUTPUT, ERRORS))
        return StorageUpdate(forgotten=(stored.id, *files))


class MistralJobs(MistralGetJob):
    """GET /v1/batch/jobs: the newest first, in pages. The server ignores `metadata` and `created_by_me`."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        after = _seconds(request.query.get("created_after", ""))
        assert isinstance(request, StoredMistralJobRequest)
        values = wanted_values(request, "model", "agent_id", "status")
        states = values.pop("status", None)

        def is_wanted(batch: StoredObject) -> bool:
            created = detail_of(batch, "created")
            if created["created_at"] <= after or not wanted(created, values):
                return False
            return states is None or STATUSES[state_of(batch, request.monotonic).status] in states

        chosen = list(filter(is_wanted, request.listed))
        if request.query.get("order_by") != "created":
            chosen.reverse()
        page = listed(chosen, request.query, lambda batch: job_object(batch, request.monotonic))
        return self.json_plan(page, identity)


def _seconds(text: str) -> float:
    """Return the seconds since the epoch of a date; 0 in place of anything else."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
