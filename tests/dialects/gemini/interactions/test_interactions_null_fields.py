"""Null fields of interactions, which count as absent."""

from __future__ import annotations

from typing import Any

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.messages import CallPart, TextPart
from mockllm.core.request.response_parameters import Format
from mockllm.dialects.gemini.interactions.request import InteractionRequest
from tests.language.virtual_server import ClientResponse, raw_request, respond_once

SCHEMA: Json = {"type": "object"}


def created(**fields: Json) -> ClientResponse:
    body = {"model": "gemini-2.5-flash", "input": "hi", **fields}
    return respond_once('rules: [{reply: "{{ user }}!"}]', raw_request("/v1beta/interactions", body))


def interaction(**fields: Json) -> InteractionRequest:
    raw = dumps({"model": "gemini-2.5-flash", **fields})
    return InteractionRequest(method="POST", path="/v1beta/interactions", headers={}, raw=raw)


def test_null_agent_leaves_the_name_of_the_model() -> None:
    body = created(agent=None).json
    assert body["model"] == "gemini-2.5-flash"
    assert "agent" not in body


def test_null_input_is_refused_as_a_missing_one() -> None:
    response = created(input=None)
    assert response.status == 400
    assert response.message == "'input' must be set."


def test_null_role_of_content_is_no_turn() -> None:
    content: Any = {"type": "text", "text": "What is it?", "role": None}
    assert created(input=[content]).json["steps"][-1]["content"][0]["text"] == "What is it?!"


def test_null_role_of_step_leaves_its_type() -> None:
    steps: Json = [
        {"type": "user_input", "content": "hi", "role": None},
        {"type": "function_call", "id": "c1", "name": "look", "arguments": None, "role": None},
    ]
    messages = interaction(input=steps).messages
    assert [message.role for message in messages] == ["user", "assistant"]
    assert [message.parts for message in messages] == [(TextPart("hi"),), (CallPart("c1", "look", {}),)]


def test_null_schema_of_format_leaves_that_of_the_text() -> None:
    entries: Json = [{"type": "audio", "schema": None}, {"type": "text", "schema": SCHEMA}]
    request = interaction(input="hi", response_format=entries, response_mime_type="application/json")
    assert request.response_format == Format("schema", None, SCHEMA)
