"""Tools that items `additional_tools` add: how responses echo them, and how they are called."""

from __future__ import annotations

import pytest
from openai.types.responses import Tool
from pydantic import TypeAdapter

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.reply.reply import ToolCall
from mockllm.dialects.openai.responses.dialect import RESPONSES
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.responses.responses_requests import responses
from tests.dialects.openai.responses.test_openai_responses import HI, body_of_reply, reply_of

TOOL: TypeAdapter[Tool] = TypeAdapter(Tool)
FIND: Json = {"type": "function", "name": "find", "parameters": {"type": "object"}}
SQL: Json = {"type": "custom", "name": "sql"}
CRM: Json = {"type": "namespace", "name": "crm", "description": "Customers.", "tools": [FIND, SQL]}
SEARCH: Json = {"type": "web_search"}
BOTH = pytest.mark.parametrize("model", ["gpt-5.4", "gpt-5.6"])


def added(*tools: Json) -> list[Json]:
    return [{"type": "additional_tools", "role": "developer", "tools": [*tools]}]


def echoed_tools(model: str, *tools: Json, own: Json = None) -> list[Json]:
    """Return the echo of added tools, which the SDK has to know."""
    echoed: list[Json] = body_of_reply(HI, model=model, tools=own, input=added(*tools))["tools"]
    for tool in echoed:
        TOOL.validate_json(dumps(tool))
    return echoed


def called(model: str, name: str, *tools: Json, own: Json = None) -> Json:
    """Return the item of a call, which is the same in a stream."""
    reply = reply_of(ToolCall(name, ("{}",)))
    request = {"model": model, "tools": own, "input": added(*tools)}
    (item,) = body_of_reply(reply, **request)["output"]
    plan = RESPONSES.encode_stream(reply, responses(stream=True, **request), IDENTITY)
    streamed = [loads(data) for data, event in events(plan)]
    assert [event["item"] for event in streamed if event["type"] == "response.output_item.done"] == [item]
    return item


@BOTH
def test_added_namespace_is_echoed_as_one_of_the_request(model: str) -> None:
    echoed = echoed_tools(model, CRM)
    assert echoed == body_of_reply(HI, model=model, tools=[CRM])["tools"]
    assert [tool["type"] for tool in echoed[0]["tools"]] == ["function", "custom"]


@BOTH
@pytest.mark.parametrize(("name", "type_"), [("find", "function_call"), ("sql", "custom_tool_call")])
def test_call_of_an_added_namespace_names_it(model: str, name: str, type_: str) -> None:
    item = called(model, name, CRM)
    assert (item["type"], item["namespace"]) == (type_, "crm")


@pytest.mark.parametrize(
    ("model", "type_", "namespace"), [("gpt-5.4", "namespace", "sql"), ("gpt-5.6", "custom", None)]
)
def test_added_custom_tool_is_called_with_a_text(model: str, type_: str, namespace: str | None) -> None:
    (echoed,) = echoed_tools(model, SQL)
    assert echoed["type"] == type_
    item = called(model, "sql", SQL)
    assert (item["type"], item.get("namespace")) == ("custom_tool_call", namespace)


@BOTH
def test_added_tool_replaces_one_of_its_name(model: str) -> None:
    function = {**FIND, "name": "sql"}
    assert called(model, "sql", function, own=[SQL])["type"] == "function_call"
    assert [tool["name"] for tool in echoed_tools(model, function, own=[SQL])] == ["sql"]
    smaller = {**CRM, "tools": [FIND]}
    (echoed,) = echoed_tools(model, CRM, smaller, own=[CRM])
    assert [tool["name"] for tool in echoed["tools"]] == ["find"]
    assert "namespace" not in called(model, "sql", smaller, own=[CRM])


@pytest.mark.parametrize(("model", "namespace"), [("gpt-5.4", "find"), ("gpt-5.6", None)])
def test_added_function_is_not_that_of_a_namespace(model: str, namespace: str | None) -> None:
    assert called(model, "find", FIND, own=[CRM]).get("namespace") == namespace


@BOTH
def test_call_of_a_namespace_beside_an_added_tool_names_it(model: str) -> None:
    assert called(model, "find", SEARCH, own=[CRM])["namespace"] == "crm"


@BOTH
def test_added_tool_without_a_name_is_echoed_once(model: str) -> None:
    servers = [{"type": "mcp", "server_label": label, "server_url": "https://a.test"} for label in "ab"]
    echoed = echoed_tools(model, SEARCH, *servers, own=[SEARCH, servers[0]])
    assert [(tool["type"], tool.get("server_label")) for tool in echoed] == [
        ("web_search", None),
        ("mcp", "a"),
        ("mcp", "b"),
    ]
    assert echoed == body_of_reply(HI, model=model, tools=[SEARCH, *servers])["tools"]


@BOTH
def test_added_function_without_a_name_is_no_namespace(model: str) -> None:
    nameless: Json = {"type": "function"}
    body = body_of_reply(HI, model=model, input=added(nameless))
    assert body["tools"] == body_of_reply(HI, model=model, tools=[nameless])["tools"]


@BOTH
def test_added_shell_is_called_with_its_own_item(model: str) -> None:
    reply = reply_of(ToolCall("shell", ('{"commands": ["ls"]}',)))
    body = body_of_reply(reply, model=model, input=added({"type": "shell"}))
    assert body["output"][0]["type"] == "shell_call"


@pytest.mark.parametrize("described", [{}, {"description": None}], ids=["absent", "null"])
def test_namespace_of_a_late_function_has_a_description(described: dict[str, Json]) -> None:
    function = {**FIND, **described}
    (echoed,) = echoed_tools("gpt-5.4", function)
    assert (echoed["description"], echoed["tools"][0]["description"]) == ("", None)
    typeless = {name: value for name, value in function.items() if name != "type"}
    assert echoed_tools("gpt-5.4", typeless) == [echoed]
    loaded: Json = {"type": "tool_search_output", "call_id": None, "tools": [function]}
    deferred: Json = [{"type": "tool_search"}, {**function, "defer_loading": True}]
    assert body_of_reply(HI, tools=deferred, input=[loaded])["tools"][1] == echoed
