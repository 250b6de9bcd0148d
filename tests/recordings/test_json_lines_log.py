"""Logs of requests, a JSON object in each line."""

# ruff: noqa: E501 - one line for each case

from __future__ import annotations

import json

import pytest

from mockllm.core.json.codec import dumps
from mockllm.recordings.import_file import ImportFile, NotImported
from tests.language.virtual_server import ClientRequest, cases, raw_request
from tests.recordings.sample_files import (
    ANSWER,
    BODY,
    LINES,
    LOG,
    SENT,
    SSE,
    URL,
    again,
    take,
)


def test_request_log_is_imported() -> None:
    result = take(LINES, "log.jsonl")
    assert result.count == 2
    assert again(result).bytes == dumps(json.loads(ANSWER))
    assert "log.jsonl:1:1: the log contains no path; /v1/chat/completions is assumed" in result.notes[0]
    assert again(take(json.dumps(LOG), "one.json", path="/v1/chat/completions")).took == 1.5


@cases(
    "entry, requested",
    [
        ("a batch", {"url": "/v1/chat/completions", "method": "POST", "body": BODY, "response": {"status_code": 200, "body": json.loads(ANSWER)}}, None),
        ("bodies as texts", {"path": "/v1/chat/completions", "request_body": json.dumps(BODY), "response_body": ANSWER, "duration": 1}, None),
        ("a request with a body", {"request": {"url": URL, "headers": SENT, "body": BODY}, "response": {"status": 200, "body": ANSWER}}, None),
        ("Anthropic's", {"request": {"anthropic_version": "x", "messages": []}, "response": {"a": 1}}, raw_request("/v1/messages", {"anthropic_version": "x", "messages": []})),
        ("Google's", {"request": {"contents": []}, "response": {"a": 1}}, raw_request("/v1beta/models/unknown:generateContent", {"contents": []})),
        ("of responses", {"request": {"input": "x"}, "response": {"a": 1}}, raw_request("/v1/responses", {"input": "x"})),
        ("of completions", {"request": {"prompt": "x"}, "completion": {"a": 1}}, raw_request("/v1/completions", {"prompt": "x"})),
    ],
)  # fmt: skip
def test_logs_in_many_formats_are_imported(entry: object, requested: ClientRequest | None) -> None:
    assert again(take(f"{json.dumps(entry)}\n", "log.jsonl"), requested).status == 200


def test_stream_logged_as_one_body_is_reported() -> None:
    entry = {"path": "/v1/chat/completions", "request": {**BODY, "stream": True}, "response": {"a": 1}}
    assert "the request is streaming" in take(json.dumps(entry), "x.jsonl").notes[0]
    text = {**entry, "response": SSE}
    response = again(
        take(json.dumps(text), "x.jsonl"), raw_request("/v1/chat/completions", {**BODY, "stream": True})
    )
    assert response.headers["content-type"] == "text/event-stream"


def test_batch_with_its_results_is_imported() -> None:
    sent = [
        {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": {**BODY, "model": name}}
        for name in ("a", "b")
    ]
    response = {
        "id": "batch_req_1",
        "response": {"status_code": 200, "request_id": "r", "body": {"x": 1}},
        "error": None,
    }
    came = [
        {**response, "custom_id": "b"},
        {**response, "custom_id": "a", "response": {"status_code": 400, "body": {"error": {}}}},
    ]
    requests = ImportFile("in.jsonl", b"\n".join(map(dumps, sent)))
    result = take(b"\n".join(map(dumps, came)), "out.jsonl", request=requests)
    assert result.count == 2
    assert again(result, raw_request("/v1/chat/completions", {**BODY, "model": "b"})).bytes == b'{"x":1}'
    assert again(result, raw_request("/v1/chat/completions", {**BODY, "model": "a"})).status == 400
    odd = ImportFile("in.jsonl", dumps({**sent[0], "custom_id": ["a"]}))
    for id, logged in (("c", requests), (["a"], requests), (["a"], odd)):
        with pytest.raises(
            NotImported, match=r"out\.jsonl:1:1: in\.jsonl has no request with this custom_id"
        ):
            take(dumps({**response, "custom_id": id}), "out.jsonl", request=logged)


@pytest.mark.parametrize(("sent", "came"), [(7, 7), (7, "7"), ("7", 7)])
def test_batch_with_whole_numbers_as_ids_is_imported(sent: str | int, came: str | int) -> None:
    """Of a gateway: OpenAI's ids are texts."""
    line = {"custom_id": sent, "method": "POST", "url": "/v1/chat/completions", "body": BODY}
    response = {"custom_id": came, "response": {"status_code": 200, "body": {"x": 1}}}
    result = take(dumps(response), "out.jsonl", request=ImportFile("in.jsonl", dumps(line)))
    assert again(result, raw_request("/v1/chat/completions", BODY)).bytes == b'{"x":1}'


def test_batch_with_an_id_that_is_no_text_is_refused() -> None:
    line = {"custom_id": True, "url": "/v1/chat/completions", "body": BODY}
    response = {"custom_id": True, "response": {"status_code": 200, "body": {"x": 1}}}
    with pytest.raises(NotImported, match="custom_id"):
        take(dumps(response), "out.jsonl", request=ImportFile("in.jsonl", dumps(line)))


def test_unknown_keys_are_reported_with_known_ones() -> None:
    with pytest.raises(
        NotImported, match=r"log\.jsonl:1:1: expected a request, as request_body, body or request"
    ):
        take(json.dumps({"response": {"status": 200}}), "log.jsonl")


def test_line_without_response_is_skipped_and_reported() -> None:
    """Of a batch that failed, of a request that ran into a timeout."""
    lines = [
        {"custom_id": "a", "request": {"model": "m"}, "response": None, "error": {"code": "expired"}},
        LOG,
    ]
    text = (
        "log.jsonl:1:1: expected a response, as response_body, response or completion; the line is left out"
    )
    result = take("\n".join(map(json.dumps, lines)), "log.jsonl")
    assert result.count == 1
    assert text in result.notes
    with pytest.raises(NotImported, match=r"it contains no request with a response\n.*response_body"):
        take(json.dumps(lines[0]), "log.jsonl")


def test_time_beyond_a_year_is_left_out_and_reported() -> None:
    """Of a log with nanoseconds in place of milliseconds."""
    result = take(json.dumps({**LOG, "latency_ms": 1.5e12}), "log.jsonl")
    assert again(result).took == 0
    assert "log.jsonl:1:1: the response took more than a year; it is replayed without times" in result.notes
