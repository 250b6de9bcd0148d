"""Warnings about calls of a tool whose name is a slip, and the ordinary rules that have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockllm.scenario import catalog_lint
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.tool_call_lint import MAX_LENGTH, MAX_TOOLS

LONG = "a" * MAX_LENGTH


def call(*names: str) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": {}} for name in names]}


def suggested(folder: Path, match: dict[str, Any], reply: dict[str, Any], *more: object) -> list[str]:
    """Return the suggestions of the warnings about a file with this rule and more rules."""
    rules = [{"match": {"user": "u", **match}, "reply": reply}, *more]
    (folder / "a.yaml").write_text(json.dumps({"rules": rules}), encoding="utf-8")
    scenarios = load_scenarios(ScenarioSources([str(folder)]))
    assert not scenarios.diagnostics
    return [each.message.split('did you mean "')[-1][:-2] for each in catalog_lint.warnings(scenarios)]


@pytest.mark.parametrize(
    ("tool", "called"),
    [
        ("find_order", "find_ordr"), ("find_order", "find_orderr"), ("find_order", "find_odrer"),
        ("find_order", "find-order"), ("find_order", "Find_Order"), ("find_order", "findOrder"),
        ("Bash", "bash"), ("mcp__a__b1", "mcp_a_b1"), ("abc", "ab"),
    ],
)  # fmt: skip
def test_call_of_slip_is_warned(tool: str, called: str, tmp_path: Path) -> None:
    assert suggested(tmp_path, {"tools": ["other", tool]}, call("unlike", called)) == [tool]
    assert suggested(tmp_path, {"tools": called}, call(tool, tool)) == [called, called]


@pytest.mark.parametrize(
    ("tool", "called"),
    [
        ("read_file", "write_file"), ("unlock_door", "lock_door"), ("create_file", "read_file"),
        ("turn_off", "turn_on"), ("Edit", "Exit"), ("Bash", "BashOutput"), ("search_v2", "search_v1"),
        ("search", "search2"), ("search_12", "search_21"), ("search_1", "search_12"), ("a1b", "ab1"),
        ("get_order", "get_order_status"), (LONG + "ab", LONG + "a"), ("bash", "hash"),
    ],
)  # fmt: skip
def test_call_of_another_tool_has_no_warning(tool: str, called: str, tmp_path: Path) -> None:
    assert suggested(tmp_path, {"tools": tool}, call(called)) == []
    assert suggested(tmp_path, {"tools": called}, call(tool)) == []


@pytest.mark.parametrize(
    "more",
    [
        {"any": [{"tools": "get_orders"}, {"model": "x"}]}, {"not": {"tools": ["a", "get_orders"]}},
        {"all": [{"not": {"tools": {"equals": "get_orders"}}}]}, {"tool_result": {"name": "get_orders"}},
        {"system": {"contains": "call get_orders, then stop"}}, {"tool_choice": {"name": "get_orders"}},
        {"body": {"$.a": {"equals": {"b": ["get_orders"]}}}},
    ],
)  # fmt: skip
def test_called_name_in_match_has_no_warning(more: dict[str, Any], tmp_path: Path) -> None:
    assert suggested(tmp_path, {"tools": "get_order", **more}, call("get_orders")) == []


@pytest.mark.parametrize(
    "match",
    [
        {"tools": "get_orders"}, {"tools": ["a", "get_orders"]}, {"uncalled": "get_orders"},
        {"any": [{"tools": "get_orders"}, {"not": {"tools": "b"}}]}, {"not": {"mentioned": "get_orders"}},
    ],
)  # fmt: skip
def test_tool_of_another_rule_has_no_warning(match: dict[str, Any], tmp_path: Path) -> None:
    other = {"match": {"user": "v", **match}, "reply": "x"}
    assert suggested(tmp_path, {"tools": "get_order"}, call("get_orders"), other) == []


def test_tool_of_another_file_does_not_count(tmp_path: Path) -> None:
    other = {"rules": [{"match": {"user": "v", "tools": "get_orders"}, "reply": "x"}]}
    (tmp_path / "b.yaml").write_text(json.dumps(other), encoding="utf-8")
    assert suggested(tmp_path, {"tools": "get_order"}, call("get_orders")) == ["get_order"]


def test_reply_that_also_calls_the_tool_has_no_warning(tmp_path: Path) -> None:
    both = {"choices": [call("get_order"), {"parts": [call("get_orders")]}]}
    assert suggested(tmp_path, {"tools": "get_order"}, both) == []
    sequence = {
        "match": {"tools": "one_tool"},
        "sequence": [{"reply": call(n)} for n in ("one_tool", "one_tol")],
    }
    assert suggested(tmp_path, {"tools": "get_order"}, {"text": "x"}, sequence) == ["one_tool"]


def test_rule_with_many_tools_has_no_warning(tmp_path: Path) -> None:
    tools = [f"tool_{number}" for number in range(MAX_TOOLS)]
    assert suggested(tmp_path, {"tools": tools}, call("tol_7")) == ["tool_7"]
    assert suggested(tmp_path, {"tools": [*tools, "other"]}, call("tol_7")) == []


def test_two_tools_that_rules_use_have_no_warning(tmp_path: Path) -> None:
    result = {"match": {"tool_result": {"name": "get_orders"}}, "reply": "x"}
    assert suggested(tmp_path, {"tools": "get_order"}, call("get_orders"), result) == ["get_order"]
    both = {"match": {"user": "v"}, "reply": call("get_order")}
    assert suggested(tmp_path, {"tools": "get_order"}, call("get_orders"), result, both) == []
    assert suggested(tmp_path, {"tools": "get_order"}, call("get_orders"), both) == ["get_order"]


def test_result_beside_many_called_tools_has_no_warning(tmp_path: Path) -> None:
    result = {"match": {"tool_result": {"name": "tol_7"}}, "reply": "x"}
    tools = [f"tool_{number}" for number in range(MAX_TOOLS)]
    assert suggested(tmp_path, {}, call(*tools), result) == ["tool_7"]
    assert suggested(tmp_path, {}, call(*tools, "other"), result) == []


SLIP = {"match": {"tool_result": {"name": "find_ordr"}}, "reply": "x"}
OTHER = {"match": {"user": "other"}}


@pytest.mark.parametrize(
    "response",
    [
        {"http": {"body": {"function": {"name": "find_ordr"}}}},
        {"http": {"body": "call find_ordr"}},
        {"http": {"body": {"name": "{{ model }}"}}},
        {"http": {"body_file": "find.json"}},
        {"reply": {"tool_calls": "from_schema"}},
        {"reply": {"parts": [{"text": "x"}, {"tool_calls": [{"name": "{{ tools[0] }}"}]}]}},
        {"proxy": "http://127.0.0.1:9"},
        {"sequence": ["x", {"reply": {"tool_calls": "from_schema"}}]},
    ],
)
def test_result_of_tool_that_may_be_called(response: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "find.json").write_text("{}")
    assert suggested(tmp_path, {}, call("find_order"), SLIP, {**OTHER, **response}) == []


@pytest.mark.parametrize("response", [{"http": {"body": {"name": "find"}}}, {"error": "overloaded"}])
def test_result_of_tool_that_is_not_called(response: dict[str, Any], tmp_path: Path) -> None:
    assert suggested(tmp_path, {}, call("find_order"), SLIP, {**OTHER, **response}) == ["find_order"]
