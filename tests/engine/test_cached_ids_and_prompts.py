"""Ids of cached responses, prompts whose bodies are known in parts, and odd schemas of tools."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, RawStep
from tests.language.virtual_server import VirtualServer


def response_json(server: VirtualServer, path: str, body: Json, headers: dict[str, str] | None = None) -> Any:
    """Return the JSON of the response to a body."""
    engine = server.engine
    raw = json.dumps(body).encode()
    response = engine.respond(engine.read("POST", path, "", headers or {}, raw, "", 0.0))
    steps = [step for step in response.plan.steps if isinstance(step, EventStep | RawStep)]
    return json.loads(b"".join(step.data if isinstance(step, RawStep) else step.payload for step in steps))


def test_fixed_id_equal_to_a_token_count_is_stored_as_it_is() -> None:
    server = VirtualServer("""
        validation: off
        rules:
          - {match: {tool_result: {exists: true}}, reply: 'result of {{ tool_result.name }}'}
          - {reply: {tool_calls: [{name: look, arguments: {}, id: '8'}]}}
    """)
    path, session = "/v1/chat/completions", {"x-mockllm-session": "s2"}
    short = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert response_json(server, path, short)["usage"]["prompt_tokens"] == 8
    for _ in range(3):
        response_json(server, path, short)
    text = "a longer text of several words, so that the prompt has other tokens"
    response_json(server, path, {"model": "m", "messages": [{"role": "user", "content": text}]}, session)
    result = {"model": "m", "messages": [{"role": "tool", "tool_call_id": "8", "content": "ok"}]}
    reply = response_json(server, path, result, session)["choices"][0]["message"]["content"]
    assert reply == "result of look"


def test_growing_prompt_in_snake_case_is_cached() -> None:
    def cached_tokens(data: str, mime: str, uri: str) -> int:
        server = VirtualServer("rules: [{reply: ok, cache: true}]")
        files = [{data: {mime: "image/png", uri: f"https://files.example/{number}"}} for number in range(40)]
        turns: list[Json] = [{"role": "user", "parts": [*files, {"text": "What is this?"}]}]
        path = "/v1beta/models/gemini-2.5-flash:generateContent"
        response_json(server, path, {"contents": turns})
        turns += [{"role": "model", "parts": [{"text": "ok"}]}, {"role": "user", "parts": [{"text": "And?"}]}]
        usage = response_json(server, path, {"contents": turns})["usageMetadata"]
        return int(usage.get("cachedContentTokenCount", 0))

    camel = cached_tokens("fileData", "mimeType", "fileUri")
    assert camel > 1024
    assert cached_tokens("file_data", "mime_type", "file_uri") == camel


@pytest.mark.parametrize("more", [{"$defs": 1}, {"dependentSchemas": 1}, {"prefixItems": 1}])
def test_newer_keyword_of_another_type_is_no_error(more: dict[str, Json]) -> None:
    server = VirtualServer("rules: [{reply: {tool_calls: from_schema}}]")
    parameters = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"a": {"type": "string", **more}},
        "required": ["a"],
        **more,
    }
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}],
    }
    message = response_json(server, "/v1/chat/completions", body)["choices"][0]["message"]
    assert [*json.loads(message["tool_calls"][0]["function"]["arguments"])] == ["a"]
