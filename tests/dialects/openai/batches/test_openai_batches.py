"""OpenAI's batches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dialects.openai.batches.batch_requests import create, get, line, upload
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - {match: {user: {contains: fail}}, error: rate_limit}
  - {match: {user: {contains: cut}}, reply: Never whole., faults: [{close: {}}]}
  - {match: {user: plain}, http: {body: no JSON}}
  - {reply: {text: "Answer to {{ user }}", usage: {cached_tokens: 2, reasoning_tokens: 1}}}
"""


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


def read(server: VirtualServer, id: str, after: float = 5.0) -> Any:
    return server.respond(get(f"/v1/batches/{id}", after)).json


def lines_of(server: VirtualServer, file: str | None, after: float = 5.0) -> list[Any]:
    response = server.respond(get(f"/v1/files/{file}/content", after))
    assert response.status == 200
    return [json.loads(text) for text in response.bytes.decode().splitlines()]


def test_new_batch_is_validating(server: VirtualServer) -> None:
    batch = create(server, [line("one", "a")], metadata={"team": "x"}).json
    assert batch["id"].startswith("batch_")
    assert (batch["object"], batch["status"], batch["metadata"]) == ("batch", "validating", {"team": "x"})
    assert batch["expires_at"] == batch["created_at"] + 24 * 3600
    assert batch["request_counts"] == {"total": 0, "completed": 0, "failed": 0}
    assert read(server, batch["id"], 0.1) == batch


def test_states_follow_the_time(server: VirtualServer) -> None:
    id = create(server, [line("one", "a")]).json["id"]
    states = [read(server, id, after)["status"] for after in (0.0, 0.3, 0.75, 1.0)]
    assert states == ["validating", "in_progress", "finalizing", "completed"]


def test_lines_get_responses_as_requests_do(server: VirtualServer) -> None:
    id = create(server, [line("one", "a"), line("two", "b")]).json["id"]
    batch = read(server, id)
    assert (batch["request_counts"]["completed"], batch["error_file_id"]) == (2, None)
    first, second = lines_of(server, batch["output_file_id"])
    assert (first["custom_id"], second["custom_id"]) == ("a", "b")
    assert first["response"]["status_code"] == 200
    assert first["response"]["request_id"].startswith("req_")
    assert first["response"]["body"]["choices"][0]["message"]["content"] == "Answer to one"
    assert first["error"] is None
    usage = batch["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0
    assert usage["input_tokens_details"] == {"cached_tokens": 4}
    assert usage["output_tokens_details"] == {"reasoning_tokens": 2}
    assert batch["model"] == "gpt-4o-2024-08-06"


@pytest.mark.parametrize(
    "body", ['{"model": 1e999, "usage": 1e999}', '{"model": [], "usage": {"prompt_tokens": 1e999}}']
)
def test_rule_sends_numbers_that_are_none(body: str) -> None:
    server = VirtualServer(json.dumps({"rules": [{"match": {"api": "chat"}, "http": {"body": body}}]}))
    batch = read(server, create(server, [line("one", "a")]).json["id"])
    assert (batch["status"], batch["model"], batch["usage"]["total_tokens"]) == ("completed", None, 0)
    assert [each["response"]["body"] for each in lines_of(server, batch["output_file_id"])] == [body]


def test_failed_lines_are_in_the_error_file(server: VirtualServer) -> None:
    id = create(server, [line("fail", "a"), line("one", "b"), line("cut", "c"), line("plain", "d")]).json[
        "id"
    ]
    batch = read(server, id)
    assert batch["request_counts"] == {"total": 4, "completed": 2, "failed": 2}
    refused, cut = lines_of(server, batch["error_file_id"])
    assert (refused["response"]["status_code"], refused["error"]) == (429, None)
    assert refused["response"]["body"]["error"]["code"] == "rate_limit_exceeded"
    assert (cut["response"], cut["error"]["code"]) == (None, "request_timeout")
    assert lines_of(server, batch["output_file_id"])[1]["response"]["body"] == "no JSON"


def test_streamed_line_is_refused(server: VirtualServer) -> None:
    id = create(server, [line("one", "a", stream=True)]).json["id"]
    (refused,) = lines_of(server, read(server, id)["error_file_id"])
    assert refused["response"]["status_code"] == 400
    assert refused["response"]["body"]["error"]["param"] == "stream"


def test_files_of_lines_come_with_the_end(server: VirtualServer) -> None:
    id = create(server, [line("one", "a")]).json["id"]
    output = read(server, id)["output_file_id"]
    assert server.respond(get(f"/v1/files/{output}", 0.1)).status == 404
    file = server.respond(get(f"/v1/files/{output}", 5.0)).json
    assert (file["purpose"], file["filename"]) == ("batch_output", f"{id}_output.jsonl")
    assert file["bytes"] == len(server.respond(get(f"/v1/files/{output}/content", 5.0)).bytes)
    early, late = (server.respond(get("/v1/files", after)).json["data"] for after in (0.1, 5.0))
    assert (len(early), len(late)) == (1, 2)


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        (["{"], "invalid_json_line", 1),
        (["[]"], "invalid_json_line", 1),
        ([], "empty_file", None),
        ([line("one", "a"), line("two", "a")], "duplicate_custom_id", 2),
        ([{**line("one", "a"), "url": "/v1/embeddings"}], "url_mismatch", 1),
        ([{**line("one", "a"), "method": "GET"}], "invalid_method", 1),
        ([{**line("one", "a"), "custom_id": 1}], "missing_required_parameter", 1),
        ([{**line("one", "a"), "body": None}], "missing_required_parameter", 1),
    ],
)
def test_wrong_input_fails_the_batch(
    server: VirtualServer, lines: list[Any], code: str, number: int | None
) -> None:
    created = create(server, lines)
    assert created.status == 200
    batch = read(server, created.json["id"])
    assert (batch["status"], batch["output_file_id"], batch["failed_at"] is not None) == (
        "failed",
        None,
        True,
    )
    error = batch["errors"]["data"][0]
    assert (batch["errors"]["object"], error["code"], error["line"]) == ("list", code, number)


def test_number_of_lines_and_errors_is_bounded(server: VirtualServer) -> None:
    many = read(server, create(server, ["{"] * 300).json["id"])
    assert len(many["errors"]["data"]) == 100
    more = read(server, create(server, ["{}"] * 50_001).json["id"])
    assert [error["code"] for error in more["errors"]["data"]] == ["too_many_tasks"]


def refused(server: VirtualServer, **fields: Any) -> ClientResponse:
    body = {"input_file_id": "file-x", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    body |= fields
    sent = {name: value for name, value in body.items() if value is not None}
    return server.respond(raw_request("/v1/batches", sent))


def test_invalid_batch_is_refused(server: VirtualServer) -> None:
    assert refused(server).status == 404
    assert refused(server).message == "No such File object: file-x"
    assert refused(server, endpoint="/v1/jokes").json["error"]["param"] == "endpoint"
    assert refused(server, completion_window="1h").json["error"]["code"] == "invalid_value"
    assert refused(server, input_file_id=None).message == "Missing required parameter: 'input_file_id'."
    assert refused(server, metadata=1).json["error"]["param"] == "metadata"
    assert server.respond(raw_request("/v1/batches", "{")).status == 400
    vision = server.respond(upload("vision")).json["id"]
    assert refused(server, input_file_id=vision).json["error"]["param"] == "input_file_id"


def test_unchecked_batch_fails_by_its_lines() -> None:
    server = VirtualServer("validation: 'off'\nrules: [{reply: Hi.}]")
    empty = server.respond(raw_request("/v1/batches", b"?"))
    assert read(server, empty.json["id"])["errors"]["data"][0]["code"] == "empty_file"
    wrong = create(server, [line("one", "a")], endpoint=["x"])
    assert read(server, wrong.json["id"])["errors"]["data"][0]["code"] == "url_mismatch"


def test_cancelled_batch_has_its_finished_lines(server: VirtualServer) -> None:
    id = create(server, [line(str(number), str(number)) for number in range(4)]).json["id"]
    cancelling = server.respond(get(f"/v1/batches/{id}/cancel", 0.45, method="POST")).json
    assert (cancelling["status"], cancelling["request_counts"]["completed"]) == ("cancelling", 2)
    batch = read(server, id)
    assert (batch["status"], batch["cancelled_at"] is not None) == ("cancelled", True)
    assert [each["custom_id"] for each in lines_of(server, batch["output_file_id"])] == ["0", "1"]
    left = lines_of(server, batch["error_file_id"])
    assert [each["error"]["code"] for each in left] == ["batch_cancelled"] * 2
    again = server.respond(get(f"/v1/batches/{id}/cancel", 6.0, method="POST"))
    assert (again.status, again.message) == (409, "Cannot cancel a batch with status 'cancelled'.")


def test_unknown_batch_is_not_found(server: VirtualServer) -> None:
    for method, path in (("GET", "/v1/batches/batch_x"), ("POST", "/v1/batches/batch_x/cancel")):
        missing = server.respond(get(path, method=method))
        assert (missing.status, missing.message) == (404, "No batch found with id 'batch_x'.")


def test_batches_are_listed_in_pages(server: VirtualServer) -> None:
    ids = [create(server, [line("one", "a")]).json["id"] for _ in range(3)]
    page = server.respond(get("/v1/batches", 5.0, "limit=2")).json
    assert [batch["id"] for batch in page["data"]] == [ids[2], ids[1]]
    assert (page["has_more"], page["data"][0]["status"]) == (True, "completed")
    rest = server.respond(get("/v1/batches", 5.0, f"after={page['last_id']}")).json
    assert [batch["id"] for batch in rest["data"]] == [ids[0]]


SCRIPTED = """
rules:
  - match: {api: batches, body: {$.metadata.end: expired}}
    reply: {batch: {status: expired, responses: 1}}
  - match: {api: batches, body: {$.metadata.end: failed}}
    reply: {batch: {status: failed, code: quota, message: "No {{ body.metadata.end }}."}}
  - match: {api: batches, body: {$.metadata.end: bare}}
    reply: {batch: failed}
  - match: {api: batches, body: {$.metadata.end: text}}
    reply: text
  - match: {api: batches, body: {$.metadata.end: refused}}
    error: insufficient_quota
  - reply: Hi.
modifiers:
  - match: {api: batches}
    pace: {queued: 10s, in_progress: 20s, finalizing: 5s}
"""


def scripted(end: str) -> tuple[VirtualServer, ClientResponse]:
    server = VirtualServer(SCRIPTED)
    return server, create(server, [line("one", "a"), line("two", "b")], metadata={"end": end})


def test_scenario_sets_end_and_times() -> None:
    server, created = scripted("expired")
    id = created.json["id"]
    states = [read(server, id, after)["status"] for after in (9, 11, 31, 36)]
    assert states == ["validating", "in_progress", "finalizing", "expired"]
    batch = read(server, id, 36)
    assert batch["request_counts"] == {"total": 2, "completed": 1, "failed": 0}
    assert len(lines_of(server, batch["output_file_id"], 36)) == 1
    (left,) = lines_of(server, batch["error_file_id"], 36)
    assert left["error"]["code"] == "batch_expired"


@pytest.mark.parametrize(
    ("end", "code", "message"),
    [("failed", "quota", "No failed."), ("bare", "server_error", "The batch could not be processed.")],
)
def test_scenario_makes_a_batch_fail(end: str, code: str, message: str) -> None:
    server, created = scripted(end)
    batch = read(server, created.json["id"], 11)
    (error,) = batch["errors"]["data"]
    assert (batch["status"], error["code"], error["message"]) == ("failed", code, message)


def test_scenario_refuses_a_batch() -> None:
    assert scripted("refused")[1].status == 429
    assert "or give the reply a batch" in scripted("text")[1].message


def test_reply_to_a_batch_of_an_unknown_file_fails() -> None:
    server = VirtualServer(SCRIPTED)
    missing = refused(server, metadata={"end": "expired"})
    assert (missing.status, missing.message) == (404, "No such File object: file-x")


def test_reads_count_where_the_pace_says_so() -> None:
    pace = "{queued_polls: 1, in_progress_polls: 1}"
    rules = f"rules: [{{reply: Hi.}}]\nmodifiers: [{{match: {{api: batches}}, pace: {pace}}}]"
    server = VirtualServer(rules)
    id = create(server, [line("one", "a")]).json["id"]
    assert [read(server, id, 0)["status"] for _ in range(3)] == ["validating", "in_progress", "completed"]


def test_failure_of_the_create_call_stores_nothing() -> None:
    rules = "rules: [{reply: Hi.}]\nmodifiers: [{match: {api: batches}, faults: [html_page: {}]}]"
    server = VirtualServer(rules)
    create(server, [line("one", "a")])
    assert server.respond(get("/v1/batches")).json["data"] == []


def test_cancelled_batch_with_wrong_lines_has_no_files(server: VirtualServer) -> None:
    id = create(server, [line("one", "a"), "no JSON"]).json["id"]
    assert server.respond(get(f"/v1/batches/{id}/cancel", 0.1, method="POST")).json["status"] == "cancelling"
    batch = read(server, id)
    assert (batch["status"], batch["output_file_id"], batch["error_file_id"]) == ("cancelled", None, None)


def test_cancelled_batch_that_would_fail_has_its_files() -> None:
    server = VirtualServer("rules: [{match: {api: batches}, reply: {batch: failed}}, {reply: Hi.}]")
    id = create(server, [line("one", "a")]).json["id"]
    server.respond(get(f"/v1/batches/{id}/cancel", 0.1, method="POST"))
    batch = read(server, id)
    assert batch["errors"] is None
    (left,) = lines_of(server, batch["error_file_id"])
    assert left["error"]["code"] == "batch_cancelled"
