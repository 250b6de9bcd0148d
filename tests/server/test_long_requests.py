"""Requests with many members: a thread reads them, and other clients are served meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import Plan
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.server.app import App
from mockllm.server.server_limits import ServerLimits
from tests.language.virtual_server import VirtualServer
from tests.server.fake_engine import whole
from tests.server.raw_client import Raw, request
from tests.server.test_websocket_recorder import opened, turn
from tests.server.threaded_server import ThreadedServer
from tests.waiting import PATIENCE, until

PATH = "/v1/chat/completions"
TURNS = [{"role": "assistant", "content": "a" * 60}] * 4_000
LONG = dumps({"model": "gpt-4o", "stream": False, "messages": [*TURNS, {"role": "user", "content": "hi"}]})
TEXT = "a" * 140_000
HISTORY: list[Json] = [{"type": "message", "role": "user", "content": TEXT}]
SHORT = dumps({"model": "gpt-4o", "stream": False, "messages": [{"role": "user", "content": "hi"}]})


def engine_of(rules: str) -> Engine:
    return VirtualServer(rules).engine


class ReadingEngine(Engine):
    """Counts the requests that a thread reads. The thread calls `before` first."""

    before: Callable[[], object] | None = None
    count = 0

    def read_ahead(self, request: EngineRequest) -> None:
        assert threading.current_thread().name == "mockllm worker"
        self.count += 1
        if self.before is not None:
            self.before()
        super().read_ahead(request)


@pytest.fixture
def engine() -> ReadingEngine:
    virtual = engine_of("rules: [{reply: 'turn {{ turn }}'}]")
    return ReadingEngine(virtual.catalog, virtual.state, virtual.settings)


@pytest.fixture
def server(engine: ReadingEngine) -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(engine, limits=ServerLimits(grace=0.2, linger=0.2)))
    served.start()
    yield served
    served.stop()


class RulesCall:
    """A control API with one call."""

    loaded = True

    def knows(self, path: str) -> bool:
        return path == "/api/rules"

    async def respond(
        self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes, client: str
    ) -> Plan:
        return whole(f"{len(raw)} bytes", 200)


@pytest.mark.parametrize("path", [PATH, "/api/chat"])
def test_thread_reads_a_request_with_many_members(
    server: ThreadedServer, engine: ReadingEngine, path: str
) -> None:
    server.app.control = RulesCall()  # type: ignore[assignment]
    with Raw(server.port) as client:
        for _ in range(2):
            assert "turn 4001" in client.send(request("POST", path, LONG)).answer().text
        assert "turn 1" in client.send(request("POST", path, SHORT)).answer().text
    assert engine.count == 2


def test_others_are_served_while_a_thread_reads(server: ThreadedServer, engine: ReadingEngine) -> None:
    go_on = threading.Event()
    engine.before = lambda: go_on.wait(PATIENCE)
    with Raw(server.port) as client, Raw(server.port) as other:
        client.send(request("POST", PATH, LONG))
        until(lambda: engine.count)
        assert "turn 1" in other.send(request("POST", PATH, SHORT)).answer().text
        go_on.set()
        assert "turn 4001" in client.answer().text


def test_no_engine_reads_a_long_call_of_the_control_api(
    server: ThreadedServer, engine: ReadingEngine
) -> None:
    server.app.control = RulesCall()  # type: ignore[assignment]
    with Raw(server.port) as client:
        assert client.send(request("POST", "/api/rules", LONG)).answer().text == f"{len(LONG)} bytes"
    assert engine.count == 0


CONTINUED = {
    "response": ("/v1/responses", "/v1/responses", {"input": HISTORY}, "previous_response_id"),
    "conversation": ("/v1/conversations", "/v1/responses", {"items": HISTORY}, "conversation"),
    "interaction": (
        "/v1beta/interactions",
        "/v1beta/interactions",
        {"input": TEXT},
        "previous_interaction_id",
    ),
}


@pytest.mark.parametrize(("first", "path", "fields", "link"), CONTINUED.values(), ids=CONTINUED)
def test_thread_reads_a_long_history(
    server: ThreadedServer, engine: ReadingEngine, first: str, path: str, fields: dict[str, Json], link: str
) -> None:
    begun = engine.respond(engine.read("POST", first, "", {}, dumps({"model": "m", **fields}), "", 0.0))
    id = loads(sent_bytes(begun.plan))["id"]
    further = dumps({"model": "m", "input": "hi", link: id})
    with Raw(server.port) as client:
        for count in (1, 2, 3):
            assert client.send(request("POST", path, further)).answer().status == 200
            assert engine.count == count


def test_thread_reads_a_long_conversation_of_mistral(server: ThreadedServer, engine: ReadingEngine) -> None:
    path, fields = "/mistral/v1/conversations", {"model": "m", "inputs": TEXT}
    begun = engine.respond(engine.read("POST", path, "", {}, dumps(fields), "", 0.0))
    id = loads(sent_bytes(begun.plan))["conversation_id"]
    with Raw(server.port) as client:
        sent = request("POST", f"{path}/{id}", dumps({"inputs": "hi"}))
        assert "turn 2" in client.send(sent).answer().text
    assert engine.count == 1


def change_rules(server: ThreadedServer, engine: ReadingEngine) -> None:
    rules = engine_of("rules: [{reply: 'new {{ turn }}'}]")
    server.app.engine = Engine(rules.catalog, engine.state, engine.settings)


def test_thread_reads_a_long_message_of_a_websocket(server: ThreadedServer, engine: ReadingEngine) -> None:
    input = [*TURNS, {"role": "user", "content": "hi"}]
    with opened(f"http://127.0.0.1:{server.port}") as socket:
        assert "turn 2" in str(turn(socket, input)[-1])
        assert engine.count == 1
        assert "turn 1" in str(turn(socket, "hi")[-1])
        assert engine.count == 1


def test_thread_reads_a_long_history_of_a_websocket(server: ThreadedServer, engine: ReadingEngine) -> None:
    with opened(f"http://127.0.0.1:{server.port}") as socket:
        id = json.loads(turn(socket, TEXT, store=False)[-1])["response"]["id"]
        for count in (1, 2):
            assert "turn 2" in str(turn(socket, "hi", previous_response_id=id)[-1])
            assert engine.count == count


def test_changed_rules_find_the_long_history_of_a_websocket(
    server: ThreadedServer, engine: ReadingEngine
) -> None:
    with opened(f"http://127.0.0.1:{server.port}") as socket:
        id = json.loads(turn(socket, TEXT, store=False)[-1])["response"]["id"]
        engine.before = lambda: change_rules(server, engine)
        assert "new 2" in str(turn(socket, "hi", previous_response_id=id)[-1])


def test_rules_that_change_while_history_is_read_apply(server: ThreadedServer, engine: ReadingEngine) -> None:
    begun = engine.respond(
        engine.read("POST", "/v1/responses", "", {}, dumps({"model": "m", "input": TEXT}), "", 0.0)
    )
    id = loads(sent_bytes(begun.plan))["id"]

    engine.before = lambda: change_rules(server, engine)
    further = dumps({"model": "m", "input": "hi", "previous_response_id": id})
    with Raw(server.port) as client:
        assert "new 2" in client.send(request("POST", "/v1/responses", further)).answer().text


def test_rules_that_change_meanwhile_apply(server: ThreadedServer, engine: ReadingEngine) -> None:
    def change() -> None:
        server.app.engine = engine_of("rules: [{reply: new}]")

    engine.before = change
    with Raw(server.port) as client:
        assert '"new"' in client.send(request("POST", PATH, LONG)).answer().text


def test_read_request_waits_for_a_change_of_rules(server: ThreadedServer, engine: ReadingEngine) -> None:
    app = server.app

    def begin() -> None:
        app.rule_change_done = asyncio.Event()

    def end() -> None:
        done, app.rule_change_done = app.rule_change_done, None
        app.engine = engine_of("rules: [{reply: new}]")
        assert done is not None
        done.set()

    engine.before = begin
    with Raw(server.port) as client:
        client.send(request("POST", PATH, LONG))
        until(lambda: app.rule_change_done)
        server._loop.call_soon_threadsafe(end)
        assert '"new"' in client.answer().text


def test_parsed_request_waits_for_a_change_of_rules(
    server: ThreadedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = server.app

    def begin() -> None:
        app.rule_change_done = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, end)

    def end() -> None:
        done, app.rule_change_done = app.rule_change_done, None
        app.engine = engine_of("rules: [{reply: new}]")
        assert done is not None
        done.set()

    before_parsing(begin, monkeypatch)
    with Raw(server.port) as client:
        medium = dumps({"model": "m", "messages": [{"role": "user", "content": "a" * 300_000}]})
        assert '"new"' in client.send(request("POST", PATH, medium)).answer().text


def before_parsing(begin: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Call this before the first body is parsed."""
    parse, begun = EngineRequest.parse_body, list[object]()

    def parse_body(request: EngineRequest) -> None:
        if not begun:
            begun.append(begin())
        parse(request)

    monkeypatch.setattr(EngineRequest, "parse_body", parse_body)


def test_session_that_ends_meanwhile_is_created_again(server: ThreadedServer, engine: ReadingEngine) -> None:
    engine.before = lambda: engine.state.end("s")
    with Raw(server.port) as client:
        got = client.send(request("POST", PATH, LONG, **{"X-Mockllm-Session": "s"})).answer()
    assert got.status == 200
    session = engine.state.sessions()["s"]
    assert session.number == 2
    assert session.last_used_monotonic > 0
    assert session.redacted_id == "s"


def test_session_that_ends_while_history_is_read_is_renewed(
    server: ThreadedServer, engine: ReadingEngine
) -> None:
    in_session = {"X-Mockllm-Session": "s"}
    with Raw(server.port) as client:
        first = dumps({"model": "m", "input": TEXT})
        begun = client.send(request("POST", "/v1/responses", first, **in_session)).answer()
        engine.before = lambda: engine.state.end("s")
        further = dumps({"model": "m", "input": "hi", "previous_response_id": loads(begun.body)["id"]})
        assert client.send(request("POST", "/v1/responses", further, **in_session)).answer().status == 200
    session = engine.state.sessions()["s"]
    assert session.number == 2
    assert session.last_used_monotonic > 0
    assert session.redacted_id == "s"


def test_session_that_ends_before_a_body_is_parsed_is_renewed(
    server: ThreadedServer, engine: ReadingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_parsing(lambda: engine.state.end("s"), monkeypatch)
    medium = dumps({"model": "m", "messages": [{"role": "user", "content": "a" * 300_000}]})
    with Raw(server.port) as client:
        got = client.send(request("POST", PATH, medium, **{"X-Mockllm-Session": "s"})).answer()
    assert got.status == 200
    session = engine.state.sessions()["s"]
    assert session.number == 2
    assert session.last_used_monotonic > 0
    assert session.redacted_id == "s"
