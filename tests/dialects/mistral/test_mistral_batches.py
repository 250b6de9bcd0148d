"""Mistral's batch jobs: their states, the files of their responses, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects import batch_requests
from mockllm.dialects.mistral import batch_lines, files
from tests.dialects.mistral.stored_requests import (
    FILES,
    JOBS,
    create,
    ended,
    line,
    lines_of,
    upload,
    upload_lines,
)
from tests.dialects.openai.batches.batch_requests import get
from tests.language.virtual_server import NOW, VirtualServer, raw_request

RULES = """
rules:
  - {match: {user: limited}, error: rate_limit}
  - {match: {user: cut}, reply: Never whole., faults: [{close: {}}]}
  - match: {api: batches, body: {$.metadata.end: expired}}
    reply: {batch: {status: expired, responses: 1}}
  - match: {api: batches, body: {$.metadata.end: failed}}
    reply: {batch: {status: failed, message: No credit.}}
  - {match: {api: batches, body: {$.metadata.end: refused}}, error: rate_limit}
  - {match: {user: two}, reply: Ho.}
  - {reply: Hi.}
modifiers:
  - {match: {api: batches, body: {$.metadata.end: slow}}, pace: {queued: 0s, in_progress: 60s}}
"""
RECORDED = (
    "id", "object", "input_files", "metadata", "endpoint", "model", "agent_id", "output_file", "error_file",
    "errors", "outputs", "status", "created_at", "total_requests", "completed_requests", "succeeded_requests",
    "failed_requests", "started_at", "completed_at",
)  # fmt: skip
"""The members of a recorded job, in their order."""


def test_job_of_file_has_output_and_error_file() -> None:
    server = VirtualServer(RULES)
    file = upload_lines(server, line("one", "a"), line("limited", "b"), line("cut"), line("two", "c"))
    created = create(server, input_files=[file], metadata={"team": "x"}).json
    assert (created["status"], created["total_requests"], created["input_files"]) == ("QUEUED", 0, [file])
    job = ended(server, created["id"])
    assert (job["status"], job["metadata"], job["outputs"]) == ("SUCCESS", {"team": "x"}, None)
    counts = ("total_requests", "completed_requests", "succeeded_requests", "failed_requests")
    assert [job[name] for name in counts] == [4, 4, 2, 2]
    first, last = lines_of(server, job["output_file"])
    assert (first["custom_id"], last["custom_id"]) == ("a", "c")
    assert first["response"]["body"]["model"] == "mistral-small-latest"
    assert first["id"] == f"batch-{job['id'][:8]}-{file[:8]}-0"
    limited, cut = lines_of(server, job["error_file"])
    assert (limited["response"]["status_code"], limited["response"]["body"]["code"]) == (429, "1300")
    assert (cut["custom_id"], cut["response"], "timed out" in cut["error"]["message"]) == (None, None, True)
    file_of_errors = server.respond(get(f"{FILES}/{job['error_file']}", 9.0)).json
    assert (file_of_errors["sample_type"], file_of_errors["num_lines"]) == ("batch_error", 2)


def test_job_has_recorded_members_and_headers() -> None:
    server = VirtualServer(RULES)
    created = create(server, requests=[line("one", "0")])
    assert tuple(created.json) == tuple(ended(server, created.json["id"])) == RECORDED
    assert created.headers["content-type"] == "application/json; charset=utf-8"
    assert {"mistral-correlation-id", "x-kong-request-id"} <= set(created.headers)
    assert not [name for name in created.headers if name.startswith("x-ratelimit")]


def test_job_of_inline_requests_has_its_outputs() -> None:
    server = VirtualServer(RULES)
    created = create(server, requests=[line("one", "0"), line("two")]).json
    running = server.respond(get(f"{JOBS}/{created['id']}", 0.5)).json
    assert (running["status"], running["outputs"], running["output_file"]) == ("RUNNING", None, None)
    assert running["started_at"] is not None
    job = ended(server, created["id"])
    texts = [each["response"]["body"]["choices"][0]["message"]["content"] for each in job["outputs"]]
    assert texts == ["Hi.", "Ho."]
    assert lines_of(server, job["output_file"]) == job["outputs"]
    assert server.respond(get(FILES, 0.5)).json["total"] == 1
    assert server.respond(get(FILES, 9.0)).json["total"] == 2
    assert ended(server, created["id"], "inline=false")["outputs"] is None
    (file,) = job["input_files"]
    assert [each["custom_id"] for each in lines_of(server, file)] == ["0", None]


def test_model_of_line_is_its_own_or_of_job() -> None:
    server = VirtualServer(RULES)
    job = create(server, model=None, requests=[line("one", model="own"), line("two")]).json
    found = ended(server, job["id"], "inline=true")["outputs"]
    assert [each["response"]["status_code"] for each in found] == [200, 422]
    assert found[0]["response"]["body"]["model"] == "own"


def test_line_that_streams_fails() -> None:
    server = VirtualServer(RULES)
    job = create(server, requests=[line("one", stream=True)]).json
    (found,) = ended(server, job["id"])["outputs"]
    assert found["response"]["status_code"] == 400
    assert "Streaming" in found["response"]["body"]["message"]


@pytest.mark.parametrize(
    ("lines", "messages"),
    [
        (["{", "3"], {"A line is not valid JSON.": 1, "A line has no object 'body'.": 1}),
        ([line("x", "a")] * 3, {"The 'custom_id' of a line is that of another line.": 2}),
        ([{"custom_id": 3, "body": {}}], {"The 'custom_id' of a line is not a string.": 1}),
        ([" "], {"The job has no requests.": 1}),
        ([line("x")] * 6, {"The job has more than 5 lines.": 1}),
        ([line("x"), *[""] * 6], {"The job has more than 5 lines.": 1}),
    ],
)
def test_job_with_invalid_lines_fails(
    lines: list[Json], messages: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_lines, "MAX_LINES", 5)
    server = VirtualServer(RULES)
    id = create(server, input_files=[upload_lines(server, *lines)]).json["id"]
    job = ended(server, id)
    assert (job["status"], job["output_file"], job["error_file"]) == ("FAILED", None, None)
    assert {each["message"]: each["count"] for each in job["errors"]} == messages


def test_scenario_decides_how_job_ends() -> None:
    server = VirtualServer(RULES)
    requests: Json = [line("one"), line("two")]
    expired = ended(server, create(server, requests=requests, metadata={"end": "expired"}).json["id"])
    assert (expired["status"], expired["completed_requests"], len(expired["outputs"])) == (
        "TIMEOUT_EXCEEDED", 1, 1,
    )  # fmt: skip
    failed = ended(server, create(server, requests=requests, metadata={"end": "failed"}).json["id"])
    assert (failed["status"], failed["errors"]) == ("FAILED", [{"message": "No credit.", "count": 1}])
    refused = create(server, requests=requests, metadata={"end": "refused"})
    assert (refused.status, refused.json["type"]) == (429, "rate_limited")


def test_job_is_cancelled_once() -> None:
    server = VirtualServer(RULES)
    id = create(server, requests=[line("one")], metadata={"end": "slow"}).json["id"]
    path = f"{JOBS}/{id}/cancel"
    assert server.respond(get(path, 1.0, method="POST")).json["status"] == "CANCELLATION_REQUESTED"
    job = ended(server, id)
    assert (job["status"], job["output_file"], job["completed_at"] is None) == ("CANCELLED", None, False)
    refused = server.respond(get(path, 9.0, method="POST"))
    assert (refused.status, "CANCELLED" in refused.json["message"]) == (409, True)


def test_deleted_job_and_its_files_are_gone() -> None:
    server = VirtualServer(RULES)
    job = ended(server, create(server, requests=[line("one")]).json["id"])
    path = f"{JOBS}/{job['id']}"
    deleted = server.respond(get(path, 9.0, method="DELETE")).json
    assert deleted == {"id": job["id"], "object": "batch", "deleted": True}
    missing = server.respond(get(path, 9.0))
    assert (missing.status, job["id"] in missing.json["message"]) == (404, True)
    assert server.respond(get(f"{FILES}/{job['output_file']}", 9.0)).status == 404
    assert job["output_file"] not in [each["id"] for each in server.respond(get(FILES, 9.0)).json["data"]]


def test_job_without_failed_lines_has_no_error_file() -> None:
    jobs = []
    for rules in ("rules: [{match: {api: chat}, error: rate_limit}]", "rules: [{reply: Hi.}]"):
        server = VirtualServer(rules)
        jobs.append(ended(server, create(server, requests=[line("one")]).json["id"]))
    failed, succeeded = jobs
    assert (failed["id"], succeeded["error_file"]) == (succeeded["id"], None)
    assert server.respond(get(f"{FILES}/{failed['error_file']}", 9.0)).status == 404


def test_jobs_are_filtered_and_paged() -> None:
    server = VirtualServer(RULES)
    models = ["a", "b", "c"]
    for model in models:
        create(server, model=model, requests=[line("one")])

    def found(query: str) -> list[Json]:
        return [job["model"] for job in server.respond(get(JOBS, 9.0, query)).json["data"]]

    assert found("") == models[::-1]
    assert found("order_by=created") == models
    assert found("page=1&page_size=2") == ["a"]
    assert found("model=b") == ["b"]
    assert found("status=SUCCESS&status=FAILED") == models[::-1]
    assert found("status=QUEUED") == []
    assert found("created_after=2000-01-01") == models[::-1]
    assert found("created_after=2099-01-01T00:00:00Z") == []
    assert found("created_after=x") == models[::-1]


def test_lists_write_no_file_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    server, written = VirtualServer(RULES), list[str]()

    def writing(batch: StoredObject, file: str, monotonic: float) -> bytes | None:
        written.append(file)
        return output_content(batch, file, monotonic)

    output_content = batch_lines.output_content
    monkeypatch.setattr(files, "output_content", writing)
    monkeypatch.setattr(batch_requests, "MAX_SIZES", 1)
    batch_requests._sizes.clear()
    for _ in range(2):
        create(server, requests=[line("one"), line("one", user="limited")])

    def listed(query: str) -> Any:
        return server.respond(get(FILES, 9.0, query)).json["data"]

    assert listed("search=x&page_size=5") == listed("source=upload") == [] == written
    (newest,) = listed("sample_type=batch_result&page_size=1")
    assert listed("sample_type=batch_result&page_size=1") == [newest]
    assert (len(written), newest["num_lines"]) == (1, 2)
    content = server.respond(get(f"{FILES}/{newest['id']}/content", 9.0)).bytes
    assert newest["bytes"] == len(content)
    written.clear()
    assert len(listed("")) == 4
    assert len(batch_requests._sizes) == 1


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "input_files"),
        ({"endpoint": None, "requests": [line("x")]}, "endpoint"),
        ({"endpoint": "/v1/nope", "requests": [line("x")]}, "/v1/nope"),
        ({"requests": [3]}, "requests[0]"),
        ({"requests": [{"custom_id": "a"}]}, "requests[0].body"),
        ({"requests": [{"body": {}, "custom_id": 3}]}, "requests[0].custom_id"),
        ({"input_files": ["x"]}, "No such file: x"),
        ({"input_files": [3]}, "input_files"),
        ({"requests": [line("x")], "timeout_hours": 0}, "timeout_hours"),
        ({"requests": [line("x")], "metadata": 3}, "metadata"),
    ],
)
def test_wrong_job_is_refused(fields: dict[str, Any], word: str) -> None:
    refused = create(VirtualServer(RULES), **fields)
    assert refused.status in (400, 404)
    assert word in refused.json["message"]


def test_input_of_job_has_purpose_batch() -> None:
    server = VirtualServer(RULES)
    refused = create(server, input_files=[upload(server, purpose="ocr").json["id"]])
    assert (refused.status, "'ocr'" in refused.json["message"]) == (400, True)


@pytest.mark.parametrize("body", [[], {}, {"input_files": ["x", 3], "endpoint": 3, "requests": [3, {}]}])
def test_job_without_validation_fails(body: Json) -> None:
    server = VirtualServer("validation: off\nrules: [{reply: x}]")
    created = server.respond(raw_request(JOBS, body))
    assert created.status == 200
    assert ended(server, created.json["id"])["status"] == "FAILED"


def test_equal_jobs_have_equal_ids() -> None:
    jobs = [create(VirtualServer(RULES), requests=[line("one")]).json for _ in range(2)]
    assert jobs[0] == jobs[1]
    assert jobs[0]["created_at"] == int(NOW)
