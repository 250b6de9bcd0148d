"""`validation: exact` refuses fields that a protocol does not have, in the words of its service."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.providers import GENERATING_CALLS
from mockllm.scenario.language.examples import RequestSpec
from mockllm.testing.example_requests import build_sent_request
from tests.language.virtual_server import ClientRequest, VirtualServer, raw_request, respond_once

EXACT = "validation: exact\nrules: [{reply: Hi.}]"
CHAT_MESSAGE = {"role": "user", "content": "hi"}
CHAT = {"model": "gpt-4o", "messages": [CHAT_MESSAGE]}
CLAUDE = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
HOSTED = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": CLAUDE["messages"]}
RECENT = {"model": "gpt-5.6", "messages": [CHAT_MESSAGE]}
RESPONSES = {"model": "gpt-4o", "input": "hi"}
GEMINI = {"contents": [{"parts": [{"text": "hi"}]}]}
GENERATE = "/v1beta/models/gemini-2.5-flash:generateContent"
VERTEX = "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent"
CLAUDE_ON_VERTEX = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5:rawPredict"
EXTRA = "Extra inputs are not permitted"
TOOL = {"name": "look", "input_schema": {"type": "object"}}


def sent_to(path: str, body: dict[str, Any]) -> ClientRequest:
    """Return the request with the headers that its service requires."""
    version = {"anthropic-version": "2023-06-01"} if path.startswith("/v1/messages") else {}
    return raw_request(path, body, headers=version)


def claude_tools(*tools: dict[str, Any]) -> dict[str, Any]:
    return {**CLAUDE, "tools": list(tools)}


def claude_content(*blocks: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**CLAUDE, "messages": [{"role": "user", "content": list(blocks), **members}]}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/chat/completions", {**CHAT, "top_k": 3}, "Unrecognized request argument supplied: top_k"),
    (
        "/v1/chat/completions",
        {**CHAT, "z": 1, "enable_thinking": True},
        "Unrecognized request arguments supplied: enable_thinking, z",
    ),
    (
        "/v1/completions",
        {"model": "gpt-3.5-turbo-instruct", "prompt": "a", "z": 1},
        "Unrecognized request argument supplied: z",
    ),
    ("/v1/responses", {**RESPONSES, "b": 1, "a": 2}, "Unknown parameter: 'b'."),
    (
        "/v1/responses",
        {"b": 1, **RESPONSES, "messages": []},
        "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'. "
        "Try again with the new parameter. See the API documentation for more information: "
        "https://platform.openai.com/docs/api-reference/responses/create.",
    ),
    ("/v1/responses", {**RESPONSES, "tols": 1}, "Unknown parameter: 'tols'. Did you mean 'tools'?"),
    (
        "/v1/responses",
        {**RESPONSES, "strem": False},
        "Unknown parameter: 'strem'. Did you mean 'stream' or 'store'?",
    ),
    ("/v1/responses", {**RESPONSES, "modle": "a"}, "Unknown parameter: 'modle'."),
    (
        "/v1/responses",
        {**RESPONSES, "stream": True, "stream_options": {"include_usage": True}},
        "Unknown parameter: 'stream_options.include_usage'.",
    ),
    (
        "/v1/responses",
        {**RESPONSES, "reasoning": {"generate_summary": "auto"}},
        "Unknown parameter: 'reasoning.generate_summary'.",
    ),
    (
        "/v1/responses",
        {**RESPONSES, "input": [{"role": "user", "content": "a", "phase": "commentary"}]},
        "Unknown parameter: 'input[0].phase'.",
    ),
    (
        "/v1/responses",
        {**RESPONSES, "input": [{"role": "user", "content": "a", "metadata": {}}]},
        "Unknown parameter: 'input[0].metadata'.",
    ),
    (
        "/v1/responses",
        {**RESPONSES, "input": [{"role": "assistant", "content": "a", "phase": "commentary", "z": 1}]},
        "Unknown parameter: 'input[0].z'.",
    ),
    (
        "/v1/chat/completions",
        {**RECENT, "top_k": 3, "z": 1},
        "Unknown parameter: 'top_k'. Did you mean 'top_p'?",
    ),
    ("/v1/chat/completions", {**RECENT, "modalities": ["text"]}, "Unknown parameter: 'modalities'."),
    (
        "/v1/chat/completions",
        {**RECENT, "prompt_cache_options": {"mode": "implicit", "size": 1}},
        "Unknown parameter: 'prompt_cache_options.size'.",
    ),
    (
        "/v1/embeddings",
        {"model": "text-embedding-3-small", "input": "a", "z": 1, "b": 1},
        "Unrecognized request arguments supplied: b, z",
    ),
    ("/v1/moderations", {"input": "a", "z": 1}, "Unrecognized request argument supplied: z"),
    ("/v1/images/generations", {"prompt": "a", "z": 1}, "Unknown parameter: 'z'."),
    ("/v1/images/edits", {"prompt": "a", "image": "b", "style": "vivid"}, "Unknown parameter: 'style'."),
    ("/v1/images/variations", {"image": "b", "prompt": "c"}, "Unknown parameter: 'prompt'."),
    ("/v1/messages", {**CLAUDE, "response_format": {}}, f"response_format: {EXTRA}"),
    ("/v1/messages", claude_tools(TOOL, {**TOOL, "name": "b", "z": 1}), f"tools.1.custom.z: {EXTRA}"),
    (
        "/v1/messages",
        claude_content({"type": "text", "text": "a", "z": 1}),
        f"messages.0.content.0.text.z: {EXTRA}",
    ),
    ("/v1/messages", claude_content({"type": "text", "text": "a"}, id="m"), f"messages.0.id: {EXTRA}"),
    ("/v1/messages/count_tokens", {**CLAUDE}, f"max_tokens: {EXTRA}"),
]


@pytest.mark.parametrize(("path", "body", "message"), REFUSED)
def test_unknown_field_is_refused(path: str, body: dict[str, Any], message: str) -> None:
    server = VirtualServer(EXACT)
    for _ in range(3):  # also where equal responses are cached
        received = server.respond(sent_to(path, body))
        assert (received.status, received.message) == (400, message)


@pytest.mark.parametrize(("path", "body", "message"), REFUSED)
def test_strict_accepts_unknown_fields(path: str, body: dict[str, Any], message: str) -> None:
    assert respond_once("rules: [{reply: Hi.}]", raw_request(path, body)).status == 200


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/anthropic/v1/messages"])
def test_messages_without_a_version_are_refused(path: str) -> None:
    body = CLAUDE if path.endswith("messages") else {k: v for k, v in CLAUDE.items() if k != "max_tokens"}
    server = VirtualServer(EXACT)
    for headers, status in (({}, 400), ({"Anthropic-Version": "2023-06-01"}, 200), ({}, 400)):
        received = server.respond(raw_request(path, body, headers=headers))
        assert received.status == status
        if status == 400:
            error = {"type": "invalid_request_error", "message": "anthropic-version: header is required"}
            assert received.json["error"] == error
    assert respond_once("rules: [{reply: Hi.}]", raw_request(path, body)).status == 200


@pytest.mark.parametrize(
    "rules", ["[{reply: Hi.}]", "[{match: {api: embeddings}, reply: {embedding: [1, 0]}}]"]
)
def test_strict_notes_unknown_fields_of_embeddings(rules: str) -> None:
    body = {"model": "text-embedding-3-small", "input": "a", "z": 1}
    received = respond_once(f"rules: {rules}", raw_request("/v1/embeddings", body))
    assert received.status == 200
    assert received.notes == 'unknown field "z"'


def test_unknown_parameter_has_its_code() -> None:
    received = respond_once(EXACT, raw_request("/v1/responses", {**RESPONSES, "b": 1}))
    assert received.json["error"] == {
        "message": "Unknown parameter: 'b'.",
        "type": "invalid_request_error",
        "param": "b",
        "code": "unknown_parameter",
    }


def schema_with(*names: str) -> dict[str, Any]:
    """A request with a function whose parameters, and an alternative in them, have these keywords."""
    unknown = dict.fromkeys(names, "x")
    properties = {"a": {"type": "STRING"}, "b": {"anyOf": [{}, unknown]}}
    parameters = {"type": "OBJECT", "properties": properties, **unknown}
    declared = {"functionDeclarations": [{"name": "f"}, {"name": "g", "parameters": parameters}]}
    return {**GEMINI, "tools": [declared]}


SCHEMA = "tools[0].function_declarations[1].parameters"


@pytest.mark.parametrize("path", [GENERATE, VERTEX, GENERATE.replace("generate", "streamGenerate")])
@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({**GEMINI, "max_tokens": 9}, [("", "max_tokens")]),
        ({"contents": [{"parts": [{"text": "a", "role": "b"}]}]}, [("contents[0].parts[0]", "role")]),
        ({"contents": {"parts": {"text": "a"}, "id": 1}}, [("contents", "id")]),
        ({**GEMINI, "generation_config": {"maxTokens": 1}}, [("generation_config", "maxTokens")]),
        (
            schema_with("$schema"),
            [(f"{SCHEMA}.properties[1].value.any_of[1]", "$schema"), (SCHEMA, "$schema")],
        ),
    ],
)
def test_parser_lists_all_unknown_names(
    path: str, body: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    received = respond_once(EXACT, raw_request(path, body))
    error = received.json[0]["error"] if "stream" in path else received.json["error"]
    texts = [
        f'Invalid JSON payload received. Unknown name "{name}"{f" at {at!r}" if at else ""}: Cannot find field.'
        for at, name in found
    ]
    assert (error["code"], error["status"], error["message"]) == (400, "INVALID_ARGUMENT", "\n".join(texts))
    violations = error["details"][0]["fieldViolations"]
    assert [(each.get("field", ""), each["description"]) for each in violations] == [
        (at, text) for (at, _), text in zip(found, texts, strict=True)
    ]


def test_list_of_violations_is_bounded() -> None:
    body = {**GEMINI, **{f"unknown{number}": 1 for number in range(5_000)}}
    error = respond_once(EXACT, raw_request(GENERATE, body)).json["error"]
    assert len(error["details"][0]["fieldViolations"]) == 100


@pytest.mark.parametrize(
    "sent",
    [
        raw_request("/groq/openai/v1/chat/completions", {**CHAT, "reasoning_format": "raw"}),
        raw_request("/openai/deployments/gpt-4o/chat/completions", {**CHAT, "data_sources": []}),
        raw_request("/api/chat", {"model": "llama3", "messages": [], "keep_alive": 1, "think": False}),
        raw_request(
            GENERATE,
            {**GEMINI, "generation_config": {"top_p": 1, "topK": 2}, "tools": [{"google_search": {"z": 1}}]},
        ),
        sent_to("/v1/messages", claude_tools({"type": "web_search_20250305", "name": "web_search", "z": 1})),
        raw_request("/v1/models", method="GET"),
        raw_request(CLAUDE_ON_VERTEX, {**HOSTED, "z": 1}),
        sent_to("/v1/messages", claude_content({"type": "container_upload", "file_id": "a", "z": 1})),
        raw_request(GENERATE.replace("generateContent", "countTokens"), {**GEMINI, "z": 1}),
        raw_request("/v1/chat/completions", {**CHAT, "messages": [{**CHAT_MESSAGE, "z": 1}]}),
    ],
)
def test_field_that_is_not_checked_passes(sent: ClientRequest) -> None:
    assert respond_once(EXACT, sent).status == 200


@pytest.mark.parametrize("provider", sorted({call.provider for call in GENERATING_CALLS}))
def test_neutral_request_passes(provider: str) -> None:
    spec = RequestSpec.model_validate({
        "user": "hi", "system": "Be brief.", "max_tokens": 5,
        "tools": [{"name": "look", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}],
    })  # fmt: skip
    sent = build_sent_request(spec, provider)
    request = ClientRequest(sent.path, sent.raw, sent.method, sent.query_string, sent.headers)
    assert respond_once(EXACT, request).status == 200


def test_unreadable_and_invalid_bodies_are_refused() -> None:
    broken, hot = (
        respond_once(EXACT, raw_request("/v1/chat/completions", body))
        for body in (b"{", {**CHAT, "temperature": 9})
    )
    assert (broken.status, hot.status) == (400, 400)
    assert "temperature" in hot.message


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {**CLAUDE, "messages": [3]}),
        ("/v1/messages", {**CLAUDE, "tools": [3]}),
        (GENERATE, {**GEMINI, "generation_config": [3]}),
        (GENERATE, {"contents": [[[3]]]}),
        (
            GENERATE,
            {**GEMINI, "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"properties": 3}}]}]},
        ),
    ],
)
def test_wrong_shapes_are_refused_as_by_strict(path: str, body: dict[str, Any]) -> None:
    exact, strict = (
        respond_once(f"validation: {strictness}\nrules: [{{reply: Hi.}}]", sent_to(path, body))
        for strictness in ("exact", "strict")
    )
    assert (exact.status, exact.bytes[:400]) == (strict.status, strict.bytes[:400])


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/v1/chat/completions", {"z": 1, **CHAT, "model": None}, "you must provide a model parameter"),
        ("/v1/chat/completions", {"z": 1, "model": "m"}, "Missing required parameter: 'messages'."),
        ("/v1/responses", {"z": 1, "input": "a"}, "Missing required parameter: 'model'."),
        ("/v1/responses", {"z": 1, "model": "m"}, "Missing required parameter: 'input'."),
    ],
)
def test_missing_field_is_refused_before_unknown_ones(path: str, body: dict[str, Any], message: str) -> None:
    sent = {name: value for name, value in body.items() if value is not None}
    assert respond_once(EXACT, raw_request(path, sent)).message == message


def test_fields_that_the_service_knows_are_not_unknown() -> None:
    turn = {"turn_id": "t1"}
    answer = {"role": "assistant", "content": "a", "internal_chat_message_metadata_passthrough": turn}
    for more in (
        {"presence_penalty": 1},
        {"reasoning": {"mode": "standard"}},
        {"client_metadata": turn, "input": [{**answer, "metadata": turn}, CHAT_MESSAGE]},
    ):
        body: dict[str, Any] = {**RESPONSES, **more}
        assert respond_once(EXACT, raw_request("/v1/responses", body)).status == 200
    body = {**RECENT, "model": "gpt-4o", "modalities": ["text"], "stream_options": {"z": 1}, "stream": True}
    assert respond_once(EXACT, raw_request("/v1/chat/completions", body)).status == 200
