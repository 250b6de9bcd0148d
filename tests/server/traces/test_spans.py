"""The attributes of a span in each protocol: without OpenTelemetry, of real responses of a live server."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mockllm.server.traces.spans import MAX_INTEGER, Span
from mockllm.server.traces.spans import span as span_of
from tests.live import live
from tests.server.traces.traced_server import (
    BEDROCK,
    BEDROCK_MESSAGES,
    BEDROCK_STREAM,
    CHAT,
    COHERE,
    COMPLETIONS,
    GEMINI,
    GEMINI_CHAT,
    GEMINI_STREAM,
    MESSAGES,
    OLLAMA,
    RESPONSES,
    USER,
    TracedClient,
    spans_of,
)

HELLO = """
rules:
  - name: hello
    reply: {text: Hello you., usage: {input_tokens: 30, output_tokens: 7, cached_tokens: 20, reasoning_tokens: 2}}
"""
BOTH = {"gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 7}
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
PROTOCOLS: dict[str, tuple[tuple[str, Mapping[str, Any]], Mapping[str, Any], tuple[str, str, str, str]]] = {
    "chat": (CHAT, {}, ("chat gpt-4o", "openai", "chatcmpl-", "stop")),
    "chat, streamed": (CHAT, STREAMED, ("chat gpt-4o", "openai", "chatcmpl-", "stop")),
    "responses": (RESPONSES, {}, ("chat gpt-4o", "openai", "resp_", "stop")),
    "responses, streamed": (RESPONSES, {"stream": True}, ("chat gpt-4o", "openai", "resp_", "stop")),
    "completions": (
        COMPLETIONS,
        {},
        ("text_completion gpt-3.5-turbo-instruct", "openai", "cmpl-", "stop"),
    ),
    "messages": (MESSAGES, {}, ("chat claude-sonnet-4-5", "anthropic", "msg_", "end_turn")),
    "messages, streamed": (
        MESSAGES,
        {"stream": True},
        ("chat claude-sonnet-4-5", "anthropic", "msg_", "end_turn"),
    ),
    "gemini": (GEMINI, {}, ("generate_content gemini-2.5-flash", "gcp.gemini", "", "STOP")),
    "gemini, streamed": (
        GEMINI_STREAM,
        {},
        ("generate_content gemini-2.5-flash", "gcp.gemini", "", "STOP"),
    ),
}
WITHOUT_ID_OR_MODEL: dict[str, tuple[tuple[str, Mapping[str, Any]], Mapping[str, Any], str]] = {
    "cohere": (COHERE, {"k": 3, "p": 0.5}, "COMPLETE"),
    "cohere, streamed": (COHERE, {"k": 3, "p": 0.5, "stream": True}, "COMPLETE"),
    "ollama": (OLLAMA, {"options": {"top_k": 3, "top_p": 0.5}, "stream": False}, "stop"),
    "ollama, streamed": (OLLAMA, {"options": {"top_k": 3, "top_p": 0.5}}, "stop"),
    "bedrock's messages": (BEDROCK_MESSAGES, {"top_p": 0.5, "top_k": 3}, "end_turn"),
    "bedrock": (BEDROCK, {"inferenceConfig": {"topP": 0.5}}, "end_turn"),
    "bedrock, streamed": (BEDROCK_STREAM, {"inferenceConfig": {"topP": 0.5}}, "end_turn"),
}
"""Protocols whose responses lack an id or a model."""


@pytest.mark.parametrize(("call", "more", "says"), PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_span_has_request_and_response_attributes(
    tmp_path: Path, call: tuple[str, Mapping[str, Any]], more: Mapping[str, Any], says: tuple[str, ...]
) -> None:
    name, provider, prefix, finish = says
    (span,) = spans_of(tmp_path, HELLO, lambda server: server.ask(call, **more))
    stated = span.attributes
    assert span.name == name
    assert stated["gen_ai.operation.name"] == name.split()[0]
    assert stated["gen_ai.request.model"] == name.split()[1]
    assert stated["gen_ai.provider.name"] == provider
    assert str(stated["gen_ai.response.id"]).startswith(prefix)
    assert str(stated["gen_ai.response.model"]).startswith(name.split()[1])
    assert stated["gen_ai.response.finish_reasons"] == [finish]
    assert {key: stated[key] for key in BOTH} == BOTH
    streamed = bool(more.get("stream")) or call is GEMINI_STREAM
    assert stated.get("gen_ai.request.stream", False) is streamed
    assert ("gen_ai.response.time_to_first_chunk" in stated) is streamed
    assert (span.error, stated.get("error.type"), stated["http.response.status_code"]) == (None, None, 200)
    assert (stated["mockllm.rule"], stated["mockllm.request"]) == ("a.yaml:hello", 1)
    assert stated["mockllm.seed"] == "0"


@pytest.mark.parametrize(
    ("call", "more", "finish"), WITHOUT_ID_OR_MODEL.values(), ids=list(WITHOUT_ID_OR_MODEL)
)
def test_span_has_settings_and_finish_reason_of_protocol(
    tmp_path: Path, call: tuple[str, Mapping[str, Any]], more: Mapping[str, Any], finish: str
) -> None:
    (span,) = spans_of(tmp_path, HELLO, lambda server: server.ask(call, **more))
    stated = span.attributes
    assert stated["gen_ai.response.finish_reasons"] == [finish]
    assert stated["gen_ai.request.top_p"] == 0.5
    assert stated.get("gen_ai.request.top_k") == (None if "inferenceConfig" in more else 3)
    assert {key: stated[key] for key in BOTH} == BOTH


def test_span_counts_cached_and_reasoning_tokens(tmp_path: Path) -> None:
    """The input is all of it, in every protocol."""
    for span in spans_of(tmp_path, HELLO, CHAT, MESSAGES, GEMINI):
        assert span.attributes["gen_ai.usage.input_tokens"] == 30
        assert span.attributes["gen_ai.usage.cache_read.input_tokens"] == 20


def test_span_has_the_models_request_parameters(tmp_path: Path) -> None:
    wanted = {
        "temperature": 1, "top_p": 0.5, "seed": 7, "n": 2, "max_tokens": 50, "stop": ["a", "b"],
        "frequency_penalty": 0.25, "response_format": {"type": "json_object"},
        "messages": [{"role": "user", "content": "hi in JSON"}],
    }  # fmt: skip
    config = {"temperature": 0.5, "topK": 3, "maxOutputTokens": 9}
    chat, gemini = spans_of(
        tmp_path,
        HELLO,
        lambda server: server.ask(CHAT, **wanted),
        lambda server: server.ask(GEMINI, generationConfig=config),
    )
    stated = {name.removeprefix("gen_ai.request."): value for name, value in chat.attributes.items()}
    assert stated["temperature"] == 1.0
    assert isinstance(stated["temperature"], float)
    assert (stated["top_p"], stated["seed"], stated["choice.count"], stated["max_tokens"]) == (0.5, 7, 2, 50)
    assert (stated["stop_sequences"], stated["frequency_penalty"]) == (["a", "b"], 0.25)
    assert stated["gen_ai.output.type"] == "json"
    assert stated["gen_ai.response.finish_reasons"] == ["stop", "stop"]
    reported = gemini.attributes
    assert (reported["gen_ai.request.temperature"], reported["gen_ai.request.top_k"]) == (0.5, 3)
    assert reported["gen_ai.request.max_tokens"] == 9


def test_span_has_http_attributes(tmp_path: Path) -> None:
    def ask(server: TracedClient) -> None:
        server.ask(
            ("/v1beta/models/gemini-2.5-flash:generateContent?key=s3cret", GEMINI[1]), {"User-Agent": "me/1"}
        )

    (span,) = spans_of(tmp_path, HELLO, ask)
    stated = span.attributes
    assert stated["http.request.method"] == "POST"
    assert stated["http.route"] == "/v1beta/models/{model}:generateContent"
    assert stated["url.path"] == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert stated["url.query"] == "key=REDACTED"
    assert (stated["url.scheme"], stated["server.address"]) == ("http", "127.0.0.1")
    assert isinstance(stated["server.port"], int)
    assert (stated["client.address"], stated["user_agent.original"]) == ("127.0.0.1", "me/1")
    assert stated["network.protocol.version"] == "1.1"


def test_span_without_model_is_named_by_its_route(tmp_path: Path) -> None:
    listed, unknown, prefixed = spans_of(
        tmp_path,
        HELLO,
        lambda server: server.ask(("/v1/models", {}), method="GET"),
        ("/nothing/here", {}),
        ("/s/mine/v1/embeddings", {"model": "e", "input": "hi"}),
    )
    assert listed.name == "GET /v1/models"
    assert "gen_ai.operation.name" not in listed.attributes
    assert (unknown.name, unknown.attributes.get("http.route")) == ("POST", None)
    assert (unknown.attributes["mockllm.missed"], unknown.attributes["error.type"]) == (True, "404")
    assert unknown.error is None  # of a server's span, a client's mistake is none
    assert prefixed.name == "embeddings e"
    assert prefixed.attributes["mockllm.session"] == "mine"
    assert prefixed.attributes["http.route"] == "/s/{session}/v1/embeddings"
    assert "gen_ai.usage.output_tokens" not in prefixed.attributes


ERRORS = """
rules:
  - {name: limit, match: {model: limit}, error: rate_limit}
  - {name: down, match: {model: down}, error: overloaded}
"""


@pytest.mark.parametrize(
    ("call", "model", "code", "status", "error"),
    [
        (CHAT, "limit", "rate_limit_exceeded", 429, None),
        (MESSAGES, "limit", "rate_limit_error", 429, None),
        (GEMINI_CHAT, "limit", "RESOURCE_EXHAUSTED", 429, None),
        (CHAT, "down", "server_error", 503, "503"),
        (MESSAGES, "down", "overloaded_error", 529, "529"),
    ],
    ids=["OpenAI's 429", "Anthropic's 429", "Google's 429", "OpenAI's overload", "Anthropic's overload"],
)
def test_span_error_type_is_the_providers(
    tmp_path: Path, call: tuple[str, Any], model: str, code: str, status: int, error: str | None
) -> None:
    (span,) = spans_of(tmp_path, ERRORS, lambda server: server.ask(call, model=model))
    assert span.attributes["http.response.status_code"] == status
    assert span.attributes["error.type"] == code
    assert span.attributes["mockllm.error"] == {"limit": "rate_limit", "down": "overloaded"}[model]
    assert span.error == error
    assert "gen_ai.response.finish_reasons" not in span.attributes


def test_span_has_error_in_stream_in_form_of_provider(tmp_path: Path) -> None:
    rules = "rules: [{reply: {chunks: [One, {error: rate_limit}]}}]"
    (span,) = spans_of(tmp_path, rules, lambda server: server.ask(GEMINI_CHAT, stream=True))
    assert span.attributes["http.response.status_code"] == 200
    assert (span.error, span.attributes["error.type"]) == ("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED")


FAULTS = """
rules:
  - name: long
    reply: {chunks: [one, two, three, four]}
modifiers:
  - {name: reset, match: {model: reset}, faults: [{reset: {after: {chunks: 2}}}]}
  - {name: drip, match: {model: drip}, faults: [{duplicate: {}}]}
  - {name: event, match: {model: event}, faults: [{error_event: {after: {chunks: 2}}}]}
  - {name: pace, pace: {itl: 20ms}}
"""


def _faulty(tmp_path: Path, model: str) -> Span:
    (span,) = spans_of(tmp_path, FAULTS, lambda server: server.ask(CHAT, model=model, stream=True))
    return span


def test_fault_that_cuts_is_an_event_at_the_end(tmp_path: Path) -> None:
    span = _faulty(tmp_path, "reset")
    (event,) = span.events
    assert (event.name, event.attributes, event.at) == ("mockllm.fault", {"mockllm.fault": "reset"}, span.end)
    assert (span.error, span.attributes["error.type"], span.attributes["mockllm.left"]) == ("reset",) * 3
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]
    assert span.attributes["mockllm.faults"] == ["reset"]


def test_fault_that_does_not_cut_is_an_event_only(tmp_path: Path) -> None:
    span = _faulty(tmp_path, "drip")
    (event,) = span.events
    assert span.start <= event.at < span.end
    assert (span.error, "error.type" in span.attributes) == (None, False)
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_error_inside_a_stream_is_an_error(tmp_path: Path) -> None:
    span = _faulty(tmp_path, "event")
    assert [event.attributes["mockllm.fault"] for event in span.events] == ["error_event"]
    assert span.error is not None
    assert span.error == span.attributes["error.type"]
    assert span.attributes["http.response.status_code"] == 200


def test_span_times_equal_the_responses(tmp_path: Path) -> None:
    (span,) = spans_of(tmp_path, FAULTS, lambda server: server.ask(CHAT, stream=True))
    assert 0.06 <= (span.end - span.start) / 1e9 < 5
    first = span.attributes["gen_ai.response.time_to_first_chunk"]
    assert isinstance(first, float)
    assert 0 <= first < (span.end - span.start) / 1e9


def test_span_begins_before_its_response_is_held(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HELLO)
    with live(tmp_path) as server:
        TracedClient(server.port).ask(CHAT)
    (entry,) = server.app.journal
    free, held = span_of(entry, ahead=0.0), span_of(entry._replace(held_seconds=2.0), ahead=0.0)
    assert free.start - held.start == pytest.approx(2e9, abs=1e3)
    assert held.end == pytest.approx(free.end, abs=1e3)


def test_compressed_response_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HELLO)
    with live(tmp_path) as server:
        server.app.gzip = True
        TracedClient(server.port).ask(CHAT, {"accept-encoding": "gzip"}, stream=True)
        TracedClient(server.port).ask(CHAT, {"accept-encoding": "gzip"})
    for each in server.app.journal:
        assert span_of(each).attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_tls_request_has_scheme_https(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HELLO)
    with live(tmp_path) as server:
        TracedClient(server.port).ask(CHAT)
    (each,) = server.app.journal
    for secure, scheme in ((True, "https"), (frozenset({server.port}), "https"), (frozenset({1}), "http")):
        assert span_of(each, secure).attributes["url.scheme"] == scheme
    for port, secure, stated in (("", frozenset({443}), 443), ("", frozenset({1}), 80), (":abc", True, 443)):
        other = each._replace(headers=(("Host", f"mock{port}"),))
        assert span_of(other, secure).attributes["server.port"] == stated
        assert span_of(other, secure).attributes["server.address"] == ("mock:abc" if port else "mock")


AWKWARD: dict[str, tuple[str, Any]] = {
    "a lone surrogate": (CHAT[0], '{"model": "\\ud800", "messages": [{"role": "user", "content": "hi"}]}'),
    "a number beyond 64 bits": (CHAT[0], f'{{"model": "m", "seed": {2**63}, "messages": []}}'),
    "settings that are none": (CHAT[0], {"model": "m", "temperature": "warm", "top_p": True, "seed": None}),
    "a body that is no object": (CHAT[0], "[1]"),
    "a body that is no JSON": (CHAT[0], "{"),
    "a path of percent signs": ("/v1/models/%2F%2", {}),
    "a model in a path, encoded": ("/v1beta/models/a%20b:generateContent", GEMINI[1]),
    "a long model": (CHAT[0], {"model": "m" * 5000, "messages": USER}),
}


@pytest.mark.parametrize("call", AWKWARD.values(), ids=list(AWKWARD))
def test_any_request_has_a_valid_otlp_span(tmp_path: Path, call: tuple[str, Any]) -> None:
    path, body = call
    (tmp_path / "a.yaml").write_text(HELLO)
    with live(tmp_path) as server:
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(raw)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
            connection.sendall(head.encode() + raw)
            while connection.recv(65536):
                pass
    for each in server.app.journal:
        span = span_of(each)
        assert len(span.name) <= 200
        span.name.encode()
        for value in span.attributes.values():
            if isinstance(value, str):
                assert len(value.encode()) <= 4000
            elif isinstance(value, int):
                assert abs(value) <= MAX_INTEGER


def test_bytes_that_are_no_request_have_a_span(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HELLO)
    with live(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(b"no HTTP at all\r\n\r\n")
        while connection.recv(65536):
            pass
    (span,) = [span_of(each) for each in server.app.journal]
    assert (span.name, span.attributes["http.request.method"]) == ("HTTP", "_OTHER")
    assert "server.address" not in span.attributes


def test_text_like_a_key_is_in_no_span(tmp_path: Path) -> None:
    key = "sk-" + "aB3" * 8
    user = "http://bob:my-password@localhost/v1/models?page=2"
    (model, path, absolute) = spans_of(
        tmp_path,
        HELLO,
        lambda requested: requested.ask((f"/v1/chat/completions?note={key}", CHAT[1]), model=key),
        lambda requested: requested.ask((f"/v1/{key}", {}), method="GET"),
        lambda requested: requested.ask((user, {}), method="GET"),
    )
    assert model.name == "chat REDACTED"
    assert path.attributes["url.path"] == "/v1/REDACTED"
    assert absolute.attributes["url.path"] == "http://REDACTED@localhost/v1/models"
    assert "aB3aB3" not in str((model, path, absolute))
    assert "my-password" not in str(absolute)
