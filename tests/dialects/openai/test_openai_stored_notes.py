"""The notes in the log and in `explain` on an id that no stored object has; the response has the provider's text."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import raw_request, respond_once

SCENARIO = "rules: [{reply: x}]"


@pytest.mark.parametrize(
    ("path", "object_name", "api"),
    [
        ("/v1/responses/resp_1", "response", "stored_responses"),
        ("/v1/chat/completions/chatcmpl-1", "chat completion", "stored_completions"),
    ],
)
def test_unknown_stored_id_is_explained_in_a_note(path: str, object_name: str, api: str) -> None:
    response = respond_once(SCENARIO, raw_request(path, method="GET"))
    assert response.status == 404
    assert response.message.endswith("not found.")
    assert f"the id of a {object_name}" in response.notes
    assert f"match: {{api: {api}}}" in response.notes


def test_noted_rule_responds_to_any_stored_id() -> None:
    rule = "rules: [{match: {api: stored_responses}, http: {body: {id: resp_1, object: response}}}]"
    response = respond_once(rule, raw_request("/v1/responses/resp_1", method="GET"))
    assert (response.status, response.json["id"], response.notes) == (200, "resp_1", "")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"previous_response_id": "resp_1"}, 400),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, 404),
    ],
)
def test_unknown_reference_is_explained_in_a_note(fields: dict[str, object], status: int) -> None:
    sent = raw_request("/v1/responses", {"model": "gpt-5", "input": "hi", **fields})
    response = respond_once(SCENARIO, sent)
    assert response.status == status
    assert "validation: lenient" not in response.message
    assert "validation: lenient" in response.notes
    assert respond_once(f"validation: lenient\n{SCENARIO}", sent).status == 200
