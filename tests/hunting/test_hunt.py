"""`Hunt`: a function in this process, its exceptions and its bound."""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from threading import current_thread

import pytest

from mockllm.hunting import Hunt, HuntBudget, NoBaseline
from mockllm.testing import MockLLM
from tests.waiting import PATIENCE


def read(server: MockLLM) -> bytes:
    """The body of a stream."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    assert os.environ["OPENAI_BASE_URL"] == server.openai_url
    request = urllib.request.Request(
        f"{server.openai_url}/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        data: bytes = response.read()
    return data


def texts(server: MockLLM) -> str:
    found = [json.loads(line[6:]) for line in read(server).splitlines() if line.startswith(b"data: {")]
    return "".join(choice["delta"].get("content") or "" for chunk in found for choice in chunk["choices"])


def test_hunt_of_function_finds_its_bug() -> None:
    report = Hunt(texts, packs=["default"], budget=HuntBudget(findings=1, replays=3)).hunt()
    (finding,) = report.findings
    assert report.command == "texts"
    assert finding.problem.rule == "same_result"
    assert [each.kind for each in finding.schedule] == ["no_space"]
    assert finding.outcome.exchanges


def test_hunt_runs_in_the_thread_of_its_caller() -> None:
    threads = set()

    def noted(server: MockLLM) -> None:
        threads.add(current_thread())
        read(server)

    assert Hunt(noted, packs=["default"], budget=HuntBudget(runs=4)).hunt().passed
    assert threads == {current_thread()}


def test_hunt_takes_reported_exceptions_for_reports() -> None:
    def quiet(server: MockLLM) -> None:
        read(server)

    budget = HuntBudget(runs=35, replays=2)
    report = Hunt(quiet, packs=["default"], reported=(OSError,), budget=budget).hunt()
    assert report.tried["server_error"].counts == {"reported": 1}
    report = Hunt(quiet, packs=["default"], reported=(KeyError,), budget=budget).hunt()
    assert any("HTTPError" in finding.problem.message for finding in report.findings)


def test_hunt_beyond_its_bound_stops_the_server() -> None:
    def hangs(server: MockLLM) -> None:
        read(server)
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.recv(1)

    with pytest.raises(NoBaseline, match="does not end within"):
        Hunt(hangs, packs=["default"], timeout=1.0).hunt()
