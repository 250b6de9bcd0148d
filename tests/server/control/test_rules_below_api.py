"""Paths below `/api` that the control API does not know belong to the rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.control.live_server import Steered, steered

FILE = """
rules:
  - {name: chat, match: {path: /api/chat}, http: {body: from a rule}}
  - {name: once, match: {path: /api/once}, times: 1, http: {body: once}}
  - {name: rules, match: {path: /api/rules}, http: {body: never}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steered]:
    folder = tmp_path_factory.mktemp("rules") / "scenarios"
    folder.mkdir()
    with steered(Path(folder), {"a.yaml": FILE}) as built:
        yield built


def test_unknown_path_below_api_is_for_rules(server: Steered) -> None:
    assert server.call("POST", "/api/chat", {"model": "m"}).text == "from a rule"
    assert server.call("GET", "/api/requests?limit=1").json["requests"][0]["rule"] == "a.yaml:chat"


def test_known_path_below_api_is_for_control_api(server: Steered) -> None:
    assert server.call("GET", "/api/rules").json["rules"]
    assert server.call("PATCH", "/api/rules").status == 405


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/unknown", "/api/rules/"])
def test_unmatched_path_below_api_is_a_problem(server: Steered, path: str) -> None:
    total = server.call("GET", "/api/requests").json["total"]
    response = server.call("GET", path)
    assert (response.status, response.headers["content-type"]) == (404, "application/problem+json")
    assert "/api/openapi.json lists all calls" in response.json["detail"]
    assert server.call("GET", "/api/requests").json["total"] == total


def test_unknown_path_below_api_changes_no_seed(server: Steered) -> None:
    server.call("POST", "/api/reset", {"what": ["state"]})
    first = server.call("POST", "/v1/unknown").headers["x-request-id"]
    server.call("POST", "/api/reset", {"what": ["state"]})
    server.call("GET", "/api/unknown")
    assert server.call("POST", "/v1/unknown").headers["x-request-id"] == first


def test_blocked_rule_below_api_is_an_unmatched_request(server: Steered) -> None:
    assert server.call("GET", "/api/once").text == "once"
    assert "once: matched, but used up (times: 1)" in server.call("GET", "/api/once").text


def test_preflight_below_api_is_allowed(server: Steered) -> None:
    headers = {"origin": "http://page", "access-control-request-method": "POST"}
    assert server.call("OPTIONS", "/api/chat", headers=headers).status == 204


def test_openrouter_base_url_without_prefix_gets_hint(server: Steered) -> None:
    refused = server.call("POST", "/api/v1/chat/completions", {"model": "m"})
    assert refused.status == 404
    hint = r"Set the client's base URL to (http://[^/]+)/v1 or \1/openrouter/api/v1\b"
    assert re.search(hint, refused.json["error"]["message"])
    last = server.call("GET", "/api/requests?limit=1").json["requests"][0]
    assert (last["path"], last["status"], last["rule"]) == ("/api/v1/chat/completions", 404, None)
