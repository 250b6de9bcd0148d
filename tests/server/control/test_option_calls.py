"""The options of settings, the chosen ones, and a rule out of a request of the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockllm.core.failure import NAMED
from mockllm.core.faults import FAULTS
from mockllm.server.control.endpoints import climates
from tests.server.control.live_server import Steered, steered


def test_failure_modes_list_family_and_settings(server: Steered) -> None:
    faults = {each["name"]: each for each in server.call("GET", "/api/failure-modes").json["faults"]}
    assert faults.keys() == FAULTS.keys()
    assert all(each["about"] and each["family"] for each in faults.values())
    assert faults["stall"]["family"] == "stream"
    settings = {each["name"]: each for each in faults["stall"]["settings"]}
    assert settings.keys() >= {"after", "for"}
    assert settings["after"]["about"]
    meant = {each["name"]: each for each in faults["wrong_schema"]["settings"]}
    assert set(meant["how"]["choices"]) == {"any", "missing", "type", "value", "extra"}


def test_failure_modes_have_the_status_of_each_error(server: Steered) -> None:
    found = server.call("GET", "/api/failure-modes").json
    assert {each["name"]: each["status"] for each in found["statuses"]} == dict(NAMED)
    assert found["errors"] == list(NAMED)


def test_climates_list_modifiers(server: Steered) -> None:
    found = {each["name"]: each for each in server.call("GET", "/api/climates").json["climates"]}
    assert list(found) == ["calm", "flaky", "rate-limited", "slow", "storm", "provider-outage"]
    assert all(each["about"] for each in found.values())
    assert found["calm"]["yaml"] == ""
    assert "settings global provider-outage down" in found["provider-outage"]["yaml"]
    assert all(climates()[name].modifiers for name in found if name != "calm")


def test_climates_of_endpoint_match_only_that_endpoint(server: Steered) -> None:
    found = server.call("GET", "/api/climates?endpoint=anthropic-messages").json["climates"]
    assert "dialect: anthropic" in found[-1]["yaml"]
    refused = server.call("GET", "/api/climates?endpoint=nowhere")
    assert refused.status == 404


def test_climate_of_endpoint_is_set_and_removed(server: Steered) -> None:
    path = "/api/config/endpoints/openai-chat"
    set_ = server.call("PATCH", path, {"climate": "provider-outage", "delay": "1ms"})
    assert set_.json["settings"] == {"climate": "provider-outage", "delay": "1ms"}
    assert server.ask("hello").status >= 500
    anthropic = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    assert server.call("POST", "/v1/messages", anthropic, {"x-api-key": "k"}).status == 200
    assert server.call("PATCH", path, {"climate": None}).json["settings"] == {"delay": "1ms"}
    assert server.ask("hello").status == 200


def test_unknown_climate_is_refused_by_field(server: Steered) -> None:
    refused = server.call("PATCH", "/api/config/global", {"climate": "sunny", "delay": "1ms"})
    assert refused.status == 422
    assert refused.json["errors"][0]["field"] == "climate"
    assert "storm" in refused.json["detail"]
    assert server.call("GET", "/api/config").json["global"] == {}


def test_overlay_lists_items_with_their_origin(server: Steered) -> None:
    assert server.call("GET", "/api/overlay").json == {"items": []}
    server.call("PUT", "/api/rules/mine", {"match": {"user": "x"}, "reply": "y"})
    server.call("PATCH", "/api/config/endpoints/openai-chat", {"delay": "5ms"})
    items: list[dict[str, Any]] = server.call("GET", "/api/overlay").json["items"]
    stated = {each["name"]: each for each in items}
    assert stated["mine"]["kind"] == "rule"
    assert not stated["mine"]["from_settings"]
    assert stated["settings openai-chat"]["endpoint"] == "openai-chat"
    assert stated["settings openai-chat"]["from_settings"]
    assert "delay: 5ms" in stated["settings openai-chat"]["yaml"]
    assert server.call("POST", "/api/rules", stated["mine"]["yaml"]).status == 409, "what is told can be sent"


LONG = "word " * 60
REQUESTED = [
    ("a text is asked for as it was", {"user": "what is {{ this }}?"}, {"user": "what is {{ this }}?"}),
    ("a long text by its beginning", {"user": LONG}, {"user": LONG[:120]}),
    ("the model is named", {"user": "nobody knows this", "model": "my-*"}, {"model": "my-*"}),
]


@pytest.mark.parametrize(
    ("requested", "reported"), [each[1:] for each in REQUESTED], ids=[each[0] for each in REQUESTED]
)
def test_suggested_rule_matches_its_request(server: Steered, requested: Any, reported: Any) -> None:
    server.ask(**requested)
    (kept,) = server.call("GET", "/api/requests").json["requests"]
    built = server.call("GET", f"/api/requests/{kept['id']}/rule").json["yaml"]
    assert server.call("POST", "/api/rules", built).status == 200, built
    again = server.ask(**requested)
    assert again.json["choices"][0]["message"]["content"] == "Write the reply here."
    assert server.ask("something else entirely").status == 404


def test_suggested_rule_matches_tool_result_and_path(server: Steered) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
    ]
    server.call(
        "POST", "/v1/chat/completions", {"model": "m", "messages": messages}, {"authorization": "Bearer x"}
    )
    server.call("GET", "/else/where")
    path, tool = server.call("GET", "/api/requests").json["requests"]
    built = server.call("GET", f"/api/requests/{tool['id']}/rule").json["yaml"]
    assert "tool_result" in built
    assert "name: look" in built
    built = server.call("GET", f"/api/requests/{path['id']}/rule").json["yaml"]
    assert server.call("POST", "/api/rules", built).status == 200, built
    assert server.call("GET", "/else/where").text == "Write the reply here."
    assert server.call("GET", "/api/requests/999999/rule").status == 404


def test_suggested_rule_matches_tool_call(tmp_path: Path) -> None:
    source = "mcp:\n  - {name: shop, tools: [{name: find_order, reply: None.}]}\n"
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    with steered(tmp_path, {"shop.yaml": source}) as server:

        def called(method: str, **params: object) -> Any:
            message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            found = server.call("POST", "/mcp/shop", message, headers)
            headers.setdefault("mcp-session-id", found.headers.get("mcp-session-id", ""))
            return found.json["result"]

        called("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "probe"})
        called("tools/call", name="find_order", arguments={"number": 42, "a b": "x*", "deep": {}})
        called("tools/list")
        listed, call, _ = server.call("GET", "/api/requests").json["requests"]
        for entry in (call, listed):
            yaml = server.call("GET", f"/api/requests/{entry['id']}/rule").json["yaml"]
            assert server.call("POST", "/api/rules", yaml).status == 200, yaml
        result = called("tools/call", name="find_order", arguments={"number": 42, "a b": "x*"})
        assert result["content"] == [{"type": "text", "text": "Write the reply here."}]
        result = called("tools/call", name="find_order", arguments={"number": 42, "a b": "xy"})
        assert result["content"] == [{"type": "text", "text": "None."}]
        assert called("tools/list")["text"] == "Write the reply here."


def test_metrics_by_endpoint_count_open_and_bytes(server: Steered) -> None:
    server.ask("hello")
    (chat,) = server.call("GET", "/api/metrics").json["endpoints"]
    assert chat["endpoint"] == "openai-chat"
    assert chat["open"] == 0
    assert sum(count for _, count in chat["latency"]["buckets"]) == 1
    (second,) = server.call("GET", "/api/detailed-metrics").json["seconds"]
    assert second["bytes"] > 100
