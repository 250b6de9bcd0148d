"""A schema that takes too much work is refused by the provider's own 400, and the server still responds."""

from __future__ import annotations

import json
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from tests.core.schema_values.hostile import BILLION, HOSTILE, member
from tests.language.virtual_server import ClientRequest, VirtualServer, diagnostics_of, raw_request
from tests.process import serving

HUGE = member({"type": "array", "items": {"type": "integer"}, "minItems": BILLION})
DESCRIBED = member({"type": "array", "items": {"type": "integer"}, "description": f"{{minItems: {BILLION}}}"})
"""The same as Anthropic's SDKs write it, whose structured output takes no `minItems`."""
REPORTED = [{"role": "user", "content": "hi"}]
CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]
MODEL = "/v1beta/models/gemini-2.5-flash"


def chat_tool(schema: Any, **more: Any) -> ClientRequest:
    tool = {"type": "function", "function": {"name": "look", "parameters": schema}}
    body = {"model": "gpt-4o", "messages": REPORTED, "tools": [tool], "tool_choice": "required"}
    return raw_request("/v1/chat/completions", {**body, **more})


def responses_tool(schema: Any) -> ClientRequest:
    tool = {"type": "function", "name": "look", "parameters": schema, "strict": False}
    body = {"model": "gpt-4o", "input": "hi", "tools": [tool], "tool_choice": "required"}
    return raw_request("/v1/responses", body)


def anthropic_tool(schema: Any, **more: Any) -> ClientRequest:
    tools = [{"name": "look", "input_schema": schema}]
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9000, "messages": REPORTED, "tools": tools}
    headers = {"anthropic-version": "2023-06-01", "x-api-key": "k"}
    return raw_request("/v1/messages", {**body, "tool_choice": {"type": "any"}, **more}, headers=headers)


def gemini_tool(schema: Any, call: str = "generateContent") -> ClientRequest:
    tools = [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": schema}]}]
    config = {"functionCallingConfig": {"mode": "ANY"}}
    return raw_request(f"{MODEL}:{call}", {"contents": CONTENTS, "tools": tools, "toolConfig": config})


def chat_format(schema: Any) -> ClientRequest:
    expected = {"type": "json_schema", "json_schema": {"name": "found", "schema": schema}}
    return raw_request(
        "/v1/chat/completions", {"model": "gpt-4o", "messages": REPORTED, "response_format": expected}
    )


def responses_format(schema: Any) -> ClientRequest:
    expected = {"type": "json_schema", "name": "found", "schema": schema, "strict": False}
    return raw_request("/v1/responses", {"model": "gpt-4o", "input": "hi", "text": {"format": expected}})


def anthropic_format(schema: Any) -> ClientRequest:
    expected = {"format": {"type": "json_schema", "schema": schema}}
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9000, "messages": REPORTED, "output_config": expected}
    return raw_request("/v1/messages", body, headers={"anthropic-version": "2023-06-01", "x-api-key": "k"})


def gemini_format(schema: Any) -> ClientRequest:
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    return raw_request(f"{MODEL}:generateContent", {"contents": CONTENTS, "generationConfig": config})


REQUESTED = {
    "chat tool": chat_tool(HUGE),
    "chat tool, streamed": chat_tool(HUGE, stream=True),
    "responses tool": responses_tool(HUGE),
    "anthropic tool": anthropic_tool(HUGE),
    "anthropic tool, streamed": anthropic_tool(HUGE, stream=True),
    "gemini tool": gemini_tool(HUGE),
    "gemini tool, streamed": gemini_tool(HUGE, "streamGenerateContent"),
    "chat format": chat_format(HUGE),
    "responses format": responses_format(HUGE),
    "anthropic format": anthropic_format({**DESCRIBED, "additionalProperties": False}),
    "gemini format": gemini_format(HUGE),
}


def default_game(**more: Any) -> VirtualServer:
    return VirtualServer({"empty.yaml": "rules: []"}, packs=["default"], **more)


def check_envelope(path: str, error: dict[str, Any]) -> None:
    """Check that an error is in the form of the provider of this path."""
    if path.endswith("/messages"):
        assert error["type"] == "invalid_request_error"
    elif path.startswith("/v1beta"):
        assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    else:
        assert error["type"] == "invalid_request_error"
        assert "param" in error


@pytest.mark.parametrize("name", REQUESTED)
def test_request_huge_schema_is_the_providers_400(name: str) -> None:
    sent = REQUESTED[name]
    response = default_game().respond(sent)
    assert response.status == 400
    body = json.loads(response.bytes)
    error = (body[0] if isinstance(body, list) else body)["error"]
    check_envelope(sent.path, error)
    assert "10,000 values" in error["message"]
    assert "--max-generated-values" in error["message"]


@pytest.mark.parametrize(
    "result", [chat_tool, anthropic_tool, gemini_tool], ids=lambda result: result.__name__
)
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.covering("result")
def test_request_hostile_schema_is_refused(name: str, result: Any) -> None:
    response = default_game().respond(result(HOSTILE[name][0]))
    assert response.status == 400


def test_raised_limit_lets_schema_be_generated() -> None:
    sent = chat_tool(member({"type": "array", "items": {"type": "null"}, "minItems": 11_000}))
    assert default_game().respond(sent).status == 400
    assert default_game(max_generated=20_000).respond(sent).status == 200


def test_server_after_hostile_schema_serves_health(tmp_path: Path) -> None:
    small = chat_tool(member({"type": "array", "items": {"type": "null"}, "minItems": 50}))
    options = ("--pack", "default", "--max-generated-values", "50")
    with serving(*options, cwd=tmp_path) as server:
        for sent in (chat_tool(HUGE), small):
            with pytest.raises(urllib.error.HTTPError) as refused:
                server.post(sent.path, json.loads(sent.body))
            assert refused.value.code == 400
            assert b"more than 50 values" in refused.value.read()
        assert server.get("/health")


def test_schema_condition_of_much_marking_has_diagnostic() -> None:
    parts = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(20)}
    schema = {"$defs": {**parts, "a20": {}}, "$ref": "#/$defs/a0", "unevaluatedItems": False}
    (found,) = diagnostics_of(
        json.dumps({"rules": [{"match": {"body": {"$.a": {"schema": schema}}}, "reply": "x"}]})
    )
    assert "to more than 3,000 subschemas" in found
