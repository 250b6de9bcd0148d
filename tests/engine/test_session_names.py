"""Which session a request is of: its header, the prefix of its path, and what is wrong with either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    VirtualServer,
    cases,
    chat_request,
    claude_request,
    raw_request,
    respond_all,
)

STEPS = """
rules:
  - {match: {session: {starts_with: named-}}, reply: "{{ session }} at {{ path }}"}
  - {match: {path: /v1/chat/completions}, per: api_key, sequence: [one, two, three]}
  - {match: {path: /mine}, http: {body: "at {{ path }}"}}
  - sequence: [uno, due, tre]
"""


def inside(id: str, requested: ClientRequest) -> ClientRequest:
    """The same request at the session's own base URL."""
    return replace(requested, path=f"/s/{id}{requested.path}")


def named(id: str, requested: ClientRequest) -> ClientRequest:
    """The same request with the session's header."""
    return replace(requested, headers={**requested.headers, "x-mockllm-session": id})


def test_header_and_path_sessions_count_separately() -> None:
    a, b = named("a", chat_request()), inside("b", chat_request())
    game = VirtualServer(STEPS)
    assert [
        game.respond(each).text
        for each in (a, b, chat_request(), inside("a", chat_request()), named("b", chat_request()), a)
    ] == ["one", "one", "one", "two", "two", "three"]


PATHS = [
    "/v1/chat/completions",
    "/openai/v1/chat/completions",
    "/chat/completions",
    "/v1/responses",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/messages",
    "/anthropic/v1/messages",
    "/v1beta/models/gemini-2.5-flash:generateContent",
    "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent",
    "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent",
    "/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5:rawPredict",
    "/openai/deployments/gpt-4o/chat/completions",
    "/groq/openai/v1/chat/completions",
    "/mistral/v1/chat/completions",
    "/ollama/v1/chat/completions",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_dialect_works_at_a_sessions_base_url(path: str) -> None:
    engine = VirtualServer(STEPS).engine
    without, with_ = (engine.read("POST", each, "", {}, b"{}", "", 0.0) for each in (path, f"/s/x{path}"))
    assert (with_.session, without.session) == ("x", None)
    assert type(with_) is type(without)
    assert (with_.path, with_.provider, with_.api) == (without.path, without.provider, without.api)
    assert with_.provider is not None


def test_rules_see_the_path_without_the_session_prefix() -> None:
    assert respond_all(STEPS, inside("named-1", claude_request()))[0].text == "named-1 at /v1/messages"
    assert respond_all(STEPS, inside("b", raw_request("/mine")))[0].bytes == b"at /mine"


def test_an_id_in_a_path_may_be_percent_encoded() -> None:
    game = VirtualServer(STEPS)
    assert game.respond(named("a[1]:b", chat_request())).text == "one"
    assert game.respond(inside("a%5B1%5D%3Ab", chat_request())).text == "two"


def test_header_and_path_may_name_the_same_session() -> None:
    assert respond_all(STEPS, named("a", inside("a", chat_request())))[0].text == "one"


TOO_LONG = "129 characters, and 128 at most are allowed"
LETTERS = "letters, digits and . _ ~ : @ [ ] - are allowed"


@cases(
    "requested, stated",
    [
        ("two that differ", named("b", inside("a", chat_request())),
         'the path says "a", and x-mockllm-session says "b"; give one of them'),
        ("an empty header", named("", chat_request()), "x-mockllm-session is empty"),
        ("an empty prefix", raw_request("/s//v1/chat/completions", {}), "the path's /s/ID is empty"),
        ("a long header", named("x" * 129, chat_request()), f"x-mockllm-session has {TOO_LONG}"),
        ("a long prefix", inside("x" * 129, chat_request()), f"the path's /s/ID has {TOO_LONG}"),
        ("a space", named("a b", chat_request()), f'x-mockllm-session is "a b"; {LETTERS}'),
        ("a slash", inside("a%2Fb", chat_request()), f'the path\'s /s/ID is "a/b"; {LETTERS}'),
        ("a letter of another script", named("ä", chat_request()), f'x-mockllm-session is "ä"; {LETTERS}'),
        ("a line's end", inside("a%0A", chat_request()), f'the path\'s /s/ID is "a\\n"; {LETTERS}'),
    ],
)  # fmt: skip
def test_an_invalid_session_id_is_refused(requested: ClientRequest, stated: str) -> None:
    game = VirtualServer(STEPS)
    received = game.respond(requested)
    assert received.status == 400
    assert received.message == f"mockllm knows no such session: {stated}."
    assert game.respond(chat_request()).text == "one", "nothing was counted"
    assert len(game.engine.state) == 0


def test_the_refusal_is_in_the_providers_own_form() -> None:
    received = respond_all(STEPS, named("", claude_request()))[0]
    assert (received.status, received.json["type"], received.json["error"]["type"]) == (
        400,
        "error",
        "invalid_request_error",
    )


def test_a_path_without_an_id_is_an_ordinary_path() -> None:
    for path in ("/s", "/sv1/chat/completions", "/v1/s/x"):
        assert respond_all(STEPS, raw_request(path, {}))[0].status == 404


def whole(received: ClientResponse) -> Any:
    return received.status, received.headers, received.timed_bytes, received.delay


RANDOM = """
rules:
  - {match: {user: made}, reply: {text: {sentences: [1, 9]}}, pace: {itl: [1ms, 9ms]}}
  - {match: {user: gamble}, chance: 50%, reply: won}
  - {reply: "hello {{ model }}"}
"""


def test_sessions_have_equal_runs() -> None:
    game = VirtualServer(RANDOM)
    runs: dict[str, list[Any]] = {"a": [], "b": []}
    for number in range(20):
        for id, run in runs.items():
            for user in ("made", "gamble", "hi"):
                run.append(whole(game.respond(named(id, chat_request(user, stream=bool(number % 2))))))
    assert runs["a"] == runs["b"]
    assert len({str(each) for each in runs["a"]}) == 60


def test_a_sessions_seed_applies_to_all_its_requests() -> None:
    game = VirtualServer(RANDOM)
    game.engine.state.use_session("a", 0.0).seed = 9
    other = VirtualServer(RANDOM, seed=9)
    for user in ("made", "gamble", "hi", "hi", "hi"):
        assert whole(game.respond(named("a", chat_request(user, now=1.0)))) == whole(
            other.respond(chat_request(user, now=1.0))
        )
    own = {"x-mockllm-seed": "4"}
    assert game.respond(named("a", chat_request(headers=own, now=1.0))).planned.seed_token == "4@5,r0:3:3"
    assert (
        game.respond(named("a", chat_request(headers={"x-mockllm-rule": "x"}, now=1.0))).planned.seed_token
        == "9@6,r0:4:4"
    )


def test_a_bad_id_is_reported_before_other_headers() -> None:
    requested = named("a b", replace(chat_request(), headers={"x-mockllm-delay": "1s"}))
    refused = respond_all(STEPS, requested, allow_overrides=True)[0]
    assert refused.status == 400
    assert b"mockllm knows no such session" in refused.bytes
