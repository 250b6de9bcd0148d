"""Azure's files and batches: OpenAI's calls below /openai, whose lines go to deployments."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dialects.openai.batches.batch_requests import BOUNDARY, form
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - {match: {provider: azure, user: limited}, error: rate_limit}
  - {match: {provider: azure}, reply: "{{ user }} by {{ model }}"}
"""
KEY = {"api-key": "k"}


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


def get(path: str, after: float = 0.0) -> ClientRequest:
    return ClientRequest(path, method="GET", headers=KEY, now=NOW + after)


def upload(server: VirtualServer, lines: list[Any]) -> str:
    content = "\n".join(map(json.dumps, lines)).encode()
    headers = {**KEY, "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    body = form({"purpose": "batch"}, ("in.jsonl", content))
    return str(server.respond(raw_request("/openai/files", body, headers=headers)).json["id"])


def line(url: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"custom_id": key, "method": "POST", "url": url, "body": body}


def create(server: VirtualServer, endpoint: str, lines: list[Any]) -> ClientResponse:
    fields = {
        "input_file_id": upload(server, lines),
        "endpoint": endpoint,
        "completion_window": "24h",
    }
    return server.respond(raw_request("/openai/batches", fields, headers=KEY))


def responses(server: VirtualServer, id: str, output: str = "output_file_id") -> list[Any]:
    batch = server.respond(get(f"/openai/batches/{id}", 5.0)).json
    content = server.respond(get(f"/openai/files/{batch[output]}/content", 5.0))
    return [json.loads(text)["response"] for text in content.bytes.decode().splitlines()]


CHAT = {"model": "my/gpt", "messages": [{"role": "user", "content": "one"}]}


@pytest.mark.parametrize("endpoint", ["/chat/completions", "/v1/chat/completions"])
def test_lines_go_to_their_deployment(endpoint: str, server: VirtualServer) -> None:
    lines = [line("/chat/completions", "a", CHAT), line("/v1/chat/completions", "b", CHAT)]
    created = create(server, endpoint, lines)
    assert (created.status, created.json["status"]) == (200, "validating")
    for response in responses(server, created.json["id"]):
        assert response["status_code"] == 200
        assert response["body"]["choices"][0]["message"]["content"] == "one by my/gpt"
        assert "content_filter_results" in response["body"]["choices"][0]


def test_lines_of_responses_have_no_deployment_path(server: VirtualServer) -> None:
    lines = [line("/responses", "a", {"model": "gpt-5", "input": "two"})]
    (response,) = responses(server, create(server, "/v1/responses", lines).json["id"])
    assert response["body"]["output"][0]["content"][0]["text"] == "two by gpt-5"


def test_line_without_a_deployment_fails_alone(server: VirtualServer) -> None:
    lines = [line("/chat/completions", "a", {"messages": CHAT["messages"]})]
    created = create(server, "/chat/completions", lines)
    (response,) = responses(server, created.json["id"], "error_file_id")
    assert 400 <= response["status_code"] < 500


def test_limited_line_has_azures_error(server: VirtualServer) -> None:
    limited = {**CHAT, "messages": [{"role": "user", "content": "limited"}]}
    created = create(server, "/chat/completions", [line("/chat/completions", "a", limited)])
    (response,) = responses(server, created.json["id"], "error_file_id")
    assert (response["status_code"], response["body"]["error"]["code"]) == (429, "429")


def test_line_of_another_endpoint_fails_the_batch(server: VirtualServer) -> None:
    created = create(server, "/embeddings", [line("/chat/completions", "a", CHAT)])
    batch = server.respond(get(f"/openai/batches/{created.json['id']}", 5.0)).json
    assert (batch["status"], batch["errors"]["data"][0]["code"]) == ("failed", "url_mismatch")


def test_unknown_endpoint_is_refused(server: VirtualServer) -> None:
    refused = create(server, "/v1/audio/speech", [])
    assert (refused.status, refused.json["error"]["param"]) == (400, "endpoint")
    lenient = VirtualServer(f"validation: lenient\n{RULES}")
    created = create(lenient, "/v1/audio/speech", [line("/chat/completions", "a", CHAT)])
    batch = lenient.respond(get(f"/openai/batches/{created.json['id']}", 5.0)).json
    assert batch["status"] == "failed"


def test_missing_file_and_batch_have_azures_error(server: VirtualServer) -> None:
    for path in ("/openai/files/file-x", "/openai/v1/batches/batch_x"):
        missing = server.respond(get(path))
        assert (missing.status, missing.json["error"]["code"]) == (404, "404")
        assert "type" not in missing.json["error"]
