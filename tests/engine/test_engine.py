"""The engine: reading, refusing, its summary of the loaded files, and its bounds."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.matching.matchers import FieldTestResult
from mockllm.core.templates.template import TemplateFailure
from mockllm.engine import Engine, engine, planner, response_cache
from mockllm.engine.near_misses import mismatch_line, template_failure
from mockllm.engine.rule_header import header_text
from mockllm.scenario.diagnostics import StaleSource
from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    VirtualServer,
    chat_request,
    claude_request,
    models_request,
    raw_request,
    respond_all,
)

HELLO = """
rules:
  - {name: hello, match: {model: gpt-4o, path: /v1/chat/completions}, reply: Hello}
  - {match: {path: /mine}, http: {body: x}}
"""


def read(game: VirtualServer, requested: ClientRequest) -> Any:
    headers = {name.lower(): value for name, value in requested.headers.items()}
    return game.engine.read(
        requested.method,
        requested.path,
        requested.query,
        headers,
        requested.body,
        requested.client,
        requested.now,
    )


def test_a_request_is_read_in_its_protocol() -> None:
    game = VirtualServer(HELLO)
    assert [
        read(game, each).api
        for each in (chat_request(), claude_request(), models_request(), raw_request("/x"))
    ] == [
        "chat",
        "messages",
        "models",
        None,
    ]
    request = read(game, chat_request(session="s", client="::9", now=5.0))
    assert (request.session, request.client_address, request.now, request.provider) == (
        "s",
        "::9",
        5.0,
        "openai",
    )


def test_refuse_uses_the_dialect_and_counts_nothing() -> None:
    game = VirtualServer("rules: [{sequence: [a, b]}]\nmodifiers: [{delay: 1s}]")
    for requested, kind in (
        (chat_request(), "invalid_request_error"),
        (claude_request(), "request_too_large"),
    ):
        answer = game.engine.refuse(Failure("request_too_large", message="too much"), read(game, requested))
        assert (answer.plan.head.status, answer.responder_id, answer.error) == (
            413,
            None,
            "request_too_large",
        )
        assert ("x-mockllm-rule", "none") in answer.plan.head.headers
        assert answer.notes == ("too much",)
        assert answer.plan.delay == 0.0
        assert f'"{kind}"' in answer.plan.steps[0].payload.decode()  # type: ignore[union-attr]
    assert game.respond(chat_request()).text == "a"


def test_info_returns_what_is_loaded() -> None:
    game = VirtualServer(HELLO)
    about = game.engine.info()
    assert (about.rules, about.files, about.stale) == (2, 1, ())
    assert about.rule_paths == ("/v1/chat/completions", "/mine")
    assert {"/v1/chat/completions", "/v1/models/{model}"} <= set(dict(about.calls)["openai"])
    assert "/groq/openai/v1" in dict(about.calls)["vendors"]
    assert about.sources == (("s/a.yaml", 2),)
    assert ("OpenAI", "/v1") in about.bases
    stale = Engine(game.engine.catalog, game.engine.state, stale=[StaleSource("a.yaml", "why")]).info()
    assert stale == replace(about, stale=(StaleSource("a.yaml", "why"),))


def test_a_peek_equals_the_next_response() -> None:
    game = VirtualServer("rules: [{name: s, sequence: [a, b]}]")
    peeked = [ClientResponse(game.engine.preview(read(game, chat_request())).build()) for _ in range(2)]
    received = game.respond(chat_request())
    assert [(each.timed_bytes, each.headers) for each in peeked] == [
        (received.timed_bytes, received.headers)
    ] * 2


def test_previews_of_many_clients_end_no_sequence_of_another() -> None:
    game = VirtualServer("rules: [{per: header:x-user, sequence: [one, two]}]")

    def sent(user: str) -> ClientRequest:
        return chat_request(session="s", headers={"x-user": user})

    first = game.respond(sent("real")).text
    for number in range(1_001):
        game.engine.preview(read(game, sent(f"user {number}")))
    assert (first, game.respond(sent("real")).text) == ("one", "two")


@pytest.mark.parametrize(
    ("id", "text"),
    [
        ("a.yaml:hello there", "a.yaml:hello there"),
        ("ü.yaml:a:b/c", "%C3%BC.yaml:a:b/c"),
        ("é%", "%C3%A9%25"),
        ("a\x7f\tb", "a%7F%09b"),
    ],
)
def test_an_id_in_a_header_is_printable(id: str, text: str) -> None:
    assert header_text(id) == text


def test_mismatch_line_has_expected_and_found() -> None:
    assert mismatch_line(FieldTestResult("user", '"a"', '"b"', None, False)) == 'user expected "a", found "b"'
    assert (
        mismatch_line(FieldTestResult("user", '"a"', '"A"', "case", False))
        == 'user expected "a", found "A" (case)'
    )


def test_unfit_names_expression_place_and_reason() -> None:
    assert (
        template_failure(TemplateFailure("{{ x }}", "", "x is absent"), "openai").message
        == "{{ x }}: x is absent"
    )
    assert (
        template_failure(TemplateFailure("{{ x }}", "a.yaml:3", "x is absent"), "openai").message
        == "{{ x }} at a.yaml:3: x is absent"
    )
    by_query = template_failure(TemplateFailure("{{ query.x }}", "a.yaml:3", "not a number", "x"), "openai")
    assert (
        by_query.message == "The query parameter 'x' does not fit: not a number ({{ query.x }} at a.yaml:3)"
    )
    assert by_query.fields == {"param": "x"}


# --- bounds --------------------------------------------------------------------------------------

MANY = """
rules:
  - {match: {user: {contains: static}}, reply: {text: "a b c", model: m}}
  - {match: {user: {contains: drawn}}, reply: "{{ user }}", pace: {itl: [1ms, 2ms]}}
  - {match: {user: {contains: broken}}, reply: {chunks: [a, {error: overloaded}]}}
modifiers:
  - {match: {query: {a: {exists: true}}}, headers: {x-a: "1"}}
  - {match: {query: {b: {exists: true}}}, pace: {itl: 1ms}}
  - {match: {query: {c: {exists: true}}}, faults: [malformed]}
"""
REQUESTS = [
    build_request(user, stream=stream, query=query, max_tokens=limit, model=model)
    for build_request in (chat_request, claude_request)
    for user in ("static", "drawn", "broken")
    for stream in (True, False)
    for query in ("", "a=1", "a=1&b=1", "b=1&c=1")
    for limit in (1, 100)
    for model in ("one", "two")
]


def test_caches_change_no_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requested twice (the second time from the cache), and with next to nothing cached."""
    twice = [each.timed_bytes for each in respond_all(MANY, *REQUESTS, *REQUESTS)]
    monkeypatch.setattr(engine, "MAX_FAST_PATHS", 2)
    monkeypatch.setattr(planner, "MAX_CACHED_SETTINGS", 2)
    monkeypatch.setattr(response_cache, "MAX_CACHED_BYTES", 5000)
    monkeypatch.setattr(planner, "MAX_CACHED_REPLIES", 2)
    assert [each.timed_bytes for each in respond_all(MANY, *REQUESTS, *REQUESTS)] == twice


def test_a_cached_stream_has_the_requests_second() -> None:
    first, same, later = respond_all(
        "rules: [{reply: hi}]", *[chat_request(stream=True, now=now) for now in (1.1, 1.9, 2.0)]
    )
    created = [json.loads(each.events[0].data)["created"] for each in (first, same, later)]
    assert created == [1, 1, 2]


def test_a_cached_stream_counts_the_input() -> None:
    requested = [claude_request("word " * count, stream=True) for count in (1, 50, 1)]
    received = respond_all("rules: [{reply: hi}]", *requested, *requested)
    shown = [each.events[0].json["message"]["usage"]["input_tokens"] for each in received]
    assert shown[0] == shown[2] < shown[1]
    assert shown[3:] == shown[:3]


def test_slot_is_released_if_the_response_cannot_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = "modifiers: [{limit: {strategy: fixed-window, concurrent: 1}}]"
    engine = VirtualServer(f"rules: [{{reply: hi}}]\n{limit}").engine

    def respond() -> int:
        body = dumps({"model": "gpt-4o", "input": "hi"})
        return engine.respond(engine.read("POST", "/v1/responses", "", {}, body, "", 0.0)).status

    with monkeypatch.context() as context:
        context.setattr(Engine, "_store_and_finish", Mock(side_effect=RuntimeError))
        with pytest.raises(RuntimeError):
            respond()
    assert respond() == 200
