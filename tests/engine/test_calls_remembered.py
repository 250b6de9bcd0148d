"""A tool result that carries only an id, where the history does not hold its call: the server remembers what it
called, for every dialect whose results name nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.language.virtual_server import ClientRequest, ClientResponse, VirtualServer, raw_request

RULES = """
validation: lenient
rules:
  - match: {tool_result: {name: get_*}}
    reply: "{{ tool_result.name }}: {{ tool_result.text }}"
  - match: {user: both}
    reply: {tool_calls: [{name: get_weather, arguments: {}}, {name: get_time, id: mine, arguments: {}}]}
  - match: {user: drawn}
    reply: {tool_calls: [{name: get_weather, arguments: {city: "{{ model }}"}}]}
  - match: {user: two}
    reply: {choices: [hello, {tool_calls: [{name: get_weather, arguments: {}}]}]}
  - match: {user: cut}
    reply: {tool_calls: [{name: get_weather, arguments: {}}]}
    faults: [{truncate: {after: {bytes: 3}}}]
  - reply: nothing was called
"""
CHATS = (
    "/v1/chat/completions",
    "/openai/deployments/gpt-4o/chat/completions",
    "/mistral/v1/chat/completions",
)
CLAUDES = (
    "/v1/messages",
    "/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5:rawPredict",
)


def requested(
    path: str, messages: list[Any], stream: bool = False, headers: Mapping[str, str] = {}
) -> ClientRequest:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages, "stream": stream}
    return raw_request(path, body, headers=headers)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def result(path: str, id: str, session: str | None = None) -> ClientRequest:
    """The result of a call, alone."""
    headers = {} if session is None else {"x-mockllm-session": session}
    if path in CHATS:
        return requested(path, [{"role": "tool", "tool_call_id": id, "content": "sunny"}], headers=headers)
    block = {"type": "tool_result", "tool_use_id": id, "content": "sunny"}
    return requested(path, [{"role": "user", "content": [block]}], headers=headers)


def ids(received: ClientResponse) -> list[str]:
    """The ids of a response's calls."""
    bodies = (
        [event.json for event in received.events if event.data[0] == "{"]
        if received.streamed
        else [received.json]
    )
    found = []
    for body in bodies:
        for choice in body.get("choices", ()):
            reported = choice.get("delta", choice.get("message"))
            found += [call["id"] for call in reported.get("tool_calls") or () if call.get("id")]
        blocks = [*body.get("content", ()), body.get("content_block", {})]
        found += [block["id"] for block in blocks if block.get("type") == "tool_use"]
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", [*CHATS, *CLAUDES])
def test_a_result_with_only_an_id_matches_its_tools_name(path: str, stream: bool) -> None:
    game = VirtualServer(RULES)
    for _ in range(4):  # the first are planned, all others are filled from the cache
        weather, time = ids(game.respond(requested(path, [user("both")], stream)))
        assert game.respond(result(path, weather)).text == "get_weather: sunny"
        assert (time, game.respond(result(path, time)).text) == ("mine", "get_time: sunny")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", [*CHATS, *CLAUDES])
def test_calls_of_limited_cached_responses_are_stored(path: str, stream: bool) -> None:
    limit = "modifiers:\n  - limit: {strategy: token-bucket, requests: 1000, window: 1s}\n"
    game = VirtualServer(RULES + limit)
    for _ in range(4):
        weather, _ = ids(game.respond(requested(path, [user("both")], stream)))
        assert game.respond(result(path, weather)).text == "get_weather: sunny"


@pytest.mark.parametrize("path", [CHATS[0], CLAUDES[0]])
def test_calls_of_uncached_responses_are_stored(path: str) -> None:
    game = VirtualServer(RULES)
    for _ in range(3):
        (id,) = ids(game.respond(requested(path, [user("drawn")])))
        assert game.respond(result(path, id)).text == "get_weather: sunny"


def test_calls_of_every_choice_are_stored() -> None:
    game = VirtualServer(RULES)
    (id,) = ids(game.respond(requested(CHATS[0], [user("two")])))
    assert game.respond(result(CHATS[0], id)).text == "get_weather: sunny"


def test_calls_are_stored_by_session() -> None:
    game = VirtualServer(RULES)
    (id, _) = ids(game.respond(requested(CHATS[0], [user("both")], headers={"x-mockllm-session": "a"})))
    assert game.respond(result(CHATS[0], id, "a")).text == "get_weather: sunny"
    for other in ("b", None):
        assert game.respond(result(CHATS[0], id, other)).text == "nothing was called"


def test_the_history_is_stronger_than_stored_calls() -> None:
    game = VirtualServer(RULES)
    game.respond(requested(CHATS[0], [user("both")]))
    call = {"id": "mine", "type": "function", "function": {"name": "get_up", "arguments": "{}"}}
    history = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    stated = {"role": "tool", "tool_call_id": "mine", "content": "ok"}
    assert game.respond(requested(CHATS[0], [user("hi"), *history, stated])).text == "get_up: ok"


def test_a_result_of_an_unknown_call_has_no_name() -> None:
    game = VirtualServer(RULES)
    assert game.respond(result(CHATS[0], "never")).text == "nothing was called"
    for path, message in (
        (CHATS[0], {"role": "tool", "content": "ok"}),
        (CLAUDES[0], {"role": "user", "content": [{"type": "tool_result", "content": "ok"}]}),
    ):
        assert game.respond(requested(path, [message])).text == "nothing was called"


def test_an_undecodable_response_stores_no_calls() -> None:
    engine, cut = VirtualServer(RULES).engine, requested(CHATS[0], [user("cut")])
    answer = engine.respond(engine.read("POST", cut.path, "", {}, cut.body, "", 0.0))
    assert (answer.faults, answer.tools_by_call_id) == (("truncate",), {})


def test_a_response_without_calls_stores_nothing() -> None:
    game = VirtualServer(RULES)
    for _ in range(3):
        assert game.respond(requested(CHATS[0], [user("hi")])).planned.tool_calls == ()
