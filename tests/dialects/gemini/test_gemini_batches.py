"""Gemini's batches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dialects.gemini.test_gemini_files import RELATED, UPLOAD, related
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

CREATE = "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
EMBED = "/v1beta/models/gemini-embedding-001"
RULES = """
rules:
  - {match: {user: {contains: fail}}, error: rate_limit}
  - {match: {user: {contains: cut}}, reply: Never whole., faults: [{close: {}}]}
  - {match: {user: plain}, http: {body: no JSON}}
  - {match: {user: odd}, http: {status: 500, body: {}}}
  - {reply: "Answer to {{ user }}"}
"""


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


def body(text: str) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


def create(server: VirtualServer, *texts: str, snake: bool = False) -> ClientResponse:
    requests = [{"request": body(text), "metadata": {"my_key": text}} for text in texts]
    config, title = ("input_config", "display_name") if snake else ("inputConfig", "displayName")
    return server.respond(
        raw_request(CREATE, {"batch": {title: "mine", config: {"requests": {"requests": requests}}}})
    )


def create_from_file(server: VirtualServer, content: str) -> ClientResponse:
    sent = raw_request(UPLOAD, related({"mimeType": "application/jsonl"}, content.encode()), headers=RELATED)
    name = server.respond(sent).json["file"]["name"]
    return server.respond(raw_request(CREATE, {"batch": {"inputConfig": {"fileName": name}}}))


def read(server: VirtualServer, name: str, after: float = 5.0) -> Any:
    return server.respond(get(f"/v1beta/{name}", after)).json


def get(path: str, after: float = 5.0, method: str = "GET", query: str = "") -> ClientRequest:
    return ClientRequest(path, method=method, now=NOW + after, query=query)


@pytest.mark.parametrize("snake", [False, True])
def test_new_batch_is_pending(server: VirtualServer, snake: bool) -> None:
    batch = create(server, "one", snake=snake).json
    metadata = batch["metadata"]
    assert batch["name"].startswith("batches/")
    assert (metadata["state"], metadata["displayName"]) == ("BATCH_STATE_PENDING", "mine")
    assert metadata["model"] == "models/gemini-2.5-flash"
    assert metadata["batchStats"] == {"requestCount": "1", "pendingRequestCount": "1"}
    assert "done" not in batch
    assert read(server, batch["name"], 0.0) == batch


def test_states_follow_the_time(server: VirtualServer) -> None:
    name = create(server, "one").json["name"]
    states = [read(server, name, after)["metadata"]["state"] for after in (0.1, 0.3, 0.75, 1.0)]
    assert states == [f"BATCH_STATE_{state}" for state in ("PENDING", "RUNNING", "RUNNING", "SUCCEEDED")]


def test_ended_batch_has_responses_in_order(server: VirtualServer) -> None:
    batch = read(server, create(server, "one", "fail", "cut", "plain", "odd").json["name"])
    assert batch["done"] is True
    assert batch["metadata"]["batchStats"] == {
        "requestCount": "5",
        "successfulRequestCount": "2",
        "failedRequestCount": "3",
    }
    one, limited, cut, plain, odd = batch["response"]["inlinedResponses"]["inlinedResponses"]
    assert one["response"]["candidates"][0]["content"]["parts"] == [{"text": "Answer to one"}]
    assert one["metadata"] == {"my_key": "one"}
    assert (limited["error"]["code"], cut["error"]["code"]) == (8, 4)
    assert plain["error"]["code"] == 4
    assert odd["error"] == {"code": 2, "message": "HTTP status 500"}
    assert batch["metadata"]["output"]["inlinedResponses"] == batch["response"]["inlinedResponses"]


def test_requests_of_a_file_have_responses_in_a_file(server: VirtualServer) -> None:
    lines = [{"key": "a", "request": body("one")}, {"request": body("fail")}]
    created = create_from_file(server, "\n".join(map(json.dumps, lines))).json
    assert created["metadata"]["inputConfig"]["fileName"].startswith("files/")
    file = read(server, created["name"])["response"]["responsesFile"]
    assert server.respond(get(f"/v1beta/{file}", 0.0)).status == 403
    shown = server.respond(get(f"/v1beta/{file}")).json
    content = server.respond(get(f"/v1beta/{file}:download")).bytes
    assert (shown["source"], shown["sizeBytes"]) == ("GENERATED", str(len(content)))
    first, second = (json.loads(text) for text in content.splitlines())
    assert (first["key"], second["key"], second["error"]["code"]) == ("a", "1", 8)
    assert len(server.respond(get("/v1beta/files")).json["files"]) == 1
    server.respond(get(f"/v1beta/{created['name']}", 5.0, "DELETE"))
    assert server.respond(get(f"/v1beta/{file}")).status == 403


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "The input file must have 1 to 50000 lines."),
        ("{", "Line 1 of the input file is no JSON object with a request."),
        ('{"request": {}}\n{}', "Line 2 of the input file is no JSON object with a request."),
    ],
)
def test_wrong_file_fails_the_batch(server: VirtualServer, content: str, message: str) -> None:
    batch = read(server, create_from_file(server, content).json["name"])
    assert batch["metadata"]["state"] == "BATCH_STATE_FAILED"
    assert batch["error"] == {"code": 13, "message": message}
    assert "response" not in batch


@pytest.mark.parametrize(
    ("batch", "status"),
    [
        ({}, 400),
        ({"inputConfig": {"requests": {"requests": []}}}, 400),
        ({"inputConfig": {"fileName": "files/none"}}, 403),
        ({"inputConfig": {"fileName": "none"}}, 403),
    ],
)
def test_invalid_batch_is_refused(server: VirtualServer, batch: Any, status: int) -> None:
    assert server.respond(raw_request(CREATE, {"batch": batch})).status == status


def test_unreadable_batch_is_refused(server: VirtualServer) -> None:
    assert server.respond(raw_request(CREATE, "{")).status == 400


def test_cancelled_batch_has_what_was_processed(server: VirtualServer) -> None:
    name = create(server, "1", "2", "3", "4").json["name"]
    assert server.respond(get(f"/v1beta/{name}:cancel", 0.45, "POST")).json == {}
    assert read(server, name, 0.46)["metadata"]["state"] == "BATCH_STATE_RUNNING"
    batch = read(server, name)
    assert batch["metadata"]["state"] == "BATCH_STATE_CANCELLED"
    outputs = batch["response"]["inlinedResponses"]["inlinedResponses"]
    assert ["response" in each for each in outputs] == [True, True, False, False]
    assert outputs[3]["error"]["code"] == 1
    again = server.respond(get(f"/v1beta/{name}:cancel", 6.0, "POST"))
    assert (again.status, again.json["error"]["status"]) == (400, "FAILED_PRECONDITION")


def test_deleted_batch_is_gone(server: VirtualServer) -> None:
    name = create(server, "one").json["name"]
    assert server.respond(get(f"/v1beta/{name}", 5.0, "DELETE")).json == {}
    for method, path in (("GET", ""), ("POST", ":cancel"), ("DELETE", "")):
        missing = server.respond(get(f"/v1beta/{name}{path}", 6.0, method))
        assert (missing.status, missing.message) == (404, "Requested entity was not found.")


def test_batches_are_listed_in_pages(server: VirtualServer) -> None:
    names = [create(server, "one").json["name"] for _ in range(3)][::-1]
    page = server.respond(get("/v1beta/batches", query="pageSize=2")).json
    assert [each["name"] for each in page["operations"]] == names[:2]
    rest = server.respond(get("/v1beta/batches", query=f"pageToken={page['nextPageToken']}")).json
    assert [each["name"] for each in rest["operations"]] == names[2:]


@pytest.mark.parametrize(
    ("batch", "state"),
    [
        ("{status: expired, responses: 1}", "EXPIRED"),
        ("{status: completed, responses: 1}", "SUCCEEDED"),
        ("{status: failed, message: Gone., code: UNAVAILABLE}", "FAILED"),
        ("failed", "FAILED"),
    ],
)
def test_scenario_sets_the_end(batch: str, state: str) -> None:
    rules = f"rules:\n  - {{match: {{api: batches}}, reply: {{batch: {batch}}}}}\n  - reply: Hi."
    server = VirtualServer(rules)
    shown = read(server, create(server, "one", "two").json["name"])
    assert shown["metadata"]["state"] == f"BATCH_STATE_{state}"
    if state == "FAILED":
        assert shown["error"]["code"] == (14 if "Gone" in batch else 13)
    else:
        first, second = shown["response"]["inlinedResponses"]["inlinedResponses"]
        assert ("response" in first, second["error"]["code"]) == (True, 4)


def test_reads_count_where_the_pace_says_so() -> None:
    pace = "{queued_polls: 1, in_progress_polls: 1}"
    rules = f"rules: [{{reply: Hi.}}]\nmodifiers: [{{match: {{api: batches}}, pace: {pace}}}]"
    server = VirtualServer(rules)
    name = create(server, "one").json["name"]
    states = [read(server, name, 0)["metadata"]["state"].rpartition("_")[2] for _ in range(3)]
    assert states == ["PENDING", "RUNNING", "SUCCEEDED"]


def test_failure_of_the_create_call_stores_nothing() -> None:
    rules = "rules: [{reply: Hi.}]\nmodifiers: [{match: {api: batches}, faults: [html_page: {}]}]"
    server = VirtualServer(rules)
    create(server, "one")
    assert server.respond(get("/v1beta/batches")).json == {}


def test_embedding_batch_has_vectors(server: VirtualServer) -> None:
    requests = [{"request": {"content": {"parts": [{"text": text}]}}} for text in ("one", "two")]
    sent = {"batch": {"inputConfig": {"requests": {"requests": requests}}}}
    created = server.respond(raw_request(f"{EMBED}:asyncBatchEmbedContent", sent)).json
    assert created["metadata"]["@type"].endswith(".v1beta.EmbedContentBatch")
    batch = read(server, created["name"])
    assert batch["response"]["@type"].endswith(".EmbedContentBatchOutput")
    vectors = [
        each["response"]["embedding"]["values"]
        for each in batch["response"]["inlinedResponses"]["inlinedResponses"]
    ]
    assert [len(vector) for vector in vectors] == [3072, 3072]
    assert vectors[0] != vectors[1]
    alone = server.respond(raw_request(f"{EMBED}:embedContent", requests[0]["request"])).json
    assert alone["embedding"]["values"] == vectors[0]


def test_embedding_batch_without_requests_is_refused(server: VirtualServer) -> None:
    refused = server.respond(raw_request(f"{EMBED}:asyncBatchEmbedContent", {"batch": {}}))
    assert (refused.status, "AsyncBatchEmbedContentRequest.batch" in refused.message) == (400, True)
