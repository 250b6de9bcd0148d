"""GET /api/verdicts: who is judged, by which requests, and in which form."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mockllm.core.verdicts import VERDICTS
from mockllm.server.control.models.journal import VerdictList
from tests.server.control.live_server import Steered, steered
from tests.waiting import until

FILE = """mockllm: 1
rules:
  - match: {user: busy}
    error: {type: rate_limit, retry_after: 30s}
  - match: {user: told}
    stream: true
    reply: {chunks: [Once, " upon", " a", " time"]}
    faults: [{close: {after: {chunks: 3}}}]
  - match: {user: long}
    reply: {chunks: [a, b, c, d, e, f, g, h, i, j, k, l]}
    stream: true
    pace: {itl: 30ms}
  - reply: Fine.
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Steered]:
    with steered(tmp_path, {"a.yaml": FILE}) as built:
        yield built


def judged(server: Steered, query: str = "over=true") -> list[dict[str, Any]]:
    got = server.call("GET", f"/api/verdicts?{query}")
    assert got.status == 200, got.text
    VerdictList.model_validate(got.json)
    clients: list[dict[str, Any]] = got.json["clients"]
    return clients


def names(server: Steered, query: str = "over=true") -> list[list[str]]:
    return [[each["verdict"] for each in client["verdicts"]] for client in judged(server, query)]


def test_verdicts_without_requests_are_empty(server: Steered) -> None:
    assert judged(server) == []


def test_verdict_has_its_rule_and_requests(server: Steered) -> None:
    server.ask("fine")
    server.ask("busy")
    server.ask("busy")
    (client,) = judged(server)
    assert client["session"] is None
    assert client["requests"] == 3
    assert client["client"].startswith("key ")
    assert client["client"].endswith(", 127.0.0.1")
    ignored, gave_up = client["verdicts"]
    assert (ignored["verdict"], ignored["good"], ignored["requests"]) == (
        "retry_after_ignored",
        False,
        [2, 3],
    )
    assert ignored["says"].endswith("after #2, which requested a wait of 30s")
    assert ignored["rule_of_conduct"] == VERDICTS["retry_after_ignored"].rule_with_source
    assert "RFC 9110" in ignored["rule_of_conduct"]
    assert (gave_up["verdict"], gave_up["requests"]) == ("gave_up", [2, 3])


def test_active_client_has_no_verdict_gave_up(server: Steered) -> None:
    server.ask("busy")
    assert names(server, "") == [[]]
    assert names(server) == [["gave_up"]]


def test_verdicts_filter_by_session_client_and_time(server: Steered) -> None:
    server.ask("fine")
    server.ask("busy", session="mine")
    assert names(server) == [[], ["gave_up"]]
    assert names(server, "over=true&session=mine") == [["gave_up"]]
    assert names(server, "over=true&session=other") == []
    assert len(judged(server, "client=127.0.0.1")) == 2
    assert len(judged(server, "client=127.0.0.2")) == 0
    (key,) = {each["key"] for each in server.call("GET", "/api/requests").json["requests"]}
    assert len(judged(server, f"client={key}")) == 2
    assert names(server, f"since={time.time() + 60}") == []


def test_verdicts_count_only_posts(server: Steered) -> None:
    server.call("GET", "/v1/models")
    server.call("GET", "/nowhere")
    server.call("GET", "/nowhere")
    assert judged(server) == []


def test_verdicts_count_calls_of_no_provider(server: Steered) -> None:
    rule = {
        "match": {"path": "/mine"},
        "http": {"body": "some text"},
        "faults": [{"truncate": {"after": {"bytes": 3}}}],
    }
    server.call("POST", "/api/rules", rule)
    for path in ("/mine", "/nowhere", "/nowhere"):
        with suppress(IncompleteRead):
            server.call("POST", path, {"a": 1})
    assert names(server) == [["retried_non_retryable"]]


def test_truncated_bodies_are_not_compared(server: Steered) -> None:
    server.app.journal.max_bytes = 8_000
    server.ask("busy" + "x" * 9_000)
    server.ask("fine")
    assert [each["requests"] for each in judged(server)] == [1]


def test_dropped_requests_may_have_been_the_first_try(server: Steered) -> None:
    server.app.journal.max_entries = 2
    server.ask("fine")
    server.ask("busy")
    assert names(server) == [["gave_up"]]
    server.ask("fine")
    assert names(server) == [[]]
    server.call("DELETE", "/api/requests")
    server.ask("busy")
    assert names(server) == [["gave_up"]], "nobody has asked before"


def test_cut_stream_that_was_accepted_is_reported(server: Steered) -> None:
    messages = [{"role": "user", "content": "told"}]
    body = {"model": "gpt-4o", "stream": True, "messages": messages}
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    with closing(connection), pytest.raises(IncompleteRead) as broken:
        connection.getresponse().read()
    assert b"[DONE]" not in broken.value.partial
    stated = [*messages, {"role": "assistant", "content": "Once upon a"}, {"role": "user", "content": "And?"}]
    sent = {"model": "gpt-4o", "messages": stated}
    until(lambda: len(server.app.journal) == 1)
    server.call("POST", "/v1/chat/completions", sent)
    (client,) = judged(server)
    (verdict,) = client["verdicts"]
    assert (verdict["verdict"], verdict["requests"]) == ("truncated_stream_accepted", [1, 2])


def test_cancelled_stream_is_reported(server: Steered) -> None:
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "long"}]}
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    assert b'"b"' in connection.getresponse().read(1_200)
    connection.close()
    until(lambda: len(server.app.journal) == 1)
    assert names(server) == [["cancelled_early"]]


def test_junit_contains_the_requests(server: Steered) -> None:
    server.ask("busy")
    got = server.call("GET", "/api/verdicts?format=junit&over=true")
    assert got.headers["content-type"] == "application/xml"
    root = ET.fromstring(got.raw)
    (failure,) = root.iter("failure")
    assert failure.text is not None
    assert "#1 POST /v1/chat/completions gpt-4o 429, retry after 30s" in failure.text
