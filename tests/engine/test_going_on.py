"""Requests that continue earlier responses: what the engine stores, for which sessions, and what it omits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import ClientRequest, ClientResponse, VirtualServer, raw_request

WEATHER = """
rules:
  - match: {tool_result: {name: get_weather}}
    reply: "{{ tool_result.json.degrees }} degrees, turn {{ turn }}, {{ user }}"
  - match: {user: weather}
    reply: {tool_calls: [{name: get_weather, arguments: {city: Paris}}]}
  - match: {model: broken}
    reply: one two three
    faults: [{malformed: {at: {chunk: 2}}}]
  - reply: hello
"""


def responses(input: Any, session: str | None = None, **fields: Any) -> ClientRequest:
    headers = {} if session is None else {"x-mockllm-session": session}
    return raw_request("/v1/responses", {"model": "m", "input": input, **fields}, headers=headers)


def got(game: VirtualServer, id: str, session: str | None = None, method: str = "GET") -> ClientResponse:
    headers = {} if session is None else {"x-mockllm-session": session}
    return game.respond(raw_request(f"/v1/responses/{id}", method=method, headers=headers))


def reported(received: ClientResponse) -> Any:
    """The response, whole or streamed."""
    return received.events[-1].json["response"] if received.streamed else received.json


def output(response: Any) -> list[Any]:
    """The weather, as the output of the response's call."""
    call = response["output"][0]["call_id"]
    return [{"type": "function_call_output", "call_id": call, "output": '{"degrees": 21}'}]


@pytest.mark.parametrize("stream", [False, True])
def test_a_result_with_only_an_id_matches_its_tools_name(stream: bool) -> None:
    game = VirtualServer(WEATHER)
    for _ in range(3):  # the first is planned, the third is filled from the cache
        first = reported(game.respond(responses("weather", stream=stream)))
        last = game.respond(responses(output(first), previous_response_id=first["id"]))
        assert last.json["output"][0]["content"][0]["text"] == "21 degrees, turn 2, weather"


def test_sessions_do_not_share_stored_responses() -> None:
    game = VirtualServer(WEATHER)
    (id,) = {reported(game.respond(responses("hi", session=session)))["id"] for session in ("a", "b")}
    assert [got(game, id, session=session).status for session in ("a", "b", "c")] == [200, 200, 404]


def test_a_peek_stores_nothing() -> None:
    game = VirtualServer(WEATHER)
    requested = responses("hi")
    request = game.engine.read(requested.method, requested.path, "", {}, requested.body, "", 0.0)
    assert got(game, reported(ClientResponse(game.engine.preview(request).build()))["id"]).status == 404


CUTS = {
    "malformed": "malformed: {at: {chunk: 2}}",
    "close": "close: {after: {chunks: 1}}",
    "reset": "reset: {after: {chunks: 1}}",
}


@pytest.mark.parametrize("fault", CUTS)
def test_a_stream_that_a_fault_cuts_is_not_stored(fault: str) -> None:
    game = VirtualServer(WEATHER.replace(CUTS["malformed"], CUTS[fault]))
    broken = game.respond(responses("hi", model="broken", stream=True))
    assert broken.planned.faults == (fault,)
    assert got(game, broken.events[0].json["response"]["id"]).status == 404


@pytest.mark.parametrize("fault", CUTS)
def test_a_background_stream_that_is_cut_is_stored(fault: str) -> None:
    game = VirtualServer(WEATHER.replace(CUTS["malformed"], CUTS[fault]))
    broken = game.respond(responses("hi", model="broken", stream=True, background=True))
    assert got(game, broken.events[0].json["response"]["id"]).status == 200


def test_a_deleted_response_cannot_be_continued() -> None:
    game = VirtualServer(WEATHER)
    id = reported(game.respond(responses("hi")))["id"]
    assert got(game, id, method="DELETE").json["deleted"] is True
    assert game.respond(responses("hi", previous_response_id=id)).status == 400


def test_another_method_is_a_405_and_no_response() -> None:
    assert VirtualServer(WEATHER).respond(raw_request("/v1/responses", method="GET")).status == 405


def test_a_rule_may_replace_a_stored_response() -> None:
    game = VirtualServer("rules: [{match: {api: stored_responses}, error: overloaded}, {reply: hi}]")
    id = reported(game.respond(responses("hi")))["id"]
    assert got(game, id).status == 503


def completions(path: str = "", session: str | None = None, method: str = "GET") -> ClientRequest:
    headers = {} if session is None else {"x-mockllm-session": session}
    return raw_request(f"/v1/chat/completions{path}", method=method, headers=headers)


@pytest.mark.parametrize("stream", [False, True])
def test_a_stored_completion_belongs_to_its_session(stream: bool) -> None:
    game = VirtualServer("rules: [{reply: hi}]")
    body = {"model": "m", "messages": [], "store": True, "stream": stream}
    mine = {"x-mockllm-session": "mine"}
    for _ in range(3):  # the first is planned, the third is filled from the cache
        game.respond(
            raw_request(
                "/v1/chat/completions", {**body, "messages": [{"role": "user", "content": "x"}]}, headers=mine
            )
        )
    listed = game.respond(completions(session="mine")).json["data"]
    assert len({each["id"] for each in listed}) == 3
    assert {each["choices"][0]["message"]["content"] for each in listed} == {"hi"}
    path = f"/{listed[0]['id']}"
    assert game.respond(completions(path, "mine")).json == listed[0]
    assert game.respond(completions(path)).status == 404
    assert game.respond(completions(path, "mine", "DELETE")).json["deleted"] is True
    assert len(game.respond(completions(session="mine")).json["data"]) == 2
