"""A response that waits for its client: an MCP server sends questions on the stream of a call."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from mockllm.engine import Engine
from mockllm.server import suspended_responses
from mockllm.server.journal.reconstruction import reconstruct
from mockllm.server.suspended_responses import add_client_response
from tests.live import Live
from tests.live import live as serve
from tests.server.webhook_endpoint import Hook, webhook_endpoint
from tests.waiting import PATIENCE, until

SCENARIO = """
mcp:
  - {name: desk, sessions: false, tools: [book]}
rules:
  - name: booked
    match: {mcp: {tool: book, responses: {$.seat.action: accept}}}
    reply: {text: "Seat {{ mcp.responses.seat.content.n }}.", mcp: {events: [{log: done}]}}
  - name: again
    match: {mcp: {tool: book, responses: {$.who: {exists: true}}}}
    reply: {mcp: {ask: {seat: {method: elicitation/create, params: {message: Which seat}}}}}
  - name: ask
    match: {mcp: {tool: book}}
    reply: {mcp: {ask: {who: {method: elicitation/create}, roots: {method: roots/list}}}}
  - {match: {mcp: {}, headers: {x-fail: {exists: true}}}, error: unavailable}
"""
HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("s")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as built:
        yield built


@contextmanager
def post(server: Live, message: dict[str, Any], **headers: str) -> Iterator[HTTPResponse]:
    body = json.dumps({"jsonrpc": "2.0", **message})
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
        connection.request("POST", "/mcp/desk", body, {**HEADERS, **headers})
        with connection.getresponse() as response:
            yield response


def book(server: Live, **headers: str) -> AbstractContextManager[HTTPResponse]:
    return post(server, {"id": 1, "method": "tools/call", "params": {"name": "book"}}, **headers)


def event(stream: HTTPResponse) -> Any:
    """Return the next message of a stream."""
    while line := stream.readline():
        if line.startswith(b"data: "):
            return json.loads(line[6:])
    return None


def respond(server: Live, question: Any, result: Any) -> int:
    with post(server, {"id": question["id"], **result}) as accepted:
        return accepted.status


def test_call_continues_after_all_responses(alone: Live) -> None:
    server = alone
    with book(server, **{"accept-encoding": "gzip"}) as stream:
        who, roots = event(stream), event(stream)
        assert (who["method"], roots["method"]) == ("elicitation/create", "roots/list")
        assert respond(server, who, {"result": {"action": "accept"}}) == 202
        assert respond(server, {"id": who["id"].replace("/who", "/nobody")}, {"result": {}}) == 202
        assert respond(server, roots, {"error": {"code": -32601, "message": "none"}}) == 202
        seat = event(stream)
        assert seat["params"] == {"message": "Which seat"}
        assert respond(server, seat, {"result": {"action": "accept", "content": {"n": 7}}}) == 202
        assert event(stream)["method"] == "notifications/message"
        assert event(stream)["result"]["content"] == [{"type": "text", "text": "Seat 7."}]
        assert event(stream) is None
    assert "booked" in server.line(lambda line: "booked" in line)
    assert not server.app.suspended_exchanges
    entry = next(entry for entry in reversed(server.app.journal) if entry.responder_id == "a.yaml:booked")
    assert entry.seed.startswith("0@"), "the seed of the response that the named rule made"
    questions, further, rest = (part.after for part in reconstruct(entry).parts[-3:])
    assert questions < further < rest, "the parts have the times at which they were sent"


@pytest.mark.parametrize("ending", ["reply: Done.", "error: rate_limit"])
def test_last_event_after_a_response_has_an_id(tmp_path: Path, ending: str) -> None:
    rules = f"""
mcp: [{{name: desk, sessions: false, tools: [book]}}]
rules:
  - {{match: {{mcp: {{tool: book, responses: {{$.who: {{exists: true}}}}}}}}, {ending}}}
  - {{match: {{mcp: {{tool: book}}}}, reply: {{mcp: {{ask: {{who: {{method: elicitation/create}}}}}}}}}}
"""
    (tmp_path / "a.yaml").write_text(rules, encoding="utf-8")
    with serve(tmp_path) as server, book(server) as stream:
        first = stream.readline(), stream.readline()
        assert respond(server, event(stream), {"result": {"action": "accept"}}) == 202
        assert [stream.readline(), stream.readline()] == [b"\n", b"event: message\n"]
        assert stream.readline() == first[1].replace(b"_0", b"_1")
        assert event(stream)["id"] == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"origin": "http://a.example"}, 403), ({"accept": "text/html"}, 406), ({"x-fail": "1"}, 503)],
)
def test_refused_response_of_the_client_does_not_count(
    alone: Live, headers: dict[str, str], status: int
) -> None:
    with book(alone) as stream:
        who = event(stream)
        with post(alone, {"id": who["id"], "result": {"action": "decline"}}, **headers) as refused:
            assert refused.status == status
        (waiting,) = alone.app.suspended_exchanges.values()
        assert not waiting.responses


def test_response_after_wait_has_ended_is_not_streamed(alone: Live) -> None:
    app = alone.app
    with book(alone) as stream:
        questions = [event(stream), event(stream)]
        (waiting,) = app.suspended_exchanges.values()
        exchange = waiting.exchange
        assert exchange is not None
        later_writes: list[float] = []

        def end_and_respond() -> None:
            player = exchange.player
            assert player is not None
            player._framed_steps = iter(())  # as if the longest wait had passed
            player.write_due(app.deadlines.time())
            count = len(player.write_times)
            for question in questions:
                body = json.dumps({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}})
                engine = app.engine
                assert isinstance(engine, Engine)
                add_client_response(
                    app, engine.read("POST", "/mcp/desk", "", HEADERS, body.encode(), "", time.time())
                )
            later_writes.extend(player.write_times[count:])

        exchange.socket_sink.connection._loop.call_soon_threadsafe(end_and_respond)
        assert event(stream) is None
    assert not app.suspended_exchanges
    assert later_writes == []


def test_rule_that_continues_sends_its_webhook(tmp_path: Path) -> None:
    with webhook_endpoint() as url:
        continued = SCENARIO.replace("- name: booked", f"- name: booked\n    then_post: {{to: '{url}'}}")
        (tmp_path / "a.yaml").write_text(continued, encoding="utf-8")
        with serve(tmp_path) as server, book(server) as stream:
            who, roots = event(stream), event(stream)
            assert respond(server, who, {"result": {"action": "accept"}}) == 202
            assert respond(server, roots, {"result": {"roots": []}}) == 202
            assert (
                respond(server, event(stream), {"result": {"action": "accept", "content": {"n": 7}}}) == 202
            )
            assert event(stream)["method"] == "notifications/message"
            until(lambda: Hook.received)
    assert len(Hook.received) == 1


def test_response_to_no_question_is_accepted(server: Live) -> None:
    with book(server) as stream:
        event(stream)
        assert respond(server, {"id": "other/who"}, {"result": {}}) == 202
        assert respond(server, {"id": 5}, {"result": {}}) == 202
        assert server.app.suspended_exchanges


@contextmanager
def resume(server: Live, last: str) -> Iterator[HTTPResponse]:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
        connection.request("GET", "/mcp/desk", headers={"accept": "text/event-stream", "last-event-id": last})
        with connection.getresponse() as response:
            yield response


def id_of_first(server: Live, **headers: str) -> str:
    """Begin a call, and leave after its first event. Return the event's id."""
    with book(server, **headers) as stream:
        lines = [stream.readline().decode().strip() for _ in range(4)]
    return next(line for line in lines if line.startswith("id: ")).removeprefix("id: ")


def is_detached(server: Live) -> bool:
    return [waiting.exchange for waiting in server.app.suspended_exchanges.values()] == [None]


@pytest.fixture
def alone(server: Live) -> Live:
    """The server without the calls of other tests."""
    until(lambda: all(waiting.exchange is None for waiting in server.app.suspended_exchanges.values()))
    server.app.suspended_exchanges.clear()
    return server


def test_client_that_left_gets_the_rest_before_it_responds(alone: Live) -> None:
    last = id_of_first(alone)
    until(lambda: is_detached(alone))
    with resume(alone, f"{last.rpartition('_')[0]}_0") as stream:
        roots = event(stream)
        assert roots["method"] == "roots/list"
        who = {"id": roots["id"].replace("/roots", "/who")}
        assert respond(alone, roots, {"result": {"roots": []}}) == 202
        assert respond(alone, who, {"result": {"action": "accept"}}) == 202
        seat = event(stream)
        assert respond(alone, seat, {"result": {"action": "accept", "content": {"n": 3}}}) == 202
        assert event(stream)["method"] == "notifications/message"
        assert event(stream)["result"]["content"] == [{"type": "text", "text": "Seat 3."}]
        assert event(stream) is None
    until(lambda: not alone.app.suspended_exchanges)


def test_client_responds_without_a_connection(alone: Live) -> None:
    last = id_of_first(alone)
    until(lambda: is_detached(alone))
    (key,) = alone.app.suspended_exchanges
    for name in ("who", "roots"):
        assert respond(alone, {"id": f"{key}/{name}"}, {"result": {"action": "accept"}}) == 202
    assert is_detached(alone)
    (key,) = alone.app.suspended_exchanges
    result = {"action": "accept", "content": {"n": 5}}
    assert respond(alone, {"id": f"{key}/seat"}, {"result": result}) == 202
    assert not alone.app.suspended_exchanges
    with resume(alone, last) as stream:
        events = [event(stream) for _ in range(5)]
    assert [each.get("method") for each in events[:3]] == [
        "roots/list",
        "elicitation/create",
        "notifications/message",
    ]
    assert events[3]["result"]["content"] == [{"type": "text", "text": "Seat 5."}]
    assert events[4] is None


def test_client_that_cannot_resume_is_forgotten(alone: Live) -> None:
    id_of_first(alone)
    until(lambda: is_detached(alone))
    (waiting,) = alone.app.suspended_exchanges.values()
    waiting.resumable_until = 0.0
    id_of_first(alone)
    until(lambda: is_detached(alone))
    assert waiting not in alone.app.suspended_exchanges.values()


def test_oldest_of_many_that_left_is_forgotten(alone: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspended_responses, "MAX_DETACHED", 1)
    id_of_first(alone)
    until(lambda: is_detached(alone))
    (oldest,) = alone.app.suspended_exchanges
    id_of_first(alone)
    until(lambda: is_detached(alone) and oldest not in alone.app.suspended_exchanges)


def test_rest_of_a_forgotten_wait_is_sent(alone: Live) -> None:
    last = id_of_first(alone)
    until(lambda: is_detached(alone))
    alone.app.suspended_exchanges.clear()
    with resume(alone, last) as stream:
        assert event(stream)["method"] == "roots/list"
        assert not alone.app.suspended_exchanges
