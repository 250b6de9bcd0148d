"""Sessions on a live server: workers in threads and processes of their own, the journal, the line, the log."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mockllm.server.journal.entry import JournalEntry
from tests.live import Live, live
from tests.process import Process
from tests.waiting import until

RULES = """
rules:
  - name: flaky
    match: {user: flaky}
    sequence:
      - {error: rate_limit, times: 2}
      - third time lucky
    then: cycle
  - {name: login, match: {user: login}, times: 1, sets_state: {user: in}, reply: welcome}
  - {name: in, match: {user: login}, requires_state: {user: in}, reply: you are in}
  - {name: weather, match: {tool_result: {name: look}}, reply: "it is {{ tool_result.text }}"}
  - {name: call, match: {user: call}, reply: {tool_calls: [{name: look, arguments: {}}]}}
  - {name: gamble, match: {user: gamble}, chance: 50%, reply: {text: {sentences: [1, 5]}}}
  - {fallback: true, reply: hello}
modifiers:
  - {match: {user: limited}, limit: {strategy: after-n, requests: 2}}
validation: lenient
"""
WORKERS, TESTS = 4, 12


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("sessions")
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    with live(folder) as found:
        yield found


class Client:
    """A test's client: it names its session by its base URL, or by the header."""

    def __init__(self, port: int, session: str, *, by_path: bool) -> None:
        self._wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._base = f"/s/{session}" if by_path else ""
        self._headers = {} if by_path else {"x-mockllm-session": session}

    def chat(self, *messages: Any, **headers: str) -> tuple[int, Any]:
        requested = [
            {"role": "user", "content": each} if isinstance(each, str) else each for each in messages
        ]
        body = json.dumps({"model": "gpt-4o", "messages": requested})
        sent = {"content-type": "application/json", **self._headers, **headers}
        self._wire.request("POST", f"{self._base}/v1/chat/completions", body, sent)
        answer = self._wire.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self._wire.close()


def reported(answer: tuple[int, Any]) -> str:
    status, body = answer
    return body["choices"][0]["message"]["content"] if status == 200 else str(status)


def one_test(port: int, session: str, by_path: bool) -> str:
    """What one test of a suite sees: it must not depend on any other that runs at the same time. Returns all
    that was drawn and named for it, but for the time."""
    client = Client(port, session, by_path=by_path)
    try:
        flaky = [reported(client.chat("flaky")) for _ in range(4)]
        assert flaky == ["429", "429", "third time lucky", "429"], flaky
        login = [reported(client.chat("login")) for _ in range(3)]
        assert login == ["welcome", "you are in", "you are in"], login
        limited = [client.chat("limited")[0] for _ in range(3)]
        assert limited == [200, 200, 429], limited
        called = client.chat("call")[1]
        id = called["choices"][0]["message"]["tool_calls"][0]["id"]
        assert (
            reported(client.chat({"role": "tool", "tool_call_id": id, "content": "sunny"})) == "it is sunny"
        )
        drawn = [client.chat("gamble")[1] for _ in range(4)]
        return str([id, *((each["id"], reported((200, each))) for each in drawn)])
    finally:
        client.close()


def one_worker(port: int, worker: str) -> set[str]:
    """The tests of one worker, each in a separate session."""
    return {one_test(port, f"{worker}:{number}", number % 2 == 0) for number in range(TESTS)}


def test_sessions_of_parallel_threads_are_isolated(server: Live) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = pool.map(one_worker, [server.port] * WORKERS, [f"t{number}" for number in range(WORKERS)])
        assert len(set().union(*runs)) == 1, "every session has seen the same run"


@pytest.mark.full
def test_sessions_of_parallel_processes_are_isolated(server: Live) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        runs = pool.map(one_worker, [server.port] * 2, ["gw0", "gw1"])
        assert len(set().union(*runs)) == 1


def test_concurrent_requests_get_every_step_once(server: Live) -> None:
    def ask(number: int) -> str:
        client = Client(server.port, "together", by_path=number % 2 == 0)
        try:
            return reported(client.chat("flaky"))
        finally:
            client.close()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(ask, range(30)))
    assert answers == ["429"] * 20 + ["third time lucky"] * 10


@contextmanager
def client(server: Live, session: str) -> Iterator[Client]:
    built = Client(server.port, session, by_path=True)
    yield built
    built.close()


def records(server: Live, session: str, count: int) -> list[JournalEntry]:
    """Those of a session, once there are so many: one is written when its response has left."""

    def look() -> list[JournalEntry] | None:
        found = [record for record in list(server.app.journal) if record.session == session]
        return found if len(found) >= count else None

    return until(look)


def test_journal_seed_reproduces_response_in_other_session(server: Live) -> None:
    with client(server, "journal") as first, client(server, "again") as second:
        answers = [first.chat("gamble") for _ in range(6)] + [first.chat("call"), first.chat("hi")]
        users = ["gamble"] * 6 + ["call", "hi"]
        stated = [record.seed for record in records(server, "journal", len(users))]
        assert stated[0] == "0@0,r1:0:0"
        for user, seed, (status, body) in zip(users, stated, answers, strict=True):
            again = second.chat(user, **{"x-mockllm-seed": seed})
            assert (again[0], {**again[1], "created": 0}) == (status, {**body, "created": 0}), seed


def test_refused_session_is_logged(server: Live) -> None:
    with client(server, "a b".replace(" ", "%20")) as client_of_session:
        status, body = client_of_session.chat("hi")
    assert status == 400
    assert 'is "a b"; letters, digits' in body["error"]["message"]
    assert "knows no such session" in server.line(lambda line: "/s/a%20b/" in line)


def test_session_path_has_page_and_health(server: Live) -> None:
    wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    pages = {}
    for path in ("/s/x/health", "/s/x/", "/s/x", "/s/x/api/rules"):
        wire.request("GET", path)
        answer = wire.getresponse()
        pages[path] = answer.status, answer.read().decode()
    wire.close()
    assert [status for status, _ in pages.values()] == [200, 200, 200, 404]
    for path in ("/s/x/", "/s/x"):
        assert f"127.0.0.1:{server.port}/s/x/v1" in pages[path][1]


def test_ignored_override_is_logged(server: Live) -> None:
    with client(server, "ignored") as client_of_session:
        assert reported(client_of_session.chat("hi", **{"x-mockllm-fault": "reset"})) == "hello"
    assert "ignored x-mockllm-fault: the server runs without --allow-overrides" in server.line(
        lambda line: "/s/ignored/" in line
    )


@contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[Process]:
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    process = Process(["--scenarios", ".", "--port", "0", *options], folder, environment)
    try:
        yield process.ready()
    finally:
        process.close()


def test_serve_options_bound_sessions_and_allow_overrides(tmp_path: Path) -> None:
    with served(tmp_path, "--verbose", "--max-sessions", "2", MOCKLLM_ALLOW_OVERRIDES="yes") as process:
        for session in ("a", "b", "c", "a"):
            client_of_session = Client(process.port, session, by_path=True)
            assert reported(client_of_session.chat("flaky")) == "429"
            client_of_session.close()
        assert process.line(lambda line: line.startswith("session a ended: there are more than 2"))
        client_of_session = Client(process.port, "a", by_path=True)
        began = time.monotonic()
        assert (
            reported(client_of_session.chat("hi", **{"x-mockllm-rule": "login", "x-mockllm-delay": "50ms"}))
            == "welcome"
        )
        assert time.monotonic() - began >= 0.05
        client_of_session.close()
        assert "session: a; seed: 0@1,r0:0:0;" in process.line(lambda line: "a.yaml:login" in line)


@pytest.mark.skipif(sys.platform == "win32", reason="a reset reads otherwise there")
def test_fault_header_resets_connection(tmp_path: Path) -> None:
    with served(tmp_path, "--allow-overrides") as process:
        client_of_session = Client(process.port, "a", by_path=True)
        with pytest.raises(ConnectionResetError):
            client_of_session.chat("hi", **{"x-mockllm-fault": "{reset: {after: {bytes: 0}}}"})
        client_of_session.close()
