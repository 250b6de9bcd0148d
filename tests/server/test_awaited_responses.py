"""A response that waits for its client: a tool server sends questions on the stream of a call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live
from tests.live import live as serve
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
"""
HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("s")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as made:
        yield made


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


def test_call_continues_after_all_responses(server: Live) -> None:
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
    assert not server.app.awaiting


def test_response_to_no_question_is_accepted(server: Live) -> None:
    with book(server) as stream:
        event(stream)
        assert respond(server, {"id": "other/who"}, {"result": {}}) == 202
        assert respond(server, {"id": 5}, {"result": {}}) == 202
        assert server.app.awaiting


def test_client_that_leaves_is_forgotten(server: Live) -> None:
    with book(server) as stream:
        assert event(stream)["method"] == "elicitation/create"
    until(lambda: not server.app.awaiting)
