"""Toolsets of Anthropic: one entry of `tools` offers many tools, whose calls name their toolset."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import claude_request, respond_all, respond_once

COMPUTER = {"type": "computer_toolset_20260801"}
BROWSER = {"type": "browser_toolset_20260801"}
SCREENSHOT = "rules: [{match: {tools: screenshot}, reply: {tool_calls: [{name: screenshot}]}}]"
FROM_SCHEMA = "rules: [{reply: {tool_calls: from_schema}}]"


def use(rules: str, *tools: Any, **fields: Any) -> Any:
    """Return the only block of the response, without its id and its caller."""
    (block,) = respond_once(rules, claude_request(tools=[*tools], **fields)).json["content"]
    return {name: value for name, value in block.items() if name not in ("id", "caller")}


@pytest.mark.parametrize(("tool", "name"), [(COMPUTER, "computer"), (BROWSER, "browser")])
@pytest.mark.parametrize("rules", [SCREENSHOT, FROM_SCHEMA], ids=["named", "from_schema"])
def test_call_of_member_names_its_toolset(rules: str, tool: Any, name: str) -> None:
    expected = {"type": "tool_use", "name": "screenshot", "input": {}, "toolset_name": name}
    assert use(rules, tool) == expected
    events = [each.json for each in respond_once(rules, claude_request(tools=[tool], stream=True)).events]
    (start,) = (each["content_block"] for each in events if each["type"] == "content_block_start")
    assert start["toolset_name"] == name


def test_disabled_member_is_not_offered() -> None:
    configs = {"screenshot": {"enabled": False}, "cursor_position": {"enabled": None}, "zoom": None}
    assert use(FROM_SCHEMA, {**COMPUTER, "configs": configs})["name"] == "cursor_position"
    request = claude_request(tools=[{**COMPUTER, "configs": configs}])
    assert respond_once(SCREENSHOT, request).status == 404


def test_member_has_input_of_its_toolset() -> None:
    choice = {"type": "tool", "name": "scroll"}
    assert use(FROM_SCHEMA, COMPUTER, tool_choice=choice)["input"] == {
        "scroll_direction": "down",
        "scroll_amount": 1,
    }
    assert use(FROM_SCHEMA, BROWSER, tool_choice=choice)["input"] == {
        "scroll_direction": "down",
        "target": {"type": "coordinate", "x": 0, "y": 0},
    }


def test_first_tool_of_a_name_is_offered() -> None:
    own = {"name": "screenshot", "input_schema": {"type": "object"}}
    assert "toolset_name" not in use(SCREENSHOT, own, COMPUTER)
    assert use(SCREENSHOT, BROWSER, COMPUTER)["toolset_name"] == "browser"


@pytest.mark.parametrize("tool", [{"type": "mcp_toolset", "mcp_server_name": "s"}, {"type": []}, {}, 3])
def test_other_entry_without_name_offers_nothing(tool: Any) -> None:
    rules = f"validation: off\n{SCREENSHOT[:-1]}, {{reply: nothing}}]"
    assert respond_once(rules, claude_request(tools=[tool])).text == "nothing"


def test_cached_responses_differ_by_toolset() -> None:
    rules = "rules: [{reply: {tool_calls: [{name: screenshot}]}}]"
    tools: list[list[Any]] = [[COMPUTER], [], [BROWSER]] * 4
    responses = respond_all(rules, *(claude_request(tools=each) for each in tools))
    names = [each.json["content"][0].get("toolset_name") for each in responses]
    assert names == ["computer", None, "browser"] * 4
