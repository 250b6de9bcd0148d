"""Files with the findings of hunts: one applies to all requests, of several each in the session of its name."""

from __future__ import annotations

import pickle

import pytest

from mockllm.scenario.compiler import compile_catalog, run_steps
from tests.language.virtual_server import (
    VirtualServer,
    chat_request,
    diagnostics_of,
    load_scenario_files,
)


def finding(name: str, status: int) -> str:
    return f"""
        finding: {name}
        modifiers: [{{name: m, error: {{status: {status}}}}}]
        rules: [{{fallback: true, reply: from {name}}}]
    """


def statuses(files: dict[str, str], *sessions: str | None) -> list[int]:
    server = VirtualServer(files)
    return [server.respond(chat_request(session=session)).status for session in sessions]


def test_single_finding_responds_in_every_session() -> None:
    assert statuses({"a.yaml": finding("cut", 503)}, None, "cut", "other") == [503, 503, 503]


def test_each_of_several_findings_responds_in_its_session() -> None:
    files = {"a.yaml": finding("cut", 503), "b.yaml": finding("crlf", 429)}
    assert statuses(files, "cut", "crlf", None, "other") == [503, 429, 404, 404]


def test_files_of_one_finding_respond_in_every_session() -> None:
    files = {"a.yaml": finding("cut", 503), "b.yaml": "finding: cut\nrules: [{match: {user: x}, reply: x}]"}
    assert statuses(files, None, "cut") == [503, 503]


def test_rules_without_finding_respond_in_every_session() -> None:
    files = {
        "a.yaml": finding("cut", 503),
        "b.yaml": finding("crlf", 429),
        "c.yaml": "rules: [{match: {user: hi}, reply: x}]",
    }
    assert statuses(files, None, "cut", "other") == [200, 503, 200]


def test_near_miss_of_a_finding_names_its_session() -> None:
    server = VirtualServer({"a.yaml": finding("cut", 503), "b.yaml": finding("crlf", 429)})
    assert 'session expected "cut", found missing' in server.respond(chat_request()).message


def test_reload_limits_a_finding_when_another_one_appears() -> None:
    first = load_scenario_files({"a.yaml": finding("cut", 503)})
    old = run_steps(compile_catalog(first.entries))
    both = load_scenario_files({"a.yaml": finding("cut", 503), "b.yaml": finding("crlf", 429)})
    sent = pickle.loads(pickle.dumps(both.entries))  # as the process that loads sends them
    new = run_steps(compile_catalog(sent, old))
    assert (old.findings, new.findings) == ((), ("cut", "crlf"))
    assert new.items[0] is not old.items[0]


@pytest.mark.parametrize("name", ["'a b'", "a/b", "''", "7", "[a]", "x" * 129], ids=repr)
def test_finding_that_is_no_session_id_is_a_mistake(name: str) -> None:
    (result,) = diagnostics_of(f"finding: {name}\nrules: [{{reply: x}}]")
    assert result.startswith("finding: ")
