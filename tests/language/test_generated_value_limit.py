"""A schema that takes too much work is refused by the provider's own 400, and the server goes on."""

from __future__ import annotations

import json
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from tests.core.schema_values.hostile import BILLION, HOSTILE, member
from tests.language.playing import Ask, Game, ask
from tests.process import serving

HUGE = member({"type": "array", "items": {"type": "integer"}, "minItems": BILLION})
DESCRIBED = member({"type": "array", "items": {"type": "integer"}, "description": f"{{minItems: {BILLION}}}"})
"""The same as Anthropic's SDKs write it, whose structured output takes no `minItems`."""
SAID = [{"role": "user", "content": "hi"}]
CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]
MODEL = "/v1beta/models/gemini-2.5-flash"


def chat_tool(schema: Any, **more: Any) -> Ask:
    tool = {"type": "function", "function": {"name": "look", "parameters": schema}}
    body = {"model": "gpt-4o", "messages": SAID, "tools": [tool], "tool_choice": "required"}
    return ask("/v1/chat/completions", {**body, **more})


def responses_tool(schema: Any) -> Ask:
    tool = {"type": "function", "name": "look", "parameters": schema, "strict": False}
    body = {"model": "gpt-4o", "input": "hi", "tools": [tool], "tool_choice": "required"}
    return ask("/v1/responses", body)


def anthropic_tool(schema: Any, **more: Any) -> Ask:
    tools = [{"name": "look", "input_schema": schema}]
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9000, "messages": SAID, "tools": tools}
    headers = {"anthropic-version": "2023-06-01", "x-api-key": "k"}
    return ask("/v1/messages", {**body, "tool_choice": {"type": "any"}, **more}, headers=headers)


def gemini_tool(schema: Any, call: str = "generateContent") -> Ask:
    tools = [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": schema}]}]
    config = {"functionCallingConfig": {"mode": "ANY"}}
    return ask(f"{MODEL}:{call}", {"contents": CONTENTS, "tools": tools, "toolConfig": config})


def chat_format(schema: Any) -> Ask:
    wanted = {"type": "json_schema", "json_schema": {"name": "found", "schema": schema}}
    return ask("/v1/chat/completions", {"model": "gpt-4o", "messages": SAID, "response_format": wanted})


def responses_format(schema: Any) -> Ask:
    wanted = {"type": "json_schema", "name": "found", "schema": schema, "strict": False}
    return ask("/v1/responses", {"model": "gpt-4o", "input": "hi", "text": {"format": wanted}})


def anthropic_format(schema: Any) -> Ask:
    wanted = {"format": {"type": "json_schema", "schema": schema}}
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9000, "messages": SAID, "output_config": wanted}
    return ask("/v1/messages", body, headers={"anthropic-version": "2023-06-01", "x-api-key": "k"})


def gemini_format(schema: Any) -> Ask:
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    return ask(f"{MODEL}:generateContent", {"contents": CONTENTS, "generationConfig": config})


ASKED = {
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


def default_game(**more: Any) -> Game:
    return Game({"empty.yaml": "rules: []"}, packs=["default"], **more)


def check_envelope(path: str, error: dict[str, Any]) -> None:
    """Check that an error is in the form of the provider of this path."""
    if path.endswith("/messages"):
        assert error["type"] == "invalid_request_error"
    elif path.startswith("/v1beta"):
        assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    else:
        assert error["type"] == "invalid_request_error"
        assert "param" in error


@pytest.mark.parametrize("name", ASKED)
def test_request_huge_schema_is_the_providers_400(name: str) -> None:
    asked = ASKED[name]
    heard = default_game().hear(asked)
    assert heard.status == 400
    body = json.loads(heard.bytes)
    error = (body[0] if isinstance(body, list) else body)["error"]
    check_envelope(asked.path, error)
    assert "10,000 values" in error["message"]
    assert "--max-generated-values" in error["message"]


@pytest.mark.parametrize("made", [chat_tool, anthropic_tool, gemini_tool], ids=lambda made: made.__name__)
@pytest.mark.parametrize("name", HOSTILE)
def test_request_hostile_schema_is_refused(name: str, made: Any) -> None:
    heard = default_game().hear(made(HOSTILE[name][0]))
    assert heard.status == 400


def test_raised_limit_lets_schema_be_generated() -> None:
    asked = chat_tool(member({"type": "array", "items": {"type": "null"}, "minItems": 11_000}))
    assert default_game().hear(asked).status == 400
    assert default_game(max_generated=20_000).hear(asked).status == 200


def test_server_after_hostile_schema_answers_health(tmp_path: Path) -> None:
    small = chat_tool(member({"type": "array", "items": {"type": "null"}, "minItems": 50}))
    options = ("--pack", "default", "--max-generated-values", "50")
    with serving(*options, cwd=tmp_path) as server:
        for asked in (chat_tool(HUGE), small):
            with pytest.raises(urllib.error.HTTPError) as refused:
                server.post(asked.path, json.loads(asked.body))
            assert refused.value.code == 400
            assert b"more than 50 values" in refused.value.read()
        assert server.get("/health")
