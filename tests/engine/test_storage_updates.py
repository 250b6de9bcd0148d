"""Requests that would store more than the server can: refused as the provider does, or not stored."""

from __future__ import annotations

from typing import Any, Final

import pytest

from mockllm.engine.storage_updates import TOO_LARGE
from tests.dialects.openai.batches.batch_requests import get, upload
from tests.language.virtual_server import VirtualServer, raw_request
from tests.object_bounds import bound_stored_bytes

RULES: Final = "rules: [{reply: Hi.}]\nmodifiers: [{limit: {strategy: fixed-window, concurrent: 9}}]"
LARGE: Final = b"x" * 5_000
LINES: Final = [{"custom_id": f"{number:060}", "params": {"model": "x"}} for number in range(90)]
RAW: Final = {"x-goog-upload-protocol": "raw", "content-type": "text/plain"}


@pytest.fixture
def server() -> VirtualServer:
    server = VirtualServer(RULES)
    bound_stored_bytes(server.engine, 4_000)
    return server


def test_file_beyond_the_bound_is_a_413(server: VirtualServer) -> None:
    small = server.respond(upload()).json["id"]
    refused = server.respond(upload(content=LARGE))
    assert (refused.status, refused.message) == (413, TOO_LARGE.message)
    assert refused.planned.slot is not None  # the server releases it at the end of the response
    assert server.respond(get(f"/v1/files/{small}")).status == 200


@pytest.mark.parametrize(
    ("path", "body", "headers", "kind"),
    [
        ("/v1/messages/batches", {"requests": LINES}, {}, "type"),
        ("/upload/v1beta/files", LARGE, RAW, "status"),
    ],
)
def test_refusal_has_the_form_of_the_provider(
    server: VirtualServer, path: str, body: Any, headers: dict[str, str], kind: str
) -> None:
    refused = server.respond(raw_request(path, body, headers={"x-api-key": "k", **headers}))
    assert (refused.status, refused.message) == (413, TOO_LARGE.message)
    assert kind in refused.json["error"]


def test_response_beyond_the_bound_is_sent_and_not_stored(server: VirtualServer) -> None:
    fields = {"model": "gpt-5", "input": LARGE.decode()}
    sent = server.respond(raw_request("/v1/responses", fields))
    assert (sent.status, sent.json["status"]) == (200, "completed")
    assert server.respond(get(f"/v1/responses/{sent.json['id']}")).status == 404
