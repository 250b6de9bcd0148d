"""Vertex AI's batch jobs, whose requests and responses are in places that no mock can read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dialects.gemini.test_gemini_batches import get
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

JOBS = "/v1/projects/p/locations/us-central1/batchPredictionJobs"
BODY: dict[str, Any] = {
    "displayName": "mine",
    "model": "publishers/google/models/gemini-2.5-flash",
    "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://in/a.jsonl"]}},
    "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": "gs://out/b/"}},
}
TABLES: dict[str, Any] = {
    "inputConfig": {"instancesFormat": "bigquery", "bigquerySource": {"inputUri": "bq://p.d.in"}},
    "outputConfig": {"predictionsFormat": "bigquery", "bigqueryDestination": {"outputUri": "bq://p.d.out"}},
}
DATASETS: dict[str, Any] = {
    "inputConfig": {
        "instancesFormat": "vertex-dataset",
        "vertexMultimodalDatasetSource": {"datasetName": "projects/p/locations/l/datasets/1"},
    },
    "outputConfig": {
        "predictionsFormat": "vertex-dataset",
        "vertexMultimodalDatasetDestination": {"displayName": "out"},
    },
}


def scenario(batch: str = "completed", more: str = "") -> str:
    return f"rules:\n  - {{match: {{api: batches}}, reply: {{batch: {batch}}}}}\n  - reply: Hi.\n{more}"


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer("rules: [{reply: Hi.}]")


def create(server: VirtualServer, **more: Any) -> ClientResponse:
    return server.respond(raw_request(JOBS, {**BODY, **more}))


def read(server: VirtualServer, name: str, after: float = 5.0) -> Any:
    return server.respond(get(f"/v1/{name}", after)).json


def test_new_job_is_pending(server: VirtualServer) -> None:
    job = create(server).json
    id = job["name"].removeprefix("projects/p/locations/us-central1/batchPredictionJobs/")
    assert (id.isdigit(), len(id)) == (True, 19)
    assert {key: job[key] for key in BODY} == BODY
    assert job["state"] == "JOB_STATE_PENDING"
    assert job["createTime"] == job["updateTime"]
    assert not {"startTime", "endTime", "outputInfo", "error", "completionStats"} & set(job)
    assert read(server, job["name"], 0.0) == job


def test_job_passes_through_its_states(server: VirtualServer) -> None:
    name = create(server).json["name"]
    states = [read(server, name, after)["state"] for after in (0.1, 0.3, 0.75, 1.0)]
    assert states == [f"JOB_STATE_{state}" for state in ("PENDING", "RUNNING", "RUNNING", "SUCCEEDED")]
    assert "startTime" in read(server, name, 0.3)


def test_ended_job_names_its_output_directory(server: VirtualServer) -> None:
    created = create(server).json
    job = read(server, created["name"])
    directory = f"gs://out/b/prediction-model-{created['createTime']}"
    assert job["outputInfo"] == {"gcsOutputDirectory": directory}
    assert job["createTime"] < job["startTime"] < job["endTime"] == job["updateTime"]
    assert "completionStats" not in job


@pytest.mark.parametrize(
    ("places", "output"),
    [(TABLES, {"bigqueryOutputTable": "bq://p.d.out"}), (DATASETS, None)],
    ids=["bigquery", "dataset"],
)
def test_output_is_that_of_the_destination(server: VirtualServer, places: Any, output: Any) -> None:
    created = create(server, **places)
    assert created.status == 200
    assert read(server, created.json["name"]).get("outputInfo") == output


def test_body_in_snake_case_is_read() -> None:
    server = VirtualServer("rules: [{match: {model: gemini-2.5-flash, api: batches}, error: rate_limit}]")
    assert create(server).status == 429
    body = {
        "display_name": "mine",
        "model": "publishers/google/models/gemini-2.0-flash",
        "input_config": {"instances_format": "jsonl", "gcs_source": {"uris": "gs://in"}},
        "output_config": {"predictions_format": "jsonl", "gcs_destination": {"output_uri_prefix": "gs://o"}},
    }
    job = VirtualServer("rules: [{reply: Hi.}]").respond(raw_request(JOBS, body)).json
    assert (job["displayName"], job["inputConfig"]["gcsSource"]) == ("mine", {"uris": "gs://in"})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"displayName": ""}, "display_name; Message: Required field is not set."),
        ({"model": 1}, "model; Message: Required field is not set."),
        (
            {"inputConfig": {"gcsSource": {"uris": ["gs://a"]}}},
            "input_config.instances_format; Message: Required field is not set.",
        ),
        (
            {"inputConfig": {"instancesFormat": "jsonl", "requests": {}}},
            "input_config.source; Message: Required field is not set.",
        ),
        (
            {"inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": []}}},
            "input_config.source; Message: gcsSource.uris must begin with gs://.",
        ),
        (
            {"outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": "/tmp"}}},
            "output_config.destination; Message: gcsDestination.outputUriPrefix must begin with gs://.",
        ),
    ],
)
def test_invalid_job_is_refused(server: VirtualServer, change: Any, problem: str) -> None:
    refused = create(server, **change)
    assert (refused.status, refused.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert refused.message == f"List of found errors:\t1.Field: batch_prediction_job.{problem}\t"


@pytest.mark.parametrize("body", ["", "{", "[]", "{}"])
def test_unreadable_job_is_refused(server: VirtualServer, body: str) -> None:
    assert server.respond(raw_request(JOBS, body)).status == 400


@pytest.mark.parametrize(
    "body",
    ["", "{}", json.dumps({**BODY, "model": 1, "inputConfig": [], "outputConfig": {"gcsDestination": 1}})],
)
def test_lenient_server_takes_any_object(body: str) -> None:
    server = VirtualServer("validation: lenient\nrules: [{reply: Hi.}]")
    job = read(server, server.respond(raw_request(JOBS, body)).json["name"])
    assert (job["state"], job.get("outputInfo")) == ("JOB_STATE_SUCCEEDED", None)


@pytest.mark.parametrize(
    ("batch", "state", "more"),
    [
        ("{status: expired, responses: 3}", "EXPIRED", {"completionStats": {"successfulCount": "3"}}),
        ("{status: completed, responses: 9}", "SUCCEEDED", {"completionStats": {"successfulCount": "9"}}),
        (
            "{status: failed, message: Gone., code: NOT_FOUND}",
            "FAILED",
            {"error": {"code": 5, "message": "Gone."}, "outputInfo": None},
        ),
        ("cancelled", "CANCELLED", {"error": {"code": 1, "message": "The batch was cancelled."}}),
    ],
)
def test_scenario_sets_the_end(batch: str, state: str, more: dict[str, Any]) -> None:
    server = VirtualServer(scenario(batch))
    job = read(server, create(server).json["name"])
    assert job["state"] == f"JOB_STATE_{state}"
    assert {key: job.get(key) for key in more} == more


def test_pace_and_reads_set_the_states() -> None:
    pace = "modifiers: [{match: {api: batches}, pace: {queued_polls: 1, in_progress_polls: 1}}]"
    server = VirtualServer(scenario(more=pace))
    name = create(server).json["name"]
    states = [read(server, name, 0.0)["state"].rpartition("_")[2] for _ in range(3)]
    assert states == ["PENDING", "RUNNING", "SUCCEEDED"]


def test_cancelled_job_is_cancelling_first(server: VirtualServer) -> None:
    name = create(server).json["name"]
    assert server.respond(get(f"/v1/{name}:cancel", 0.45, "POST")).json == {}
    assert read(server, name, 0.46)["state"] == "JOB_STATE_CANCELLING"
    job = read(server, name)
    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_CANCELLED", 1)
    again = server.respond(get(f"/v1/{name}:cancel", 6.0, "POST"))
    assert (again.status, again.json["error"]["status"]) == (400, "FAILED_PRECONDITION")


def test_running_job_is_not_deleted(server: VirtualServer) -> None:
    name = create(server).json["name"]
    refused = server.respond(get(f"/v1/{name}", 0.3, "DELETE"))
    assert (refused.status, refused.json["error"]["status"]) == (400, "FAILED_PRECONDITION")
    assert read(server, name)["name"] == name


def test_deleted_job_is_gone(server: VirtualServer) -> None:
    name = create(server).json["name"]
    operation = server.respond(get(f"/v1/{name}", 5.0, "DELETE")).json
    assert (operation["done"], operation["name"].split("/")[-2]) == (True, "operations")
    for method, path in (("GET", ""), ("POST", ":cancel"), ("DELETE", "")):
        assert server.respond(get(f"/v1/{name}{path}", 6.0, method)).status == 404


def test_jobs_of_a_location_are_listed_in_pages(server: VirtualServer) -> None:
    names = [create(server).json["name"] for _ in range(3)][::-1]
    first = server.respond(get(JOBS, query="pageSize=2")).json
    rest = server.respond(get(JOBS, query=f"pageToken={first['nextPageToken']}")).json
    pages = [first["batchPredictionJobs"], rest["batchPredictionJobs"]]
    assert [job["name"] for page in pages for job in page] == names
    assert server.respond(get(JOBS.replace("us-central1", "global"))).json == {}


def test_refused_create_stores_no_job() -> None:
    server = VirtualServer(
        "rules: [{reply: Hi.}]\nmodifiers: [{match: {api: batches}, faults: [html_page: {}]}]"
    )
    create(server)
    assert server.respond(get(JOBS)).json == {}
