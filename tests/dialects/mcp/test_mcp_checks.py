"""What an MCP server refuses: pages of others, wrong headers, messages that are none, unknown sessions."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from mockllm.core.failure import NAMED
from mockllm.dialects.mcp.check import decoded_header
from tests.dialects.mcp.messages import BOTH, SERVER, ToolClient, call, rpc
from tests.language.virtual_server import raw_request, respond_once

PLAIN = SERVER.replace("    page: 2\n", "    sessions: false\n")


def refused(sent: Any, files: str = PLAIN) -> tuple[int, int]:
    answer = respond_once(files, sent)
    return answer.status, answer.json["error"]["code"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://localhost:6274"}, 200),
        ({"origin": "http://127.0.0.1"}, 200),
        ({"origin": "http://[::1]:80"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[bad"}, 403),
        ({"accept": "application/json"}, 406),
        ({"accept": "text/event-stream"}, 406),
        ({"accept": "*/*"}, 200),
        ({"accept": "application/*, text/*;q=0.5"}, 200),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"mcp-protocol-version": "2025-06-18"}, 200),
    ],
)
def test_transport_is_checked(headers: dict[str, str], status: int) -> None:
    assert respond_once(PLAIN, rpc("ping", headers=headers)).status == status


@pytest.mark.parametrize("validation", ["lenient", "off"])
def test_page_of_others_is_refused_unless_nothing_is_checked(validation: str) -> None:
    files = f"validation: {validation}\nrules: [{{match: {{mcp: {{tool: x}}}}, reply: x}}]\n{PLAIN}"
    answer = respond_once(files, rpc("ping", headers={"origin": "http://evil.example", "accept": ""}))
    assert answer.status == (403 if validation == "lenient" else 200)
    listen = raw_request("/mcp/weather", method="GET", headers={"origin": "http://evil.example"})
    assert respond_once(files, listen).status == (403 if validation == "lenient" else 405)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{", (400, -32700)),
        ("", (400, -32700)),
        ([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], (400, -32600)),
        ({"id": 1, "method": "ping"}, (400, -32600)),
        ({"jsonrpc": "2.0", "id": 1}, (400, -32600)),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, (400, -32600)),
        ({"jsonrpc": "2.0", "id": [1], "method": "ping"}, (400, -32600)),
    ],
)
def test_message_that_is_none_is_refused(body: Any, expected: tuple[int, int]) -> None:
    assert refused(raw_request("/mcp/weather", body, headers=BOTH)) == expected
    lenient = f"validation: lenient\nrules: [{{match: {{mcp: {{tool: x}}}}, reply: x}}]\n{PLAIN}"
    assert refused(raw_request("/mcp/weather", body, headers={}), lenient) == expected


def test_response_of_a_client_is_accepted() -> None:
    answer = respond_once(PLAIN, rpc(None, id="x", result={}))
    assert (answer.status, answer.bytes) == (202, b"")


# --- versions -----------------------------------------------------------------------------------


def test_unknown_version_is_refused_with_the_known_versions() -> None:
    answer = respond_once(PLAIN, rpc("ping", headers={"mcp-protocol-version": "1999-01-01"}))
    assert (answer.status, answer.json["error"]["code"]) == (400, -32022)
    assert answer.json["error"]["data"] == {"supported": ["2026-07-28"], "requested": "1999-01-01"}


def test_older_server_names_its_versions() -> None:
    old = PLAIN.replace("    title: Weather\n", '    protocols: ["2025-03-26", "2025-06-18"]\n')
    answer = respond_once(old, rpc("server/discover", modern=True))
    assert (answer.status, answer.json["error"]["code"]) == (400, -32000)
    assert "supported versions: 2025-03-26, 2025-06-18" in answer.json["error"]["message"]
    assert ToolClient(old).opening.json["result"]["protocolVersion"] == "2025-06-18"
    assert respond_once(old, rpc("ping", headers={"mcp-protocol-version": "2025-06-18"})).status == 200


def test_modern_server_refuses_the_handshake() -> None:
    new = SERVER.replace("    page: 2\n", '    protocols: ["2026-07-28"]\n')
    answer = respond_once(new, rpc("initialize", {"protocolVersion": "2025-06-18"}))
    assert (answer.status, answer.json["error"]["code"]) == (400, -32602)
    assert refused(rpc("ping"), new) == (400, -32000)


def test_handshake_that_offers_2026_gets_an_older_version() -> None:
    """As `_negotiate_initialize` of `mcp` 2.3.0 does."""
    client = ToolClient(SERVER, protocol="2026-07-28")
    assert client.opening.status == 200
    assert client.opening.json["result"]["protocolVersion"] == "2025-11-25"
    assert "resultType" not in client.opening.json["result"]
    assert client.send("ping", headers={"mcp-protocol-version": "2025-11-25"}).status == 200
    header = {"mcp-protocol-version": "2026-07-28"}
    assert refused(rpc("initialize", {"protocolVersion": "2026-07-28"}, headers=header)) == (400, -32602)


@pytest.mark.parametrize(
    ("protocols", "status"),
    [('["2024-11-05"]', 200), ('["2024-11-05", "2025-06-18"]', 200), ('["2025-03-26"]', 200),
     ('["2025-06-18"]', 400)],
)  # fmt: skip
def test_header_is_required_since_its_first_version(protocols: str, status: int) -> None:
    files = PLAIN.replace("    title: Weather\n", f"    protocols: {protocols}\n")
    assert respond_once(files, rpc("ping")).status == status
    assert ToolClient(files, protocol="2024-11-05").opening.status == 200


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"mcp-protocol-version": "2025-06-18"}, "does not match body value '2026-07-28'"),
        ({"mcp-method": "tools/list"}, "does not match body value 'tools/call'"),
        ({"mcp-name": "echo2"}, "header value 'echo2' does not match body value 'echo'"),
        ({"mcp-name": "=?base64?!?="}, "is not valid base64"),
    ],
)
def test_modern_header_that_differs_is_refused(headers: dict[str, str], message: str) -> None:
    answer = respond_once(PLAIN, call("echo", {"text": "x"}, modern=True, headers=headers))
    assert (answer.status, answer.json["error"]["code"]) == (400, -32020)
    assert message in answer.json["error"]["message"]


@pytest.mark.parametrize("name", ["mcp-method", "mcp-name", "mcp-protocol-version"])
def test_modern_header_that_is_missing_is_refused(name: str) -> None:
    sent = call("echo", {"text": "x"}, modern=True)
    headers = {key: value for key, value in sent.headers.items() if key != name}
    assert refused(raw_request(sent.path, sent.body, headers=headers)) == (400, -32020)


@pytest.mark.parametrize(
    ("days", "header", "status"),
    [
        (3, "3", 200),
        (3, "3.0", 200),
        (3, "four", 400),
        (3, None, 400),
        (None, None, 200),
        (None, "3", 400),
        (True, "true", 200),
        ("ü", "=?base64?w7w=?=", 200),
    ],
)
def test_argument_is_repeated_in_its_header(days: Any, header: str | None, status: int) -> None:
    files = PLAIN + "rules:\n  - {match: {mcp: {tool: get_weather}}, reply: ok}\n"
    headers = {} if header is None else {"mcp-param-days": header}
    sent = call("get_weather", {"city": "x", "days": days}, modern=True, headers=headers)
    assert respond_once(files, sent).status == status


def test_stdio_needs_no_headers() -> None:
    sent = call("echo", {"text": "x"}, modern=True)
    headers = {**BOTH, "x-mockllm-stdio": "1"}
    assert respond_once(PLAIN, raw_request(sent.path, sent.body, headers=headers)).status == 200


@pytest.mark.parametrize("missing", ["protocolVersion", "clientCapabilities"])
def test_modern_request_without_its_meta_is_refused(missing: str) -> None:
    sent = rpc("tools/list", modern=True)
    body = json.loads(sent.body)
    del body["params"]["_meta"][f"io.modelcontextprotocol/{missing}"]
    assert refused(raw_request(sent.path, body, headers=sent.headers)) == (400, -32602)


def test_modern_notification_is_accepted() -> None:
    assert respond_once(PLAIN, rpc("notifications/x", id=None, modern=True)).status == 202


def test_header_without_encoding_is_itself() -> None:
    assert decoded_header("plain") == "plain"
    assert decoded_header("=?base64?/w==?=") is None


# --- sessions -----------------------------------------------------------------------------------


def test_session_is_required_and_known() -> None:
    client = ToolClient(SERVER)
    assert client.send("ping").status == 200
    missing = client.server.respond(rpc("ping"))
    assert (missing.status, missing.json["error"]["code"]) == (400, -32000)
    unknown = client.server.respond(rpc("ping", session="other"))
    assert (unknown.status, unknown.json["error"]) == (404, {"code": -32001, "message": "Session not found"})


def test_session_ends_with_delete() -> None:
    client = ToolClient(SERVER)
    headers = {"mcp-session-id": str(client.session)}
    end = raw_request("/mcp/weather", method="DELETE", headers=headers)
    assert client.server.respond(end).status == 200
    assert client.send("ping").status == 404
    assert client.server.respond(end).status == 404


def test_session_ends_with_the_error_not_found() -> None:
    rule = "rules: [{match: {mcp: {tool: echo}}, times: 1, error: not_found}]"
    client = ToolClient(SERVER + rule)
    assert client.call("get_news").status == client.send("ping").status == 200
    assert client.call("echo").status == 404
    assert client.send("ping").status == 404
    again = client.server.respond(rpc("initialize", {"protocolVersion": "2025-06-18"}))
    assert client.server.respond(rpc("ping", session=again.headers["mcp-session-id"])).status == 200


@pytest.mark.parametrize(
    "reply",
    [
        "reply: {json: {protocolVersion: 2025-06-18, capabilities: {}}}",
        "reply: {json: {protocolVersion: 2025-06-18}}, stream: true",
        "reply: {json: {protocolVersion: 2025-06-18}}, headers: {Mcp-Session-Id: abc}",
    ],
)
def test_rule_for_the_handshake_begins_a_session(reply: str) -> None:
    client = ToolClient(SERVER + f"rules: [{{match: {{mcp: {{method: initialize}}}}, {reply}}}]")
    assert client.opening.planned.responder_id is not None
    assert (client.session == "abc") == ("abc" in reply)
    assert client.send("ping").status == 200


def test_error_of_the_handshake_begins_no_session() -> None:
    rule = "{match: {mcp: {method: initialize}}, error: server_error, headers: {mcp-session-id: abc}}"
    client = ToolClient(SERVER + f"rules: [{rule}]")
    assert client.session == "abc"
    assert client.send("ping").status == 404


def test_session_belongs_to_its_server() -> None:
    client = ToolClient(SERVER + "  - {name: other}\n")
    assert client.server.respond(rpc("ping", path="/mcp/other", session=client.session)).status == 404
    headers = {"mcp-session-id": str(client.session)}
    end = client.server.respond(raw_request("/mcp/other", method="DELETE", headers=headers))
    assert end.status == 404
    assert client.send("ping").status == 200


@pytest.mark.parametrize("error", ["server_error", "unavailable"])
def test_delete_with_an_error_ends_no_session(error: str) -> None:
    client = ToolClient(SERVER + f"rules: [{{match: {{api: end_session, mcp: {{}}}}, error: {error}}}]")
    headers = {"mcp-session-id": str(client.session)}
    end = client.server.respond(raw_request("/mcp/weather", method="DELETE", headers=headers))
    assert "error" in end.json
    assert client.send("ping").status == 200


def test_unknown_method_of_2026_ends_no_session() -> None:
    client = ToolClient(SERVER)
    assert client.send("unknown", modern=True).status == 404
    assert client.send("ping").status == 200


def test_delete_without_sessions_is_not_allowed() -> None:
    end = raw_request("/mcp/weather", method="DELETE")
    assert respond_once(PLAIN, end).status == 405
    modern = raw_request("/mcp/weather", method="DELETE", headers={"mcp-protocol-version": "2026-07-28"})
    assert respond_once(SERVER, modern).status == 405
    assert respond_once(SERVER, raw_request("/mcp/no", method="DELETE")).planned.unmatched


# --- unknown servers and paths ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("path", ["/mcp/no", "/mcp"])
def test_unknown_server_is_a_404_that_names_the_known(method: str, path: str) -> None:
    files = SERVER + "  - {name: b}\n  - {name: zoo}\n"
    body = rpc("ping", path=path)
    got = respond_once(files, dataclasses.replace(body, method=method, body=body.body * (method == "POST")))
    assert (got.status, got.json["error"]["code"], got.planned.unmatched) == (404, -32000, True)
    assert got.json["error"]["message"].startswith(
        f"There is no MCP server at {path}. The scenarios have: b, weather, zoo.\nNo rule matched this request."
    )


def test_scenarios_without_servers_say_so() -> None:
    message = respond_once("rules: [{reply: x}]", rpc("ping", path="/mcp/no")).json["error"]["message"]
    assert message.startswith("There is no MCP server at /mcp/no. The scenarios have none.\n")


def test_unmatched_call_of_a_server_is_a_json_rpc_error() -> None:
    described = respond_once(PLAIN, call("get_news"))
    recorded = respond_once("rules: [{match: {path: /no, query: {a: b}}, http: {}}]", rpc(path="/mcp/no"))
    for got in (described, recorded):
        assert (got.status, got.json["error"]["code"], got.planned.unmatched) == (200, -32603, True)
        assert got.json["error"]["message"].startswith("No rule matched this request.\n")


def test_unknown_path_below_a_server_names_the_paths() -> None:
    got = respond_once(PLAIN, rpc("ping", path="/mcp/weather/x"))
    assert (got.status, got.json["error"]["code"]) == (404, -32000)
    assert "Routes: POST /mcp/{server}, GET /mcp/{server}" in got.json["error"]["message"]


def test_other_method_on_a_server_is_not_allowed() -> None:
    got = respond_once(PLAIN, raw_request("/mcp/weather", method="PUT"))
    assert (got.status, got.headers["allow"]) == (405, "DELETE, GET, POST")
    assert got.json["error"] == {
        "code": -32000,
        "message": "Not allowed to PUT on /mcp/weather: use DELETE, GET, POST.",
    }


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(NAMED))
def test_named_error_is_a_json_rpc_error(name: str) -> None:
    files = PLAIN + f"rules:\n  - {{match: {{mcp: {{tool: echo}}}}, error: {name}}}\n"
    answer = respond_once(files, call("echo", id="a"))
    body = answer.json
    assert (body["jsonrpc"], body["id"]) == ("2.0", "a")
    assert isinstance(body["error"]["code"], int)
    assert body["error"]["message"]
    assert answer.status in {200, NAMED[name]}
    assert respond_once(files, call("echo", modern=True)).status >= 200


def test_error_has_its_own_status_code_and_data() -> None:
    files = (
        PLAIN
        + """
rules:
  - match: {mcp: {tool: echo}}
    error: {type: server_error, status: 500, message: Broken., retry_after: 3s, fields: {code: -32099, data: {a: 1}}}
  - match: {mcp: {tool: get_news}}
    error: authentication
"""
    )
    answer = respond_once(files, call("echo"))
    assert (answer.status, answer.headers["retry-after"]) == (500, "3")
    assert answer.json["error"] == {"code": -32099, "message": "Broken.", "data": {"a": 1}}
    assert respond_once(files, call("get_news")).headers["www-authenticate"] == "Bearer"


def test_error_of_a_method_has_a_status_since_2026() -> None:
    files = PLAIN + "rules:\n  - {match: {mcp: {tool: echo}}, error: bad_request}\n"
    assert respond_once(files, call("echo")).status == 200
    assert respond_once(files, call("echo", modern=True)).status == 400
