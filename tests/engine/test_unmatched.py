"""Unmatched requests: their status, the near misses that the log and the journal show, and WebSocket handshakes."""

from __future__ import annotations

import pytest

from tests.dialects.mcp.messages import call
from tests.language.virtual_server import VirtualServer, chat_request, claude_request, raw_request

RULES = """
rules:
  - {name: hello, match: {user: hello}, reply: Hi}
  - {name: page, match: {path: /pages/*, method: POST}, http: {body: x}}
"""
HANDSHAKE = {"upgrade": "websocket", "connection": "Upgrade"}


def test_unmatched_response_lists_near_misses() -> None:
    game = VirtualServer(RULES)
    response = game.respond(chat_request("hallo"))
    assert response.planned.near_misses == (
        's/a.yaml:3 hello: user expected "hello", found "hallo" (nearly the same: a typing error?)',
        's/a.yaml:4 page: path expected like "/pages/*", found "/v1/chat/completions"',
    )
    assert game.respond(chat_request("hello")).planned.near_misses == ()


TOOL = """
mcp: [{name: shop, tools: [search]}]
rules: [{name: search, match: {mcp: {tool: search, arguments: {$.n: 1}}}, reply: x}]
"""


def test_default_pack_is_advised_for_generating_calls_only() -> None:
    """The pack has no rules for calls of MCP."""
    sent = call("search", {"n": 2}, path="/mcp/shop", modern=True)
    message = VirtualServer(TOOL).respond(sent).message
    assert message.startswith("No rule matched this request.\n")
    assert message.endswith("search: arguments[$.n] expected 1, found 2")
    assert "use: [default]" in VirtualServer(RULES).respond(chat_request("hallo")).message


@pytest.mark.parametrize(
    ("path", "near_miss"),
    [
        ("/pages/1", 's/a.yaml:4 page: method expected "POST", found "GET"'),
        ("/v1/chat/completion", "Did you mean GET /v1/chat/completions?"),
        ("/v1/messages", "Not allowed to GET on /v1/messages: use POST."),
        ("/elsewhere", "no provider has this path, and no rule names it"),
        ("/favicon.ico", None),
    ],
)
def test_unknown_path_has_a_near_miss(path: str, near_miss: str | None) -> None:
    planned = VirtualServer(RULES).respond(raw_request(path, method="GET")).planned
    assert next(iter(planned.near_misses), None) == near_miss


@pytest.mark.parametrize("action", ["generate", "generatecontent", "generateContents", "GenerateContent"])
def test_wrong_action_of_a_model_names_the_right_one(action: str) -> None:
    path = "/v1beta/models/gemini-2.5-pro:"
    response = VirtualServer(RULES).respond(raw_request(path + action))
    assert response.status == 404
    assert f"Did you mean POST {path}generateContent?" in response.message


VERTEX = "/vertex/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-pro:sing"


@pytest.mark.parametrize("path", ["/v1beta/models/gemini-2.5-pro:sing", VERTEX])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_other_action_of_a_model_is_not_found(path: str, method: str) -> None:
    """Google's front end knows no such URL."""
    response = VirtualServer(RULES).respond(raw_request(path, method=method))
    assert (response.status, response.json["error"]["status"]) == (404, "NOT_FOUND")
    assert response.message.startswith(f"Invalid URL ({method} {path}). Routes: POST ")


def test_rule_that_names_another_action_responds() -> None:
    rules = "rules: [{match: {path: '/v1beta/models/x:sing'}, http: {body: la}}]"
    assert VirtualServer(rules).respond(raw_request("/v1beta/models/x:sing")).bytes == b"la"


def test_path_without_version_names_the_version() -> None:
    response = VirtualServer(RULES).respond(raw_request("/models/gemini-2.5-pro:generateContent"))
    hint = (
        "/v1beta is missing in front of /models/gemini-2.5-pro:generateContent: "
        "expected POST /v1beta/models/gemini-2.5-pro:generateContent"
    )
    assert response.status == 404
    assert hint in response.message
    assert response.planned.near_misses == (hint,)


def test_missing_version_comes_before_rules_on_similar_paths() -> None:
    path = "/models/gemini-2.5-pro:generateContent"
    rules = f"rules: [{{match: {{path: '{path}', method: GET}}, http: {{}}}}]"
    response = VirtualServer(rules).respond(raw_request(path))
    _, hint, miss = response.message.splitlines()
    assert hint.startswith("/v1beta is missing in front of ")
    assert miss.endswith('method expected "GET", found "POST"')
    assert response.planned.near_misses == (hint, miss)


def test_near_miss_of_a_hash_shows_its_beginning() -> None:
    response = VirtualServer(f"rules: [{{match: {{hash: [{'ab' * 32}, x]}}, reply: x}}]").respond(
        chat_request()
    )
    line = response.message.splitlines()[1]
    assert 'hash expected one of "abababababab…", "x", found "' in line
    assert len(line.partition('found "')[2]) > 60  # to copy it into a rule


@pytest.mark.parametrize(
    ("status", "kind"), [(404, "not_found_error"), (400, "invalid_request_error"), (501, "api_error")]
)
def test_miss_status_replaces_404(status: int, kind: str) -> None:
    game = VirtualServer(RULES, miss_status=status)
    response = game.respond(claude_request("other"))
    assert (response.status, response.json["error"]["type"]) == (status, kind)
    assert "No rule matched this request." in response.message
    assert game.respond(raw_request("/elsewhere")).status == status
    assert game.respond(raw_request("/v1/messages", method="GET")).status == 405


@pytest.mark.parametrize("path", ["/v1/messages", "/nowhere", "/v1/models"])
def test_websocket_handshake_gets_426(path: str) -> None:
    response = VirtualServer(RULES).respond(raw_request(path, method="GET", headers=HANDSHAKE))
    assert response.status == 426
    assert response.headers["upgrade"] == "HTTP/1.1"
    assert response.headers["connection"] == "Upgrade"
    assert not response.planned.unmatched
    assert response.notes == "no WebSocket is served"


def test_websocket_handshake_on_reply_rule_gets_426() -> None:
    game = VirtualServer("rules: [{match: {path: /v1/messages}, reply: Hi}]")
    assert game.respond(raw_request("/v1/messages", method="GET", headers=HANDSHAKE)).status == 426
    assert game.respond(raw_request("/v1/messages", method="GET")).status == 400


def test_handshake_where_a_socket_opens_needs_no_rule() -> None:
    game = VirtualServer("rules: [{match: {path: /v1/responses}, times: 1, reply: Hi}]")
    for _ in range(2):
        response = game.respond(raw_request("/v1/responses", method="GET", headers=HANDSHAKE))
        assert response.status == 101
    assert game.respond(raw_request("/v1/responses", method="GET")).status == 400


def test_websocket_handshake_on_http_rule_gets_its_response() -> None:
    game = VirtualServer("rules: [{match: {path: /v1/responses}, http: {status: 503}}]")
    assert game.respond(raw_request("/v1/responses", method="GET", headers=HANDSHAKE)).status == 503
