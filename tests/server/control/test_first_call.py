"""The first call of the control API: its modules are loaded, and other requests are served meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockllm.server.control.api import ControlApi
from tests.server.control.live_server import steered
from tests.server.raw_client import Raw, request
from tests.waiting import until

RULES = "mockllm: 1\nrules: [{match: {path: /api/own}, http: {body: mine}}, {reply: hello}]\n"


@pytest.fixture
def slow_import(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """A control API whose loading waits: an event when it begins, and one that lets it end."""
    began, released = threading.Event(), threading.Event()
    load = ControlApi.load

    def waiting(self: ControlApi) -> None:
        began.set()
        assert released.wait(30)
        load(self)

    monkeypatch.setattr(ControlApi, "load", waiting)
    return began, released


@pytest.mark.parametrize(
    ("path", "status"), [("/api/rules", 200), ("/api/own", 200), ("/api/version", 200), ("/api/unknown", 404)]
)
def test_other_requests_are_served_while_first_call_loads(
    path: str, status: int, slow_import: tuple[threading.Event, threading.Event], tmp_path: Path
) -> None:
    began, released = slow_import
    with steered(tmp_path, {"a.yaml": RULES}) as server, ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.call, "GET", path)
        try:
            assert began.wait(30)
            assert server.call("GET", "/health").status == 200
            assert server.reply_text() == "hello"
        finally:
            released.set()
        assert first.result(30).status == status
        assert server.call("GET", "/api/rules").status == 200


def test_first_call_with_body_loads_and_gets_a_response(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": RULES}) as server:
        assert server.call("POST", "/api/verify", {"no_unmatched": True}).status == 200
        assert server.app.control is not None
        assert server.app.control.loaded


@pytest.mark.parametrize("path", ["/api/version", "/api/tags", "/api/ps"])
def test_providers_call_below_api_needs_no_rule(path: str, tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": RULES}) as server:
        assert [server.call("GET", path).status for _ in range(2)] == [200, 200]
        assert server.call("POST", "/api/embed", {"model": "m", "input": "a"}).status == 200
        assert server.call("POST", "/api/chat", {"messages": []}).status == 400


def test_refused_body_below_api_gets_the_providers_error(tmp_path: Path) -> None:
    """Before and after the first call of the control API."""
    deep = "[" * 300 + "]" * 300
    with steered(tmp_path, {"a.yaml": RULES}) as server:
        for _ in range(2):
            refused = server.call("POST", "/api/chat", deep)
            assert (refused.status, list(refused.json)) == (400, ["error"])
            problem = server.call("POST", "/api/verify", deep)
            assert (problem.status, problem.headers["content-type"]) == (400, "application/problem+json")
        requests = server.call("GET", "/api/requests").json["requests"]
        assert [each["path"] for each in requests] == ["/api/chat"] * 2


def test_broken_off_call_of_control_api_begins_no_session(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": RULES}) as server:
        with Raw(server.port) as raw:
            headers = {"Content_Length": "500", "x-mockllm-session": "ghost"}
            raw.send(request("POST", "/api/nothing", b"", **headers) + b"x")
            until(lambda: server.app.unfinished_exchanges == 1)
        until(lambda: server.app.unfinished_exchanges == 0)
        assert "ghost" not in server.call("GET", "/api/sessions").text


def test_request_below_api_that_breaks_off_is_in_the_journal(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": RULES}) as server:
        for path in ("/api/chat", "/api/verify"):
            with Raw(server.port) as raw:
                raw.send(request("POST", path, b"", Content_Length="500") + b"x" * 62)
                until(lambda: server.app.unfinished_exchanges == 1)
            until(lambda: server.app.unfinished_exchanges == 0)
        assert [each["path"] for each in server.call("GET", "/api/requests").json["requests"]] == [
            "/api/chat"
        ]
