"""A path that no provider has is a 404 that names the rules for the path first, and then the routes."""

from __future__ import annotations

import pytest

from mockllm.engine.near_misses import near_miss_line, nearest
from tests.language.virtual_server import VirtualServer, raw_request

RULES = """
rules:
  - {name: once, match: {path: /once}, times: 1, http: {body: x}}
  - {name: got, match: {path: /sheets/*, method: GET, query: {v: "2"}}, http: {body: x}}
  - {name: other, match: {path: /other}, http: {body: x}}
  - {name: said, match: {user: hi}, reply: x}
"""


def message(game: VirtualServer, path: str, method: str = "POST", query: str = "") -> str:
    received = game.respond(raw_request(path, method=method, query=query))
    assert received.status == 404
    return received.message


def test_a_used_up_rule_is_listed() -> None:
    game = VirtualServer(RULES)
    assert game.respond(raw_request("/once")).status == 200
    assert message(game, "/once").startswith(
        "Invalid URL (POST /once).\ns/a.yaml:3 once: matched, but used up (times: 1)\nRoutes: POST /v1/chat/"
    )


def test_a_rule_with_the_path_is_listed_with_mismatches() -> None:
    first, near, routes = message(VirtualServer(RULES), "/sheets/1", query="v=1").split("\n")
    assert first == "Invalid URL (POST /sheets/1)."
    assert near == 's/a.yaml:4 got: method expected "GET", found "POST"; query[v] expected "2", found "1"'
    assert routes.startswith("Routes: ")


def test_a_rule_with_a_similar_path_is_listed() -> None:
    reported = message(VirtualServer(RULES), "/othre")
    assert reported.split("\n")[1].startswith(
        's/a.yaml:5 other: path expected "/other", found "/othre" (nearly'
    )


@pytest.mark.parametrize("path", ["/nowhere", "/v1/sheets"])
def test_rules_with_other_paths_are_not_listed(path: str) -> None:
    assert message(VirtualServer(RULES), path).startswith(
        f"Invalid URL (POST {path}). Routes: POST /v1/chat/"
    )


def test_a_rule_is_listed_for_another_method() -> None:
    game = VirtualServer(
        "rules: [{name: put, match: {path: /v1/messages, method: PUT, query: {a: b}}, http: {body: x}}]"
    )
    received = game.respond(raw_request("/v1/messages", method="PUT"))
    assert received.status == 405
    assert "put: query[a] expected" in received.message


@pytest.mark.parametrize(("path", "unmatched"), [("/nowhere", True), ("/favicon.ico", False)])
def test_the_favicon_is_not_unmatched(path: str, unmatched: bool) -> None:
    received = VirtualServer(RULES).respond(raw_request(path, method="GET"))
    assert (received.status, received.planned.unmatched) == (404, unmatched)


def test_a_rule_for_generating_calls_is_explained() -> None:
    """The field behind it is the engine's own: no word of the language."""
    engine = VirtualServer("rules: [{name: said, reply: x}]").engine
    requested = engine.read("POST", "/v1/none", "", {}, b"{}", "127.0.0.1", 0.0)
    (found,) = nearest(engine.catalog, requested)
    assert (
        near_miss_line(*found)
        == "s/a.yaml:1 said: matches generating calls only, since it names no api and no path"
    )
