"""Requests of Ollama's own API: how they are read, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.request.messages import CallPart, MediaPart, ResultPart, ThinkingPart
from mockllm.core.request.request import Message, TextPart, Tool
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.ollama.provider import CHAT, GENERATE
from mockllm.dialects.ollama.request import (
    MAX_DIMENSIONS,
    MAX_OPEN_CALLS,
    OllamaChatRequest,
    OllamaEmbeddingsRequest,
    OllamaGenerateRequest,
)
from tests.language.virtual_server import raw_request, respond_once

RULE = "rules: [{reply: x}]"
WEATHER: Json = {"type": "object", "properties": {"city": {"type": "string"}}}


def read(body: Json, kind: type[Any] = OllamaChatRequest, path: str = "/api/chat") -> Any:
    return kind(method="POST", path=path, headers={}, raw=dumps(body))


def test_chat_messages_are_read() -> None:
    request = read(
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Look", "images": ["QQ=="]},
                {
                    "role": "assistant",
                    "content": "",
                    "thinking": "Hm.",
                    "tool_calls": [
                        {"id": "c1", "function": {"name": "look", "arguments": {"city": "Paris"}}},
                        {"function": {"name": "now"}},
                    ],
                },
                {"role": "tool", "tool_name": "now", "content": "noon"},
                {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
                {"role": "nobody", "content": "x"},
                7,
            ],
            "tools": [
                {"type": "function", "function": {"name": "look", "description": "d", "parameters": WEATHER}},
                {"function": {}},
            ],
        }
    )
    assert request.messages == (
        Message("system", (TextPart("Be brief."),)),
        Message("user", (TextPart("Look"), MediaPart("image"))),
        Message(
            "assistant",
            (ThinkingPart("Hm."), CallPart("c1", "look", {"city": "Paris"}), CallPart(None, "now", None)),
        ),
        Message("tool", (ResultPart(None, "now", "noon"),)),
        Message("tool", (ResultPart("c1", "look", "sunny"),)),
    )
    assert request.tools == (Tool("look", WEATHER, "d"),)
    assert (request.system, request.stream, request.model) == ("Be brief.", True, None)


CALLS: list[dict[str, object]] = [{"function": {"name": name}} for name in ("look", "now")]


@pytest.mark.parametrize(
    ("results", "named"),
    [
        ([{}, {}], ["look", "now"]),
        ([{"tool_call_id": "unknown"}, {"tool_call_id": "other"}], ["look", "now"]),
        ([{"tool_name": "now"}, {}], ["now", "look"]),
        ([{"tool_name": "gone"}, {}], ["gone", "look"]),
        ([{}, {}, {}], ["look", "now", None]),
    ],
)
def test_result_without_name_belongs_to_open_call(
    results: list[dict[str, object]], named: list[str | None]
) -> None:
    turns = [{"role": "tool", "content": "x", **result} for result in results]
    request = read({"messages": [{"role": "assistant", "tool_calls": CALLS}, *turns]})
    parts = [message.parts[0] for message in request.messages[1:]]
    assert [part.name for part in parts if isinstance(part, ResultPart)] == named


def test_calls_beyond_bound_get_no_result_without_name() -> None:
    calls = [{"function": {"name": f"f{n}"}} for n in range(MAX_OPEN_CALLS + 1)]
    results = [{"role": "tool", "content": "x"}] * len(calls)
    request = read({"messages": [{"role": "assistant", "tool_calls": calls}, *results]})
    names = [
        part.name
        for message in request.messages[1:]
        for part in message.parts
        if isinstance(part, ResultPart)
    ]
    assert names == [f"f{n}" for n in range(MAX_OPEN_CALLS)] + [None]


@pytest.mark.parametrize(
    ("fields", "output_bounds"),
    [
        ({}, OutputBounds()),
        ({"options": {"stop": ["a", 7], "num_predict": 9}}, OutputBounds(1, ("a",), 9)),
        ({"options": {"stop": "a", "num_predict": -1}}, OutputBounds(1, ("a",), None)),
        ({"options": {"num_predict": 2.7}}, OutputBounds(1, (), 2)),
        ({"options": {"num_predict": "2"}}, OutputBounds()),
        ({"options": 3}, OutputBounds()),
    ],
)
def test_options_are_read(fields: dict[str, Json], output_bounds: OutputBounds) -> None:
    assert read(fields).output_bounds == output_bounds


@pytest.mark.parametrize(
    ("value", "form"),
    [("json", Format("json")), (WEATHER, Format("schema", None, WEATHER)), ("", Format()), (None, Format())],
)
def test_format_is_read(value: Json, form: Format) -> None:
    assert read({"format": value}).response_format == form


def test_prompt_is_a_message_of_the_user() -> None:
    request = read({"prompt": "Why?", "system": "Be brief.", "images": ["QQ=="]}, OllamaGenerateRequest)
    assert request.messages == (
        Message("system", (TextPart("Be brief."),)),
        Message("user", (TextPart("Why?"), MediaPart("image"))),
    )
    assert read({}, OllamaGenerateRequest).user == ""


def test_inputs_to_embed_are_read() -> None:
    request = read(
        {"name": "m", "input": ["a", 7, "b"], "dimensions": 10**9}, OllamaEmbeddingsRequest, "/api/embed"
    )
    assert (request.inputs, request.dimensions, request.model) == (("a", "b"), MAX_DIMENSIONS, "m")
    assert read({"prompt": ["a"]}, OllamaEmbeddingsRequest, "/api/embeddings").inputs == ()
    assert read({}, OllamaEmbeddingsRequest, "/api/embed").messages == ()


REFUSED: list[tuple[str, Json, str]] = [
    ("/api/chat", {}, "model is required"),
    ("/api/chat", [], "json: cannot unmarshal the request body into an object"),
    ("/api/chat", {"model": 7}, "number into Go struct field ChatRequest.model of type string"),
    ("/api/chat", {"model": "m", "messages": 3}, "ChatRequest.messages of type []api.Message"),
    ("/api/chat", {"model": "m", "messages": [3]}, "ChatRequest.messages of type api.Message"),
    ("/api/chat", {"model": "m", "messages": [{"role": "x"}]}, "invalid role: x"),
    ("/api/chat", {"model": "m", "messages": [{"role": 3}]}, "ChatRequest.messages.role of type string"),
    (
        "/api/chat",
        {
            "model": "m",
            "messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}],
        },
        "ChatRequest.messages.tool_calls.function.arguments of type map[string]interface {}",
    ),
    ("/api/chat", {"model": "m", "tools": {}}, "ChatRequest.tools of type []api.Tool"),
    (
        "/api/chat",
        {"model": "m", "stream": "yes"},
        "string into Go struct field ChatRequest.stream of type bool",
    ),
    ("/api/chat", {"model": "m", "format": "xml"}, "invalid format: 'xml'"),
    ("/api/chat", {"model": "m", "think": "hard"}, "invalid think value: 'hard'"),
    ("/api/generate", {"model": "m", "prompt": 7}, "GenerateRequest.prompt of type string"),
    ("/api/generate", {"model": "m", "context": ["x"]}, "GenerateRequest.context of type int"),
    ("/api/show", {"verbose": 1}, "ShowRequest.verbose of type bool"),
    ("/api/embed", {"model": "m", "input": 7}, "invalid input type"),
    ("/api/embeddings", {"model": "m", "prompt": 7}, "EmbedRequest.prompt of type string"),
]


@pytest.mark.parametrize(("path", "body", "message"), REFUSED)
def test_wrong_field_is_refused(path: str, body: Json, message: str) -> None:
    response = respond_once(RULE, raw_request(path, body))
    assert response.status == 400
    assert message in response.json["error"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_predict": "2"}, 'option "num_predict" must be of type integer'),
        ({"num_ctx": True}, 'option "num_ctx" must be of type integer'),
        ({"unknown": "x", "temperature": "x"}, 'option "temperature" must be of type float32'),
        ({"use_mmap": 1}, 'option "use_mmap" must be of type boolean'),
        ({"stop": "a"}, 'option "stop" must be of type array'),
        ({"stop": ["a", 7]}, 'option "stop" must be of an array of strings'),
    ],
)
@pytest.mark.parametrize("path", ["/api/chat", "/api/generate", "/api/embed"])
def test_option_of_a_wrong_type_is_refused(path: str, options: Json, message: str) -> None:
    response = respond_once(RULE, raw_request(path, {"model": "m", "options": options}))
    assert (response.status, response.json) == (400, {"error": message})


@pytest.mark.parametrize(("body", "message"), [("{", "invalid character"), (None, "missing request body")])
def test_unreadable_body_is_refused(body: str | None, message: str) -> None:
    response = respond_once(RULE, raw_request("/api/chat", body))
    assert (response.status, message in response.json["error"]) == (400, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": None, "format": "", "think": "high", "options": None, "keep_alive": 0},
        {"messages": [{"role": "user", "content": None, "images": None}], "format": WEATHER, "think": True},
        {"options": {"num_predict": 2.0, "temperature": 1, "seed": None, "use_mmap": False, "stop": ["a"]}},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "top_logprobs": 3, "unknown": 1},
    ],
)
def test_well_formed_request_is_accepted(fields: dict[str, Json]) -> None:
    assert respond_once(RULE, raw_request("/api/chat", {"model": "m", **fields})).status == 200


def test_requests_are_built() -> None:
    wanted = NeutralRequest(
        user="hi",
        system="s",
        stop=("x",),
        max_tokens=3,
        response_format=Format("json"),
        api_key="k",
        stream=True,
    )
    chat, generate = CHAT.build_request(wanted), GENERATE.build_request(wanted)
    options: Json = {"num_predict": 3, "stop": ["x"]}
    assert chat.body == {
        "model": "llama3.2",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}],
        "format": "json",
        "options": options,
        "stream": True,
    }
    assert chat.headers["authorization"] == "Bearer k"
    assert generate.body == {
        "model": "llama3.2",
        "prompt": "hi",
        "system": "s",
        "format": "json",
        "options": options,
        "stream": True,
    }
    plain = CHAT.build_request(NeutralRequest(response_format=Format("text"))).body
    assert (plain["stream"], "format" in plain) == (False, False)


def test_rule_specifies_vectors_and_extras() -> None:
    rule = "rules: [{match: {api: embeddings}, reply: {embedding: [0.6, 0.8], model: m2}}]"
    response = respond_once(rule, raw_request("/api/embed", {"model": "m", "input": ["a", "b"]})).json
    assert (response["embeddings"], response["model"]) == ([[0.6, 0.8]] * 2, "m2")
    assert respond_once(RULE, raw_request("/api/embeddings", {"model": "m"})).json == {"embedding": []}


def test_lists_name_models_of_rules_with_tags() -> None:
    rules = "rules: [{match: {model: [mine, 'other:7b']}, reply: x}]"
    tags = respond_once(rules, raw_request("/api/tags", method="GET")).json["models"]
    assert [entry["name"] for entry in tags[:3]] == ["mine:latest", "other:7b", "llama3.2:latest"]
    running = respond_once(rules, raw_request("/ollama/api/ps", method="GET")).json["models"]
    assert [(entry["model"], "modified_at" in entry) for entry in running] == [
        ("mine:latest", False),
        ("other:7b", False),
    ]
    assert respond_once(rules, raw_request("/api/version", method="GET")).json.keys() == {"version"}
    shown = respond_once(rules, raw_request("/api/show", {"model": "mine"})).json
    assert "tools" in shown["capabilities"]
    assert shown["modelfile"] == "FROM mine:latest\n"


def test_decoder_ignores_message_without_end() -> None:
    plan = Plan(ResponseHead(200, ()), (EventStep(b'{"message":{"content":"x"}}', 0, "body"),))
    assert CHAT.decode(plan) is None


def test_single_embedding_has_768_dimensions() -> None:
    response = respond_once(RULE, raw_request("/api/embeddings", {"model": "m", "prompt": "hi"}))
    assert len(response.json["embedding"]) == 768


def test_generate_response_is_decoded() -> None:
    lines = (b'{"response":"Forty ","done":false}', b'{"response":"two.","done":true,"done_reason":"stop"}')
    steps = tuple(EventStep(line, number, "chunk") for number, line in enumerate(lines, 1))
    decoded = GENERATE.decode(Plan(ResponseHead(200, ()), steps, Framing.NDJSON))
    assert decoded is not None
    assert (decoded.text, decoded.chunks, decoded.finish) == ("Forty two.", ("Forty ", "two."), "stop")


def test_lenient_lookup_of_models_needs_no_body() -> None:
    assert (
        respond_once(
            "validation: lenient\nrules: [{reply: x}]", raw_request("/api/tags", method="GET")
        ).status
        == 200
    )
