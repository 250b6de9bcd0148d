"""Responses over a WebSocket: the openai package's connection, and the messages that Codex sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import openai
import pytest
from openai.types.responses import ResponsesServerEvent
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from mockllm.testing import MockLLM
from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_required_fields_sdk import require
from tests.waiting import until

SCENARIO: Final = """
rules:
  - {name: call, match: {tools: look, tool_result: {exists: false}}, reply: {tool_calls: [{name: look}]}}
  - {name: seen, match: {tools: look}, reply: "I see {{ tool_result.text }}."}
  - {name: slow, match: {model: slow}, reply: one two three four, pace: {itl: 30s}}
  - {name: turns, match: {model: m}, reply: "Turn {{ turn }}."}
  - {name: closed, match: {api: handshake, headers: {x-closed: "1"}}, error: overloaded}
  - {name: broken, match: {model: broken*}, reply: one two three}
modifiers:
  - {name: coded, match: {model: broken-code}, faults: [{close: {after: {chunks: 2}, code: 1011, reason: tired}}]}
  - {name: cut, match: {model: broken-cut}, faults: [{reset: {after: {chunks: 2}}}]}
  - {name: bad, match: {model: broken-json}, faults: [{malformed: {at: {chunk: 2}}}, html_page]}
  - {name: failed, match: {model: broken-error}, faults: [{error_event: {after: {chunks: 1}, type: overloaded}}]}
  - {name: limited, match: {model: m, headers: {x-limit: "1"}}, limit: {strategy: always}}
"""
LOOK: Final[Any] = {"type": "function", "name": "look", "parameters": {}, "strict": False}


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("sockets") / "sockets.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


@pytest.fixture
def client(sockets: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{sockets.url}/v1", api_key="k", max_retries=0) as client:
        yield client


def last(socket: Any) -> Any:
    """The event that ends a response."""
    ends = ("response.completed", "response.incomplete", "response.failed", "error")
    for event in socket:
        require(ResponsesServerEvent, event.to_dict())
        if event.type in ends:
            return event
    raise AssertionError("the response does not end")


def test_turns_of_one_socket_continue_each_other(client: openai.OpenAI) -> None:
    with client.responses.connect() as socket:
        previous: Any = {}
        for turn in (1, 2, 3):
            socket.response.create(model="m", input="hi", store=False, **previous)
            end = last(socket)
            assert end.response.output_text == f"Turn {turn}."
            previous = {"previous_response_id": end.response.id}
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(end.response.id)


def test_unstored_response_is_unknown_on_another_socket(client: openai.OpenAI) -> None:
    with client.responses.connect() as socket:
        socket.response.create(model="m", input="hi", store=False)
        id = last(socket).response.id
    with client.responses.connect() as socket:
        socket.response.create(model="m", input="hi", previous_response_id=id)
        error = last(socket)
        assert (error.status, error.error.code) == (400, "previous_response_not_found")


def test_agent_loop_on_one_socket_ends_with_text(client: openai.OpenAI) -> None:
    with client.responses.connect() as socket:
        socket.response.create(model="m", input="look", tools=[LOOK])
        first = last(socket).response
        output: Any = {"type": "function_call_output", "call_id": first.output[0].call_id, "output": "a cat"}
        socket.response.create(model="m", input=[output], tools=[LOOK], previous_response_id=first.id)
        assert last(socket).response.output_text == "I see a cat."


def test_cancelled_response_frees_the_socket(sockets: Live, client: openai.OpenAI) -> None:
    earlier = len(sockets.lines)
    with client.responses.connect() as socket:
        socket.response.create(model="slow", input="hi")
        next(event for event in socket if event.type == "response.output_text.delta")
        socket.send({"type": "response.cancel"})  # type: ignore[arg-type]
        end = last(socket)
        assert (end.type, end.response.status) == ("response.incomplete", "cancelled")
        socket.response.create(model="m", input="hi")
        assert last(socket).response.output_text == "Turn 1."
    until(lambda: any(" slow " in line and "cancelled after" in line for line in sockets.lines[earlier:]))


def test_streams_of_one_socket_run_beside_each_other(client: openai.OpenAI) -> None:
    with client.responses.connect() as socket:
        socket.response.create(model="slow", input="hi", stream_id="a")
        socket.response.create(model="m", input="hi", stream_id="b")
        end = last(socket)
        assert (end.stream_id, end.response.output_text) == ("b", "Turn 1.")


def test_requests_of_one_stream_wait_for_each_other(client: openai.OpenAI) -> None:
    with client.responses.connect() as socket:
        for _ in range(3):
            socket.response.create(model="m", input="hi")
        numbers = [0]
        while len(numbers) < 4:
            event = last(socket)
            numbers.append(event.sequence_number)
        assert len(set(numbers[1:])) == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"input": 7}, 400),
        ({"input": "hi", "background": True}, 400),
        ({"model": "unknown", "input": "hi"}, 404),
    ],
)
def test_refused_request_is_an_error_with_its_status(client: openai.OpenAI, fields: Any, status: int) -> None:
    with client.responses.connect() as socket:
        socket.response.create(**{"model": "m", **fields})
        error = last(socket)
        assert (error.type, error.status) == ("error", status)
        if status == 404:
            assert "No rule matched this request." in error.error.message
        socket.response.create(model="m", input="hi")
        assert last(socket).response.status == "completed"


def test_limited_request_is_an_error_with_the_wait(client: openai.OpenAI) -> None:
    with client.responses.connect(extra_headers={"x-limit": "1"}) as socket:
        socket.response.create(model="m", input="hi")
        error: Any = last(socket).to_dict()
        assert (error["status"], error["error"]["code"]) == (429, "rate_limit_exceeded")
        assert error["headers"]["retry-after"] == "1"


def test_handshake_is_refused_by_a_rule_that_names_it(client: openai.OpenAI) -> None:
    with (
        pytest.raises(InvalidStatus) as raised,
        client.responses.connect(extra_headers={"x-closed": "1"}, max_retries=0),
    ):
        pass
    assert raised.value.response.status_code == 503


@pytest.mark.parametrize(("model", "code"), [("broken-code", 1011), ("broken-cut", None)])
def test_broken_socket_ends_with_its_code(client: openai.OpenAI, model: str, code: int | None) -> None:
    with client.responses.connect(max_retries=0) as socket:
        socket.response.create(model=model, input="hi")
        with pytest.raises(ConnectionClosedError) as raised:
            last(socket)
    received = raised.value.rcvd
    assert (None if received is None else (received.code, received.reason)) == (
        None if code is None else (code, "tired")
    )


def test_malformed_message_is_no_json(sockets: Live, client: openai.OpenAI) -> None:
    with client.responses.connect() as socket:
        socket.response.create(model="broken-json", input="hi")
        with pytest.raises(json.JSONDecodeError):
            last(socket)
    assert "html_page not applied: the response is messages" in sockets.line(
        lambda line: "broken-json" in line
    )


def test_error_in_a_stream_is_an_event(client: openai.OpenAI) -> None:
    with client.responses.connect() as socket:
        socket.response.create(model="broken-error", input="hi")
        assert last(socket).type == "error"
        assert last(socket).type == "response.failed"


# --- Codex (codex-rs/codex-api/src/endpoint/responses_websocket.rs) -------------------------------


def _events(socket: Any, **message: Any) -> list[Any]:
    socket.send(json.dumps(message))
    events = [json.loads(socket.recv())]
    while events[-1]["type"] not in ("response.completed", "error"):
        events.append(json.loads(socket.recv()))
    return events


def test_messages_of_codex_get_their_responses(sockets: Live) -> None:
    url = f"{sockets.url.replace('http', 'ws', 1)}/v1/responses"
    fields = {"type": "response.create", "model": "m", "instructions": "", "store": False, "stream": True}
    headers = {"authorization": "Bearer k", "OpenAI-Beta": "responses_websockets=2026-02-06"}
    with connect(url, additional_headers=headers) as socket:
        assert socket.response is not None
        assert socket.response.status_code == 101
        warm = _events(socket, **fields, input=[], generate=False)
        assert [event["type"] for event in warm] == [
            *("response.created", "response.in_progress", "response.completed")
        ]
        socket.send(json.dumps({"type": "response.processed", "response_id": warm[-1]["response"]["id"]}))
        user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
        previous = warm[-1]["response"]["id"]
        reported = _events(socket, **fields, input=[user], previous_response_id=previous)
        assert reported[-1]["response"]["output"][0]["content"][0]["text"] == "Turn 1."
        failed = _events(socket, **fields, input=[user], previous_response_id="resp_gone")
        assert (failed[-1]["status"], failed[-1]["error"]["code"]) == (400, "previous_response_not_found")


@pytest.mark.parametrize("message", ["no json", "[]", "{}", '{"type": "session.update"}', b"{}"])
def test_message_that_is_no_request_is_an_error(sockets: Live, message: Any) -> None:
    with connect(f"{sockets.url.replace('http', 'ws', 1)}/v1/responses") as socket:
        socket.send(message)
        error = json.loads(socket.recv())
        assert (error["type"], error["status"]) == ("error", 400)


def test_server_that_stops_closes_its_sockets(tmp_path: Any) -> None:
    (tmp_path / "a.yaml").write_text(SCENARIO)
    with serve(tmp_path) as server:
        socket = connect(f"{server.url.replace('http', 'ws', 1)}/v1/responses")
    with pytest.raises(Exception) as raised:
        socket.recv(timeout=60)
    assert not isinstance(raised.value, TimeoutError)


def test_verdicts_see_messages_of_a_socket() -> None:
    with MockLLM() as server:
        server.error({"type": "rate_limit", "retry_after": "20s"})
        with (
            openai.OpenAI(base_url=f"{server.base_url}/v1", api_key="k", max_retries=0) as client,
            client.responses.connect() as socket,
        ):
            for _ in range(2):
                socket.response.create(model="m", input="hi")
                assert last(socket).type == "error"
        assert server.verdicts.names == ["retry_after_ignored", "gave_up"]
