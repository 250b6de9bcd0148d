"""Vertex AI's batch jobs: POST and GET …/batchPredictionJobs, GET and DELETE …/{id}, POST …/{id}:cancel.

A job names the place of its requests and of their responses: Cloud Storage, BigQuery or a dataset. This server reads
and writes none of them, so a job has states, times and an end, but no lines. Sources: google-genai's `Batches` with
`vertexai=True`, and the API's reference of `BatchPredictionJob`; no recording was at hand. The form of a
refusal, all messages, and the ids and names of outputs and operations are inferred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from propcache.api import cached_property

from mockllm.core.batch import BatchOutcome
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.rendering.plan import BatchStart, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_batches import BatchRecord, BatchState, new_batch, record_of, state_of
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.batch_output import WITHOUT_RESPONSE
from mockllm.dialects.gemini.batches import (
    STATES,
    GeminiBatch,
    GeminiCancelBatch,
    GeminiDeleteBatch,
    GeminiStoredBatchRequest,
    batch_error,
)
from mockllm.dialects.gemini.cached_contents import DIGITS, format_time
from mockllm.dialects.gemini.generate_check import check_readable
from mockllm.dialects.gemini.generate_request import GeminiRequest
from mockllm.dialects.gemini.stored_call import GeminiStoredCall, json_plan, page
from mockllm.dialects.gemini.validators import snake_case
from mockllm.dialects.stored_objects import BatchCreation

JOB_STATES: Final = {**STATES, "cancelling": "CANCELLING"}
SOURCES: Final = {
    "gcsSource": ("uris", "gs://"),
    "bigquerySource": ("inputUri", "bq://"),
    "vertexMultimodalDatasetSource": ("datasetName", "projects/"),
}
DESTINATIONS: Final = {
    "gcsDestination": ("outputUriPrefix", "gs://"),
    "bigqueryDestination": ("outputUri", "bq://"),
    "vertexMultimodalDatasetDestination": (None, ""),
}
"""The kinds of places; each has the member with its URI, and how that begins."""
CONFIGS: Final = (
    ("inputConfig", "input_config", "instancesFormat", "source", SOURCES),
    ("outputConfig", "output_config", "predictionsFormat", "destination", DESTINATIONS),
)
SHOWN: Final = ("displayName", "model", "inputConfig", "outputConfig")
"""The members of a job that the client states."""


def _collection(request: Request) -> str:
    """Return the resource name of all jobs of the path's project and location."""
    variables = request.path_variables
    return f"projects/{variables.get('project')}/locations/{variables.get('location')}/batchPredictionJobs/"


class BatchJobRequest(GeminiRequest):
    api = "batches"

    @cached_property
    def model(self) -> str | None:
        return (text_of(self.message.get("model")) or "").rpartition("/")[2] or None


class StoredBatchJobRequest(GeminiStoredBatchRequest):
    id_prefix = ""

    @cached_property
    def listed(self) -> Sequence[StoredObject]:
        """The jobs, the oldest first."""
        return self.object_lookup.all_stored(_collection(self))

    @cached_property
    def object_id(self) -> str:
        return _collection(self) + self.path_variables.get("batch", "")


class CreateBatchJob(GeminiStoredCall, BatchCreation):
    """POST …/batchPredictionJobs."""

    request_class: type[Request] = BatchJobRequest

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request) if request.raw else None

    def check(self, request: Request) -> Failure | None:
        error = self.check_readable(request)
        if error is not None:
            return error
        assert isinstance(request, BatchJobRequest)
        problems = "".join(
            f"{number}.Field: batch_prediction_job.{problem}\t"
            for number, problem in enumerate(_problems(request.message), 1)
        )
        return Failure("bad_request", message=f"List of found errors:\t{problems}") if problems else None

    def create_batch(self, outcome: BatchOutcome, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the response with a job that ends so."""
        name = _collection(request) + identity.ids.make("", 19, "batch", alphabet=DIGITS)
        start = BatchStart(json_plan({}), outcome=outcome)
        plan = json_plan(job(_new_job(name, start, request, request.monotonic), request.monotonic))
        return Plan(plan.head, plan.steps, background=BatchStart(plan, outcome=outcome))

    def stored_batch(self, created: Json, start: BatchStart, request: Request, began: float) -> StorageUpdate:
        return StorageUpdate((created["name"],), _new_job(created["name"], start, request, began))


def _new_job(name: str, start: BatchStart, request: Request, began: float) -> StoredObject:
    """Return a job without lines."""
    assert isinstance(request, BatchJobRequest)
    details: dict[str, Json] = {key: request.message[key] for key in SHOWN if key in request.message}
    record = BatchRecord(request.now, [], start.outcome, details, succeeded=[])
    return new_batch(name, record, start.waits, began)


def _problems(message: Mapping[str, Json]) -> Iterator[str]:
    """Yield what the API does not accept, with the path of its field."""
    for key, field in (("displayName", "display_name"), ("model", "model")):
        if not text_of(message.get(key)):
            yield f"{field}; Message: Required field is not set."
    for key, field, format, place, kinds in CONFIGS:
        config = object_of(message.get(key))
        if not text_of(config.get(format)):
            yield f"{field}.{snake_case(format)}; Message: Required field is not set."
        kind = next((kind for kind in kinds if config.get(kind) is not None), None)
        if kind is None:
            yield f"{field}.{place}; Message: Required field is not set."
            continue
        member, scheme = kinds[kind]
        found = object_of(config[kind]).get(member or "", scheme if member is None else None)
        uris = found if type(found) is list and found else [found]
        if not all(type(uri) is str and uri.startswith(scheme) for uri in uris):
            yield f"{field}.{place}; Message: {kind}.{member} must begin with {scheme}."


def job(batch: StoredObject, monotonic: float) -> dict[str, Json]:
    """Return the job as a read at this time finds it."""
    state, record = state_of(batch, monotonic), record_of(batch)
    created, reached = format_time(record.created), state.reached
    job: dict[str, Json] = {"name": batch.id, **record.details}
    if state.ended and state.status != "failed":
        job.update(_output(record, created))
    job["state"] = f"JOB_STATE_{JOB_STATES.get(state.status, state.status.upper())}"
    job.update(_error(state, record))
    job["createTime"] = created
    if "in_progress" in reached:
        job["startTime"] = format_time(reached["in_progress"])
    updated = format_time(max(reached.values()))
    if state.ended:
        job["endTime"] = updated
    job["updateTime"] = updated
    return job


def _output(record: BatchRecord, created: str) -> dict[str, Json]:
    """Return where the responses would be, and how many there are if the scenario says so."""
    config = object_of(record.details.get("outputConfig"))
    directory = text_of(object_of(config.get("gcsDestination")).get("outputUriPrefix")) or ""
    table = text_of(object_of(config.get("bigqueryDestination")).get("outputUri"))
    output: dict[str, Json] = {}
    if directory:
        output["outputInfo"] = {"gcsOutputDirectory": f"{directory.rstrip('/')}/prediction-model-{created}"}
    elif table:
        output["outputInfo"] = {"bigqueryOutputTable": table}
    if record.outcome.responses:
        output["completionStats"] = {"successfulCount": str(record.outcome.responses)}
    return output


def _error(state: BatchState, record: BatchRecord) -> dict[str, Json]:
    if state.status == "failed":
        return {"error": batch_error(record)}
    return {"error": WITHOUT_RESPONSE["cancelled"]} if state.status == "cancelled" else {}


class GetBatchJob(GeminiBatch):
    """GET …/batchPredictionJobs/{id}."""

    request_class: type[Request] = StoredBatchJobRequest

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan(job(stored, request.monotonic))


class CancelBatchJob(GeminiCancelBatch):
    """POST …/batchPredictionJobs/{id}:cancel."""

    request_class: type[Request] = StoredBatchJobRequest


class DeleteBatchJob(GeminiDeleteBatch):
    """DELETE …/batchPredictionJobs/{id}: an operation that is done already. A job that has not ended stays."""

    request_class: type[Request] = StoredBatchJobRequest

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if not state_of(stored, request.monotonic).ended:
            message = "The job has not ended and cannot be deleted."
            return Failure("bad_request", message=message, fields={"status": "FAILED_PRECONDITION"})
        response = {"@type": "type.googleapis.com/google.protobuf.Empty"}
        name = stored.id.replace("/batchPredictionJobs/", "/operations/")
        return json_plan({"name": name, "done": True, "response": response})


class ListBatchJobs(GeminiStoredCall):
    """GET …/batchPredictionJobs: the newest first."""

    api: str = "stored_batches"
    request_class: type[Request] = StoredBatchJobRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, StoredBatchJobRequest)
        listed, monotonic = request.listed[::-1], request.monotonic
        return json_plan(page("batchPredictionJobs", listed, request, lambda batch: job(batch, monotonic)))
