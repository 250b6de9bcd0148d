"""`from_schema` with the tools of a provider that the client runs: their input is known without a schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.language.virtual_server import claude_request, raw_request, respond_all, respond_once

CALL = "rules: [{reply: {tool_calls: from_schema}}]"
ACTION = {"type": "screenshot"}


def responses_body(rules: str, **fields: Any) -> Any:
    body = {"model": "gpt-5.1", "input": "Fix it.", **fields}
    return respond_once(rules, raw_request("/v1/responses", body)).json


@pytest.mark.parametrize(
    ("type", "name", "expected"),
    [
        ("bash_20250124", "bash", {"command": "ls -la"}),
        ("text_editor_20250728", "str_replace_based_edit_tool", {"command": "view", "path": "src/main.py"}),
        ("memory_20250818", "memory", {"command": "view", "path": "/memories"}),
        ("computer_20250124", "computer", {"action": "screenshot"}),
    ],
)
def test_client_tool_of_anthropic_is_called_with_its_input(type: str, name: str, expected: Any) -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"type": type, "name": name}]
    assert respond_once(CALL, claude_request("Look at src/main.py.", tools=tools)).calls == [(name, expected)]


@pytest.mark.parametrize("type", ["custom", "bash_20250124"])
def test_tool_of_any_type_has_its_own_schema(type: str) -> None:
    schema = {"type": "object", "properties": {"city": {"const": "Oslo"}}, "required": ["city"]}
    tools = [{"type": type, "name": "get_weather", "input_schema": schema}]
    assert respond_once(CALL, claude_request(tools=tools)).calls == [("get_weather", {"city": "Oslo"})]


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (
            {"type": "shell"},
            {
                "type": "shell_call",
                "action": {"max_output_length": None, "timeout_ms": None, "commands": ["ls"]},
            },
        ),
        ({"type": "shell", "environment": {"type": "local"}}, {"type": "shell_call"}),
        (
            {"type": "local_shell"},
            {"type": "local_shell_call", "action": {"type": "exec", "env": {}, "command": ["ls"]}},
        ),
        (
            {"type": "apply_patch"},
            {
                "type": "apply_patch_call",
                "operation": {"type": "create_file", "path": "a.py", "diff": "+\n"},
            },
        ),
        (
            {"type": "computer_use_preview"},
            {"type": "computer_call", "action": ACTION, "pending_safety_checks": []},
        ),
        ({"type": "computer"}, {"type": "computer_call", "actions": [ACTION], "pending_safety_checks": []}),
    ],
)
def test_client_tool_of_openai_is_called_as_its_own_item(tool: Any, expected: Any) -> None:
    (item,) = responses_body(CALL, input="Write a.py.", tools=[{"type": "web_search"}, tool])["output"]
    assert {name: item[name] for name in expected} == expected
    assert (item["status"], item["call_id"][:5]) == ("completed", "call_")


def test_stream_of_shell_call_has_events_of_its_commands() -> None:
    body = {"model": "gpt-5.1", "input": "Go.", "stream": True, "tools": [{"type": "shell"}]}
    events = [event.json for event in respond_once(CALL, raw_request("/v1/responses", body)).events]
    shell = [event for event in events if "shell_call_command" in event["type"]]
    assert [event["type"].rpartition(".")[2] for event in shell] == ["added", "delta", "done"]
    assert (shell[1]["delta"], shell[2]["command"], shell[2]["command_index"]) == ("ls", "ls", 0)


def test_named_call_of_client_tool_is_its_item() -> None:
    rules = "rules: [{reply: {tool_calls: [{name: shell, id: call_7, arguments: {commands: [pwd]}}]}}]"
    (item,) = responses_body(rules, tools=[{"type": "shell"}])["output"]
    assert (item["type"], item["call_id"], item["action"]["commands"]) == ("shell_call", "call_7", ["pwd"])
    (item,) = responses_body(rules, tools=[{"type": "function", "name": "shell"}])["output"]
    assert item["type"] == "function_call"


@pytest.mark.parametrize("arguments", ["'{'", "'[]'"])
def test_client_tool_call_without_object_stays_function_call(arguments: str) -> None:
    rules = f"rules: [{{reply: {{tool_calls: [{{name: shell, arguments: {arguments}}}]}}}}]"
    (item,) = responses_body(rules, tools=[{"type": "shell"}])["output"]
    assert (item["type"], item["name"]) == ("function_call", "shell")


def test_shell_in_container_is_not_called() -> None:
    tools = [{"type": "shell", "environment": {"type": "container_auto"}}]
    (item,) = responses_body(CALL, tools=tools)["output"]
    assert "only tools that the provider runs" in item["content"][0]["text"]


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        ("/v1/responses", {"input": "Go."}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Go."}]}),
    ],
)
def test_tool_of_unknown_type_is_not_called(path: str, messages: Any) -> None:
    body = {"model": "gpt-5.1", **messages, "tools": [{"type": "provider-defined"}]}
    response = respond_once("validation: off\n" + CALL, raw_request(path, body))
    assert response.status == 200
    assert "only tools that the provider runs" in json.dumps(response.json)


@pytest.mark.parametrize(
    ("type", "item", "output"),
    [
        ("computer_use_preview", {"type": "computer_call", "action": ACTION}, "computer_call_output"),
        (
            "computer_use_preview",
            {"type": "computer_call", "action": ACTION, "actions": None},
            "computer_call_output",
        ),
        ("computer", {"type": "computer_call", "action": None, "actions": [ACTION]}, "computer_call_output"),
        ("computer", {"type": "computer_call", "actions": [ACTION, ACTION]}, "computer_call_output"),
        (
            "local_shell",
            {"type": "local_shell_call", "action": {"command": ["ls"]}},
            "local_shell_call_output",
        ),
    ],
)
def test_function_is_called_after_client_tool(type: str, item: Any, output: str) -> None:
    history = [
        {"role": "user", "content": "Go."},
        {**item, "call_id": "c"},
        {"type": output, "call_id": "c", "output": {}},
    ]
    tools = [{"type": type}, {"type": "function", "name": "f", "parameters": {}}]
    (called,) = responses_body(CALL, input=history, tools=tools)["output"]
    assert (called["type"], called.get("name")) == ("function_call", "f")


@pytest.mark.parametrize(("type", "member"), [("computer", "actions"), ("computer_use_preview", "action")])
def test_choice_of_computer_use_calls_any_computer(type: str, member: str) -> None:
    tools = [{"type": "function", "name": "f", "parameters": {}}, {"type": type}]
    (item,) = responses_body(CALL, tools=tools, tool_choice={"type": "computer_use"})["output"]
    assert (item["type"], member in item) == ("computer_call", True)


def test_rule_matches_what_the_shell_wrote() -> None:
    rules = """
    rules:
      - match: {tool_result: {name: shell, text: {contains: hello}}}
        reply: "{{ tool_result.text }}"
    """
    history = [
        {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}},
        {
            "type": "shell_call_output",
            "call_id": "c",
            "output": [{"stdout": "hello", "stderr": "no"}, {"stderr": ""}],
        },
    ]
    (item,) = responses_body(rules, input=history, tools=[{"type": "shell"}])["output"]
    assert item["content"][0]["text"] == "hello\nno"


def test_next_client_tool_is_called_after_first() -> None:
    tools = [{"type": "shell"}, {"type": "apply_patch"}]
    first = {"model": "gpt-5.1", "input": "Go.", "tools": tools}
    (item,) = respond_once(CALL, raw_request("/v1/responses", first)).json["output"]
    output = {"type": "shell_call_output", "call_id": item["call_id"], "output": []}
    second = {**first, "input": [{"role": "user", "content": "Go."}, item, output]}
    (response,) = respond_all(CALL, raw_request("/v1/responses", second))
    assert response.json["output"][0]["type"] == "apply_patch_call"
