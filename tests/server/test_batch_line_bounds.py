"""The bounds of a line of a batch: those of a body, with the provider's own error for the line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from mockllm.server.json_structure import SHORT
from tests.dialects.gemini.test_gemini_files import RELATED, UPLOAD, related
from tests.dialects.openai.batches.batch_requests import form, line
from tests.live import Live
from tests.live import live as serve
from tests.server.served_batches import call
from tests.waiting import until

MESSAGE: Final = (
    "The JSON body has more than 100,000 arrays and objects. Raise this limit with the server's option "
    "--max-containers."
)
TOO_MANY: Final[list[Any]] = [[]] * 100_001


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "a.yaml").write_text("rules: [{reply: Hi.}]")
    with serve(tmp_path / "a.yaml") as server:
        yield server


def jsonl(*lines: Any) -> bytes:
    return "\n".join(map(json.dumps, lines)).encode()


def openai_lines(server: Live) -> list[Any]:
    lines = jsonl(line("one", "a", user=TOO_MANY), line("two", "b"))
    file = call(server, "/v1/files", form({"purpose": "batch"}, ("in.jsonl", lines)))["id"]
    fields = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    id = call(server, "/v1/batches", fields)["id"]

    def ended() -> Any:
        batch = call(server, f"/v1/batches/{id}")
        return batch if batch["status"] == "completed" else None

    batch = until(ended)
    files = [batch[name] for name in ("error_file_id", "output_file_id")]
    contents = [json.loads(call(server, f"/v1/files/{file}/content")) for file in files]
    return [(each["response"]["status_code"], each["response"]["body"]) for each in contents]


def mistral_lines(server: Live) -> list[Any]:
    (too_many, plain) = (line("one", "a", user=TOO_MANY), line("two", "b"))
    file = call(server, "/mistral/v1/files", form({"purpose": "batch"}, ("in.jsonl", jsonl(too_many, plain))))
    fields = {
        "input_files": [file["id"]],
        "endpoint": "/v1/chat/completions",
        "model": "mistral-small-latest",
    }
    id = call(server, "/mistral/v1/batch/jobs", fields)["id"]

    def ended() -> Any:
        job = call(server, f"/mistral/v1/batch/jobs/{id}?inline=true")
        return job["outputs"] if job["status"] == "SUCCESS" else None

    return [(each["response"]["status_code"], each["response"]["body"]) for each in until(ended)]


def gemini_lines(server: Live) -> list[Any]:
    requests = [{"contents": [{"parts": [{"text": "one"}]}], "more": more} for more in (TOO_MANY, [])]
    lines = jsonl(*({"request": request} for request in requests))
    described = {"mimeType": "application/jsonl"}
    sent = related(described, lines, "application/jsonl")
    with urlopen(Request(server.url + UPLOAD, sent, RELATED)) as response:
        file = json.loads(response.read())["file"]["name"]
    batch = {"batch": {"inputConfig": {"fileName": file}}}
    name = call(server, "/v1beta/models/gemini-2.5-flash:batchGenerateContent", batch)["name"]

    def ended() -> Any:
        return call(server, f"/v1beta/{name}").get("response")

    output = until(ended)["responsesFile"]
    with urlopen(f"{server.url}/v1beta/{output}:download?alt=media") as response:
        written = [json.loads(text) for text in response.read().splitlines()]
    return [(400, each) if "error" in each else (200, each["response"]) for each in written]


@pytest.mark.parametrize("lines_of", [openai_lines, mistral_lines, gemini_lines])
def test_line_with_too_many_containers_gets_its_error(
    server: Live, lines_of: Callable[[Live], list[Any]]
) -> None:
    refused, served = lines_of(server)
    assert (refused[0], served[0]) == (400, 200)
    assert MESSAGE in json.dumps(refused[1])


def test_batch_in_a_body_has_the_bounds_of_a_body(server: Live) -> None:
    params = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": TOO_MANY}
    with pytest.raises(HTTPError) as caught:
        call(server, "/v1/messages/batches", {"requests": [{"custom_id": "a", "params": params}]})
    body = json.loads(caught.value.read())
    assert (caught.value.code, body["type"], body["error"]["message"]) == (400, "error", MESSAGE)


def test_long_line_within_the_bounds_is_served(server: Live) -> None:
    content = jsonl(line("x" * SHORT, "a"))
    file = call(server, "/v1/files", form({"purpose": "batch"}, ("in.jsonl", content)))["id"]
    fields = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    id = call(server, "/v1/batches", fields)["id"]
    until(lambda: call(server, f"/v1/batches/{id}")["request_counts"]["completed"])
