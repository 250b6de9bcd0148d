"""Anthropic's message batches."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

PATH = "/v1/messages/batches"
RULES = """
rules:
  - {match: {user: {contains: fail}}, error: overloaded}
  - {match: {user: {contains: cut}}, reply: Never whole., faults: [{close: {}}]}
  - {match: {user: plain}, http: {body: no JSON}}
  - {match: {user: bare}, http: {body: {}}}
  - {reply: "Answer to {{ user }}"}
"""


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


def item(text: str, key: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {
        "custom_id": key,
        "params": {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages, **more},
    }


def create(server: VirtualServer, *items: Any, **fields: Any) -> ClientResponse:
    return server.respond(raw_request(PATH, {"requests": list(items), **fields}))


def get(path: str, after: float = 5.0, method: str = "GET", query: str = "", **headers: str) -> ClientRequest:
    return ClientRequest(path, method=method, now=NOW + after, query=query, headers=headers)


def results(server: VirtualServer, id: str, after: float = 5.0) -> list[Any]:
    response = server.respond(get(f"{PATH}/{id}/results", after))
    assert response.status == 200
    assert response.headers["content-type"] == "application/x-jsonl"
    return [json.loads(text) for text in response.bytes.decode().splitlines()]


def test_new_batch_is_in_progress(server: VirtualServer) -> None:
    batch = create(server, item("one", "a"), item("two", "b")).json
    assert batch["id"].startswith("msgbatch_01")
    assert (batch["type"], batch["processing_status"]) == ("message_batch", "in_progress")
    assert batch["request_counts"] == {
        "processing": 2,
        "succeeded": 0,
        "errored": 0,
        "canceled": 0,
        "expired": 0,
    }
    assert batch["created_at"] == "2023-11-14T22:13:20.000000+00:00"
    assert batch["expires_at"] == "2023-11-15T22:13:20.000000+00:00"
    assert (batch["results_url"], batch["ended_at"]) == (None, None)
    assert server.respond(get(f"{PATH}/{batch['id']}", 0.1)).json == batch


def test_ended_batch_has_results(server: VirtualServer) -> None:
    texts = ("one", "fail", "cut", "plain", "bare")
    id = create(server, *(item(text, text) for text in texts)).json["id"]
    batch = server.respond(get(f"{PATH}/{id}", host="mock:1")).json
    assert (batch["processing_status"], batch["ended_at"]) == ("ended", "2023-11-14T22:13:20.800000+00:00")
    assert batch["request_counts"]["succeeded"] == 3
    assert batch["request_counts"]["errored"] == 2
    assert batch["results_url"] == f"http://mock:1{PATH}/{id}/results"
    by_key = {line["custom_id"]: line["result"] for line in results(server, id)}
    assert by_key["one"]["type"] == "succeeded"
    assert by_key["one"]["message"]["content"] == [{"type": "text", "text": "Answer to one"}]
    assert by_key["one"]["message"]["usage"]["service_tier"] == "batch"
    assert (by_key["fail"]["type"], by_key["fail"]["error"]["error"]["type"]) == (
        "errored",
        "overloaded_error",
    )
    assert by_key["cut"]["error"]["error"]["type"] == "timeout_error"
    assert by_key["plain"]["type"] == "errored"
    assert by_key["bare"] == {"type": "succeeded", "message": {}}


def test_results_address_leads_to_the_session(server: VirtualServer) -> None:
    headers = {"x-mockllm-session": "a:b", "x-forwarded-proto": "https"}
    body = json.dumps({"requests": [item("one", "a")]}).encode()
    id = server.respond(ClientRequest(PATH, body, now=NOW, headers=headers)).json["id"]
    batch = server.respond(replace(get(f"{PATH}/{id}"), headers=headers)).json
    assert batch["results_url"] == f"https://localhost:8080/s/a%3Ab{PATH}/{id}/results"


def test_results_wait_for_the_end(server: VirtualServer) -> None:
    id = create(server, item("one", "a")).json["id"]
    early = server.respond(get(f"{PATH}/{id}/results", 0.3))
    assert (early.status, early.json["error"]["type"]) == (404, "not_found_error")


def test_streamed_request_is_refused(server: VirtualServer) -> None:
    id = create(server, item("one", "a", stream=True)).json["id"]
    (line,) = results(server, id)
    assert line["result"]["error"]["error"]["type"] == "invalid_request_error"


def test_wrong_parameters_fail_their_request_alone(server: VirtualServer) -> None:
    id = create(server, item("one", "a", max_tokens="x"), item("two", "b")).json["id"]
    first, second = results(server, id)
    assert first["result"]["error"]["error"]["message"] == "max_tokens: Input should be a valid integer"
    assert second["result"]["type"] == "succeeded"


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        (None, "requests: Input should be a valid array"),
        ([], "requests: List should have at least 1 item after validation, not 0"),
        (
            [0] * 100_001,
            "requests: List should have at most 100000 items after validation, not 100001",
        ),
        ([1], "requests.0: Input should be an object"),
        ([{"params": {}}], "requests.0.custom_id: Field required"),
        ([{"custom_id": "a", "params": 1}], "requests.0.params: Input should be an object"),
        (
            [{"custom_id": "a b", "params": {}}],
            "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'",
        ),
        (
            [{"custom_id": "a", "params": {}}] * 2,
            "requests.1.custom_id: Duplicate custom_id 'a'",
        ),
    ],
)
def test_invalid_batch_is_refused(server: VirtualServer, requests: Any, message: str) -> None:
    refused = server.respond(raw_request(PATH, {"requests": requests}, headers={"anthropic-version": "x"}))
    assert (refused.status, refused.message) == (400, message)
    assert refused.json["error"]["type"] == "invalid_request_error"


def test_unreadable_batch_is_refused(server: VirtualServer) -> None:
    assert server.respond(raw_request(PATH, "{")).status == 400


def test_unchecked_batch_takes_what_it_can() -> None:
    server = VirtualServer("validation: 'off'\nrules: [{reply: Hi.}]")
    assert server.respond(raw_request(PATH, b"?")).json["request_counts"]["processing"] == 0
    id = create(server, 1, {"params": {"messages": []}}).json["id"]
    assert [line["custom_id"] for line in results(server, id)] == ["None"]


def test_cancelled_batch_has_what_was_processed(server: VirtualServer) -> None:
    id = create(server, *(item(str(number), str(number)) for number in range(4))).json["id"]
    cancelling = server.respond(get(f"{PATH}/{id}/cancel", 0.45, "POST")).json
    assert (cancelling["processing_status"], cancelling["cancel_initiated_at"] is not None) == (
        "canceling",
        True,
    )
    batch = server.respond(get(f"{PATH}/{id}")).json
    assert (batch["processing_status"], batch["request_counts"]["canceled"]) == ("ended", 2)
    assert [line["result"]["type"] for line in results(server, id)] == ["succeeded"] * 2 + ["canceled"] * 2
    assert server.respond(get(f"{PATH}/{id}/cancel", 6.0, "POST")).status == 400


def test_ended_batch_can_be_deleted(server: VirtualServer) -> None:
    id = create(server, item("one", "a")).json["id"]
    assert server.respond(get(f"{PATH}/{id}", 0.1, "DELETE")).status == 400
    deleted = server.respond(get(f"{PATH}/{id}", 5.0, "DELETE"))
    assert deleted.json == {"id": id, "type": "message_batch_deleted"}
    for method, path in (("GET", ""), ("GET", "/results"), ("POST", "/cancel"), ("DELETE", "")):
        missing = server.respond(get(f"{PATH}/{id}{path}", 6.0, method))
        assert (missing.status, missing.message) == (404, f"Message Batch {id} not found.")


@pytest.mark.parametrize("limit", ["0", "1001", "x"])
def test_wrong_size_of_a_page_is_refused(server: VirtualServer, limit: str) -> None:
    refused = server.respond(get(PATH, query=f"limit={limit}"))
    assert (refused.status, refused.message[:23]) == (400, "limit: Input should be ")
    assert server.respond(get(PATH, query="limit=1000")).status == 200


def test_batches_are_listed_in_pages(server: VirtualServer) -> None:
    ids = [create(server, item("one", "a")).json["id"] for _ in range(3)][::-1]
    page = server.respond(get(PATH, query="limit=2")).json
    assert ([each["id"] for each in page["data"]], page["has_more"]) == (ids[:2], True)
    assert (page["first_id"], page["last_id"]) == (ids[0], ids[1])
    rest = server.respond(get(PATH, query=f"after_id={ids[1]}")).json
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (ids[2:], False)
    back = server.respond(get(PATH, query=f"before_id={ids[2]}&limit=1")).json
    assert ([each["id"] for each in back["data"]], back["has_more"]) == ([ids[1]], True)


@pytest.mark.parametrize(
    ("batch", "kinds", "counts"),
    [
        ("{status: expired, responses: 1}", ["succeeded", "expired"], {"expired": 1}),
        ("{status: cancelled}", ["canceled", "canceled"], {"canceled": 2}),
        ("{status: failed, message: Gone.}", ["errored", "errored"], {"errored": 2}),
        ("{status: completed, responses: 1}", ["succeeded", "errored"], {"errored": 1}),
    ],
)
def test_scenario_sets_the_end(batch: str, kinds: list[str], counts: dict[str, int]) -> None:
    rules = f"rules:\n  - {{match: {{api: batches}}, reply: {{batch: {batch}}}}}\n  - reply: Hi."
    server = VirtualServer(rules)
    id = create(server, item("one", "a"), item("two", "b")).json["id"]
    shown = server.respond(get(f"{PATH}/{id}")).json
    assert shown["processing_status"] == "ended"
    assert counts.items() <= shown["request_counts"].items()
    lines = results(server, id)
    assert [line["result"]["type"] for line in lines] == kinds
    if "Gone" in batch:
        assert lines[0]["result"]["error"]["error"]["message"] == "Gone."


def test_reads_count_where_the_pace_says_so() -> None:
    pace = "{queued_polls: 1, in_progress_polls: 1}"
    rules = f"rules: [{{reply: Hi.}}]\nmodifiers: [{{match: {{api: batches}}, pace: {pace}}}]"
    server = VirtualServer(rules)
    id = create(server, item("one", "a")).json["id"]
    seen = [server.respond(get(f"{PATH}/{id}", 0)).json["processing_status"] for _ in range(3)]
    assert seen == ["in_progress", "in_progress", "ended"]


def test_failure_of_the_create_call_stores_nothing() -> None:
    rules = "rules: [{reply: Hi.}]\nmodifiers: [{match: {api: batches}, faults: [html_page: {}]}]"
    server = VirtualServer(rules)
    create(server, item("one", "a"))
    assert server.respond(get(PATH)).json["data"] == []
