"""Responses on a WebSocket: when they are cancelled, their time scale, and rules that change meanwhile."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.request import urlopen

import pytest
from websockets.sync.connection import Connection

from mockllm.server.app import App
from mockllm.server.server_limits import ServerLimits
from mockllm.server.websocket import WebSocketConnection
from mockllm.server.websocket_output import WebSocketOutput
from mockllm.testing import MockLLM
from tests.language.virtual_server import VirtualServer
from tests.server.test_closed_sockets import GEMINI
from tests.server.test_websocket_recorder import CREATE, opened, turn
from tests.server.threaded_server import ThreadedServer
from tests.waiting import PATIENCE, until


def next_of(socket: Connection, kind: str) -> Any:
    """Receive messages up to one of this type."""
    while (event := json.loads(socket.recv(PATIENCE)))["type"] != kind:
        pass
    return event


def test_cancelled_response_of_a_scaled_time_is_incomplete() -> None:
    with MockLLM(time_scale=0.01) as server, opened(server.base_url) as socket:
        server.reply({"chunks": ["a "] * 2_000}, delay="20s", pace={"itl": "2s"})
        socket.send(json.dumps({**CREATE, "input": "hi"}))
        next_of(socket, "response.output_text.delta")
        socket.send(json.dumps({"type": "response.cancel"}))
        assert next_of(socket, "response.incomplete")["response"]["status"] == "cancelled"


def test_item_of_a_running_response_is_known_when_announced() -> None:
    with MockLLM(time_scale=0.01) as server, opened(server.base_url, "/v1/realtime?model=m") as socket:
        server.reply({"chunks": ["a "] * 2_000}, delay="20s", pace={"itl": "2s"})
        socket.send(json.dumps({"type": "response.create"}))
        item = next_of(socket, "conversation.item.added")["item"]
        socket.send(json.dumps({"type": "conversation.item.retrieve", "item_id": item["id"]}))
        assert next_of(socket, "conversation.item.retrieved")["item"] == item
        socket.send(json.dumps({"type": "conversation.item.create", "item": {"type": "message"}}))
        assert next_of(socket, "conversation.item.added")["previous_item_id"] == item["id"]


def test_cancelled_response_is_stored_without_what_was_not_sent() -> None:
    with MockLLM() as server, opened(server.base_url) as socket:
        server.reply({"chunks": ["One.", "Never sent."]}, pace={"itl": "1h"})
        socket.send(json.dumps({**CREATE, "input": "hi"}))
        next_of(socket, "response.output_text.delta")
        socket.send(json.dumps({"type": "response.cancel"}))
        response = next_of(socket, "response.incomplete")["response"]
        with urlopen(f"{server.base_url}/v1/responses/{response['id']}") as stored:
            assert json.load(stored) == response


def test_held_response_is_cancelled_at_once() -> None:
    with MockLLM() as server, opened(server.base_url) as socket:
        server.reply("Never sent.", hold="a", pace={"ttft": "1h"})
        socket.send(json.dumps({**CREATE, "input": "hi"}))
        until(lambda: server._running.app.held_responses.waiting(("", "a")) == 1)
        socket.send(json.dumps({"type": "response.cancel"}))
        assert next_of(socket, "response.incomplete")["response"]["output"] == []
        assert server._running.app.held_responses.waiting(("", "a")) == 0
        server.reply("Next.")
        assert "Next." in str(turn(socket, "again")[-1])


HELD = """
rules:
  - {match: {user: {contains: other}}, reply: Next.}
  - {match: {user: {contains: hi}}, reply: Never sent., hold: {name: a, at_most: 1h}}
  - {reply: Next.}
"""


@pytest.mark.parametrize("together", [False, True])
def test_response_cancelled_before_it_begins_is_empty(tmp_path: Path, together: bool) -> None:
    (tmp_path / "a.yaml").write_text(HELD, encoding="utf-8")
    with MockLLM(tmp_path / "a.yaml") as server, opened(server.base_url, "/v1/realtime?model=m") as socket:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
        socket.send(json.dumps({"type": "response.create", "response": {"input": [item]}}))
        if not together:
            until(lambda: server._running.app.held_responses.waiting(("", "a")) == 1)
        socket.send(json.dumps({"type": "response.cancel"}))
        response = next_of(socket, "response.done")["response"]
        assert (response["status"], response["output"]) == ("cancelled", [])
        socket.send(json.dumps({"type": "response.create"}))
        assert next_of(socket, "response.done")["response"]["status"] == "completed"


def test_interrupted_turn_of_a_hold_has_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HELD, encoding="utf-8")
    with MockLLM(tmp_path / "a.yaml") as server, opened(server.base_url, GEMINI) as socket:
        setup = {"model": "models/m", "generationConfig": {"responseModalities": ["TEXT"]}}
        socket.send(json.dumps({"setup": setup}))
        for text in ("hi", "other"):
            turns = [{"role": "user", "parts": [{"text": text}]}]
            socket.send(json.dumps({"clientContent": {"turns": turns, "turnComplete": True}}))
            if text == "hi":
                until(lambda: server._running.app.held_responses.waiting(("", "a")) == 1)
        received = ""
        while "generationComplete" not in received:
            received += str(socket.recv(PATIENCE))
        assert '"interrupted":true' in received
        assert "Never" not in received


RECORDED = """
rules:
  - match: {path: /events}
    replay:
      messages:
        - {at: 1000s, data: hello}
        - {at: 2000s, from: client, data: a}
        - {at: 3000s, data: bye}
"""


def test_recorded_messages_take_the_scaled_time(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RECORDED, encoding="utf-8")
    with (
        MockLLM(tmp_path / "a.yaml", time_scale=0.0001) as server,
        opened(server.base_url, "/events") as socket,
    ):
        assert socket.recv(PATIENCE) == "hello"
        socket.send("a")
        assert socket.recv(PATIENCE) == "bye"


def test_written_response_is_not_cancelled() -> None:
    app, session = App(VirtualServer("rules: [{reply: Hi.}]").engine), SimpleNamespace()
    output = WebSocketOutput(cast(Any, None))
    server = WebSocketConnection(app, *cast(Any, (None, output, "", session)))
    player = SimpleNamespace(play_end="finished", finish_frame=lambda: None)
    server._running["q"] = cast(Any, SimpleNamespace(player=player))
    server._tasks["q"] = cast(Any, None)
    server._stop("q")
    assert (list(server._running), list(server._tasks)) == (["q"], ["q"])


@pytest.fixture
def server() -> Any:
    engine = VirtualServer("rules: [{reply: old}]").engine
    served = ThreadedServer(App(engine, limits=ServerLimits(grace=0.2, linger=0.2)))
    served.start()
    yield served
    served.stop()


def test_message_waits_for_a_change_of_rules(server: ThreadedServer) -> None:
    app = server.app

    def end() -> None:
        done, app.rule_change_done = app.rule_change_done, None
        app.engine = VirtualServer("rules: [{reply: new}]").engine
        assert done is not None
        done.set()

    with opened(f"http://127.0.0.1:{server.port}") as socket:
        assert "old" in str(turn(socket, "hi")[-1])
        app.rule_change_done = asyncio.Event()
        socket.send(json.dumps({**CREATE, "input": "hi"}))
        until(lambda: app.unfinished_exchanges)
        server._loop.call_soon_threadsafe(end)
        assert "new" in str(next_of(socket, "response.completed"))
