"""The results of an MCP server: the handshake, the lists, and the responses of its description or of a rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.dialects.mcp.protocol import VERSIONS
from tests.dialects.mcp.messages import MODERN, SERVER, ToolClient, call, rpc
from tests.language.virtual_server import VirtualServer, respond_once

RULES = """
rules:
  - name: paris
    match: {mcp: {tool: get_weather, arguments: {$.city: Paris}}}
    reply: {json: {temperature: 31}}
  - name: atlantis
    match: {mcp: {tool: get_*, arguments: {$.city: Atlantis}}}
    reply: {text: No such city., mcp: {is_error: true}}
  - name: refused
    match: {mcp: {tool: get_weather, arguments: {$.city: Secret}}}
    reply: {refusal: I may not say.}
"""
FILES = SERVER + RULES
MCP_SESSION_HEADER = "mcp-session-id"


def test_initialize_responds_with_the_version_of_the_client() -> None:
    client = ToolClient(SERVER, protocol="2025-06-18")
    assert client.opening.json == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {
            "protocolVersion": "2025-06-18",
            "capabilities": {
                "logging": {},
                "completions": {},
                "tools": {"listChanged": False},
                "prompts": {"listChanged": False},
                "resources": {"listChanged": False, "subscribe": True},
            },
            "serverInfo": {"name": "weather", "title": "Weather", "version": "2.1"},
            "instructions": "Ask for a city.",
        },
    }
    assert client.session is not None
    assert len(client.session) == 32
    assert client.send("notifications/initialized", id=None).status == 202


def test_initialize_with_unknown_version_offers_the_newest() -> None:
    assert ToolClient(SERVER, protocol="1999-01-01").opening.json["result"]["protocolVersion"] == "2025-11-25"
    opening = respond_once(SERVER, rpc("initialize", {}))
    assert (opening.status, opening.json["error"]["code"]) == (400, -32602)


def test_discover_lists_versions() -> None:
    found = respond_once(SERVER, rpc("server/discover", modern=True)).json["result"]
    assert found["supportedVersions"] == list(VERSIONS)
    assert (found["resultType"], found["ttlMs"], found["cacheScope"]) == ("complete", 0, "private")
    assert found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "weather"


def test_lists_have_pages() -> None:
    client = ToolClient(SERVER)
    first = client.result("tools/list")
    assert [tool["name"] for tool in first["tools"]] == ["get_weather", "echo"]
    second = client.result("tools/list", {"cursor": first["nextCursor"]})
    assert [tool["name"] for tool in second["tools"]] == ["get_news"]
    assert "nextCursor" not in second
    for cursor in ("nonsense", "LTE=", 7):
        refused = client.send("tools/list", {"cursor": cursor})
        assert refused.json["error"] == {"code": -32602, "message": "Invalid params: invalid cursor"}


def test_tool_definition_has_all_that_is_described() -> None:
    weather, echo = ToolClient(SERVER).result("tools/list")["tools"]
    assert weather == {
        "name": "get_weather",
        "title": "The weather",
        "description": "The weather of a city",
        "inputSchema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "x-mcp-header": "Days"}},
            "required": ["city"],
        },
        "outputSchema": {"type": "object", "properties": {"temperature": {"type": "number"}}},
        "annotations": {"readOnlyHint": True},
    }
    assert echo == {"name": "echo", "inputSchema": {"type": "object"}}


def test_resources_and_templates_are_listed_apart() -> None:
    client = ToolClient(SERVER.replace("    page: 2\n", ""))
    listed = client.result("resources/list")["resources"]
    assert [entry["uri"] for entry in listed] == ["file:///a.md", "file:///b.png", "file:///later"]
    assert listed[0] == {
        "uri": "file:///a.md",
        "name": "A",
        "title": "Doc",
        "description": "A doc",
        "mimeType": "text/markdown",
    }
    (template,) = client.result("resources/templates/list")["resourceTemplates"]
    assert template["uriTemplate"] == "city://{name}"


def test_prompts_are_listed_with_arguments() -> None:
    greet, plain = ToolClient(SERVER).result("prompts/list")["prompts"]
    assert greet["arguments"] == [
        {"name": "who", "description": "Whom", "required": True},
        {"name": "tone", "required": False},
    ]
    assert plain == {"name": "plain"}


@pytest.mark.parametrize(
    ("uri", "contents"),
    [
        ("file:///a.md", {"mimeType": "text/markdown", "text": "# A"}),
        ("file:///b.png", {"mimeType": "image/png", "blob": "AAAA"}),
        ("city://Oslo", {"mimeType": "application/json", "text": '{"name":"Oslo"}'}),
    ],
)
def test_resource_is_read(uri: str, contents: dict[str, Any]) -> None:
    assert ToolClient(SERVER).result("resources/read", {"uri": uri}) == {
        "contents": [{"uri": uri, **contents}]
    }


FAMILIES = """
mcp:
  - name: weather
    sessions: false
    resources:
      - {uri_template: "a://{x}", mime_type: text/html, text: "A {{ mcp.arguments.x }}"}
      - {uri_template: "b://{y}", mime_type: text/css, text: "B {{ mcp.arguments.y }}"}
      - {uri: "b://one", mime_type: text/csv, text: One}
      - {uri_template: "http://[::1]/*?{z}", mime_type: text/xml, text: "C {{ mcp.arguments.z }}"}
"""


@pytest.mark.parametrize(
    ("uri", "mime", "text"),
    [
        ("a://1", "text/html", "A 1"),
        ("b://1", "text/css", "B 1"),
        ("b://one", "text/csv", "One"),
        ("http://[::1]/*?5", "text/xml", "C 5"),
    ],
)
def test_address_has_the_content_of_its_template(uri: str, mime: str, text: str) -> None:
    read = respond_once(FAMILIES, rpc("resources/read", {"uri": uri}))
    assert read.json["result"] == {"contents": [{"uri": uri, "mimeType": mime, "text": text}]}


def test_unknown_resource_is_an_error_with_its_uri() -> None:
    params = {"uri": "file:///no"}
    error = {"code": -32002, "message": "Resource not found", "data": {"uri": "file:///no"}}
    assert ToolClient(SERVER).send("resources/read", params).json["error"] == error
    modern = respond_once(SERVER, rpc("resources/read", params, modern=True))
    assert (modern.status, modern.json["error"]["code"]) == (400, -32602)
    beside = ToolClient(SERVER).send("resources/read", {"uri": "city://a/b"})
    assert beside.json["error"]["code"] == -32002


def test_prompt_has_its_messages() -> None:
    found = ToolClient(SERVER).result("prompts/get", {"name": "greet", "arguments": {"who": "Ann"}})
    assert found == {
        "description": "Greets somebody",
        "messages": [
            {"role": "user", "content": {"type": "text", "text": "Greet Ann."}},
            {"role": "assistant", "content": {"type": "text", "text": "Hello."}},
        ],
    }


def test_prompt_of_a_rule_has_its_text() -> None:
    files = SERVER + "rules:\n  - {match: {mcp: {prompt: plain}}, reply: Plainly.}\n"
    found = ToolClient(files).result("prompts/get", {"name": "plain"})
    assert found == {"messages": [{"role": "user", "content": {"type": "text", "text": "Plainly."}}]}


def test_completion_begins_with_what_is_typed() -> None:
    client = ToolClient(SERVER)
    params = {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "who", "value": "An"}}
    found = client.result("completion/complete", params)["completion"]
    assert found == {"values": ["Ann", "Anna"], "total": 2, "hasMore": False}
    params["ref"] = {"type": "ref/resource", "uri": "city://{name}"}
    assert client.result("completion/complete", params)["completion"]["values"] == []


def test_completion_of_a_rule_has_its_list() -> None:
    files = SERVER + "rules:\n  - {match: {mcp: {method: completion/complete}}, reply: {json: [a, b]}}\n"
    assert ToolClient(files).result("completion/complete") == {"completion": {"values": ["a", "b"]}}


@pytest.mark.parametrize("method", ["ping", "resources/subscribe", "resources/unsubscribe"])
def test_method_without_content_has_an_empty_result(method: str) -> None:
    assert ToolClient(SERVER).result(method) == {}


def test_log_level_is_checked() -> None:
    client = ToolClient(SERVER)
    assert client.result("logging/setLevel", {"level": "info"}) == {}
    assert client.send("logging/setLevel", {"level": "loud"}).json["error"]["code"] == -32602


def test_unknown_method_is_not_found() -> None:
    assert ToolClient(SERVER).send("tools/invent").json["error"] == {
        "code": -32601,
        "message": "Method not found: tools/invent",
    }
    modern = respond_once(SERVER, rpc("ping", modern=True))
    assert (modern.status, modern.json["error"]["code"]) == (404, -32601)


# --- calls of tools -----------------------------------------------------------------------------


def test_tool_result_of_a_rule_is_structured() -> None:
    answer = ToolClient(FILES).call("get_weather", {"city": "Paris"})
    assert answer.rule == "paris"
    assert answer.json["result"] == {
        "content": [{"type": "text", "text": '{"temperature":31}'}],
        "structuredContent": {"temperature": 31},
    }


def test_tool_that_fails_says_so_in_its_result() -> None:
    client = ToolClient(FILES)
    for city, text in (("Atlantis", "No such city."), ("Secret", "I may not say.")):
        result = client.call("get_weather", {"city": city}).json["result"]
        assert result == {"content": [{"type": "text", "text": text}], "isError": True}


def test_tool_of_the_description_responds_by_itself() -> None:
    answer = ToolClient(FILES).call("echo", {"text": "hi"})
    assert answer.id == "a.yaml:weather"
    assert answer.json["result"]["content"] == [{"type": "text", "text": "You said hi."}]


def test_unknown_tool_and_prompt_are_errors() -> None:
    client = ToolClient(FILES)
    assert client.call("nothing").json["error"] == {"code": -32602, "message": "Unknown tool: nothing"}
    assert client.send("prompts/get", {"name": "no"}).json["error"]["message"] == "Unknown prompt: no"


def test_known_tool_without_a_rule_names_near_misses() -> None:
    answer = ToolClient(FILES).call("get_weather", {"city": "Pariss"})
    error = answer.json["error"]
    assert (answer.status, error["code"], answer.planned.unmatched) == (200, -32603, True)
    assert 'arguments[$.city] expected "Paris", found "Pariss"' in error["message"]
    assert "the same" in error["message"]


def test_unknown_server_names_no_rule() -> None:
    answer = respond_once(FILES, call("get_weather", path="/mcp/other"))
    assert answer.planned.unmatched
    assert respond_once(FILES, rpc("ping", path="/mcp/other")).planned.unmatched


def test_only_server_needs_no_name() -> None:
    client = ToolClient(FILES, path="/mcp")
    assert client.call("get_weather", {"city": "Paris"}).rule == "paris"


def test_result_has_blocks_of_every_kind() -> None:
    files = (
        SERVER
        + """
rules:
  - match: {mcp: {tool: get_news}}
    reply:
      parts: [First., {images: [{data: AAAA}]}, {images: [{data: BBBB, mime_type: audio/wav}]}]
      mcp: {content: [{type: resource_link, uri: "file:///a.md", name: A}], structured: {n: 1}}
      extras: {mcp: {_meta: {a: 1}}}
"""
    )
    assert ToolClient(files).call("get_news").json["result"] == {
        "content": [
            {"type": "text", "text": "First."},
            {"type": "image", "data": "AAAA", "mimeType": "image/png"},
            {"type": "audio", "data": "BBBB", "mimeType": "audio/wav"},
            {"type": "resource_link", "uri": "file:///a.md", "name": "A"},
        ],
        "structuredContent": {"n": 1},
        "_meta": {"a": 1},
    }


def test_result_from_the_schema_of_the_tool() -> None:
    files = SERVER + "rules:\n  - {match: {mcp: {tool: get_weather}}, reply: {json: from_schema}}\n"
    result = ToolClient(files).call("get_weather", {"city": "x"}).json["result"]
    assert isinstance(result["structuredContent"]["temperature"], int | float)


def test_text_that_is_no_json_has_no_structure() -> None:
    files = SERVER + "rules:\n  - {match: {mcp: {tool: get_weather}}, reply: Warm.}\n"
    result = ToolClient(files).call("get_weather", {"city": "x"}).json["result"]
    assert result == {"content": [{"type": "text", "text": "Warm."}]}


def test_other_method_of_a_rule_has_its_json() -> None:
    files = SERVER + "rules:\n  - {match: {mcp: {method: x/y}}, reply: {json: {a: 1}}}\n"
    assert ToolClient(files).result("x/y") == {"a": 1}


def test_rules_for_models_see_no_calls_of_tools() -> None:
    answer = ToolClient(SERVER + "rules: [{reply: Hi.}]").call("get_news")
    assert answer.planned.unmatched


def test_match_on_any_call_sees_every_method() -> None:
    files = SERVER + "rules:\n  - {match: {mcp: {}}, error: unavailable}\n"
    assert ToolClient(files).opening.status == 503
    assert respond_once(files, rpc("x/y", modern=True)).status == 503


def test_match_on_client_and_protocol() -> None:
    files = (
        SERVER
        + f"rules:\n  - {{match: {{mcp: {{client: test*, protocol: '{MODERN}'}}}}, error: unavailable}}\n"
    )
    assert respond_once(files, rpc("tools/list", modern=True)).status == 503
    assert ToolClient(files).opening.status == 200


def test_notification_of_a_rule_is_accepted() -> None:
    files = SERVER + "rules:\n  - {match: {mcp: {method: notifications/*}}, reply: Thanks., stream: true}\n"
    client = ToolClient(files)
    answer = client.send("notifications/cancelled", {"requestId": 3}, id=None)
    assert (answer.rule, answer.status, answer.bytes) == ("rules[0]", 202, b"")
    plain = ToolClient(files.replace(", stream: true", "")).send("notifications/x", id=None)
    assert (plain.rule, plain.status, plain.bytes) == ("rules[0]", 202, b"")


def test_sequences_and_states_hold_for_tools_and_models() -> None:
    files = (
        SERVER
        + """
rules:
  - match: {mcp: {tool: get_news}}
    sequence: [{error: rate_limit}, {reply: Fresh., }]
    sets_state: {read: true}
  - {match: {mcp: {tool: get_weather}}, requires_state: {read: true}, reply: Known.}
  - {match: {user: news}, requires_state: {read: true}, reply: You read them.}
"""
    )
    client = ToolClient(files)
    assert client.call("get_weather", {"city": "x"}).planned.unmatched
    limited = client.call("get_news")
    assert (limited.status, limited.headers["retry-after"], limited.json["error"]["code"]) == (
        429,
        "1",
        -32000,
    )
    assert client.call("get_news").json["result"]["content"][0]["text"] == "Fresh."
    assert client.call("get_weather", {"city": "x"}).json["result"]["content"][0]["text"] == "Known."
    from tests.language.virtual_server import chat_request

    assert client.server.respond(chat_request("news")).text == "You read them."


def test_two_files_with_one_server_use_the_first() -> None:
    second = 'mcp: [{name: weather, version: "9"}]'
    client = ToolClient({"a.yaml": SERVER, "b.yaml": second})
    assert client.opening.json["result"]["serverInfo"]["version"] == "2.1"


def test_server_without_sessions_has_none() -> None:
    files = SERVER.replace("    page: 2\n", "    sessions: false\n")
    client = ToolClient(files)
    assert client.session is None
    assert client.result("ping") == {}
    assert client.server.respond(rpc(path="/mcp/weather", method="ping")).status == 200


def test_extras_describe_the_server() -> None:
    files = SERVER.replace("    page: 2\n", "    extras: {websiteUrl: 'https://example.com'}\n")
    info = ToolClient(files).opening.json["result"]["serverInfo"]
    assert info["websiteUrl"] == "https://example.com"


def test_same_seed_makes_the_same_session() -> None:
    first, second = (
        VirtualServer(SERVER).respond(rpc("initialize", {"protocolVersion": "x"})) for _ in range(2)
    )
    assert first.headers[MCP_SESSION_HEADER] == second.headers[MCP_SESSION_HEADER]
    assert json.loads(first.bytes) == json.loads(second.bytes)
