"""The types of tools that a messages request can have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest
from anthropic.types import ToolUnionParam
from anthropic.types.beta import BetaToolUnionParam

from mockllm.dialects.anthropic.tool_types import LISTED_PROVIDERS
from tests.dialects.anthropic.messages_requests import GOOD, refusal_message

FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}


def types_of(union: Any) -> Iterator[str]:
    for tool in get_args(union):
        yield from get_args(get_args(get_type_hints(tool)["type"])[0]) or get_args(
            get_type_hints(tool)["type"]
        )


@pytest.mark.parametrize(
    "tool",
    [
        FUNCTION,
        {"type": "function", "name": "x", "parameters": {}},
        {"type": "foo", "name": "x"},
        {"type": 5},
        {"type": "web_search", "name": "web_search"},
    ],
)
def test_messages_check_on_unknown_tool_type_refuses_it(tool: dict[str, Any]) -> None:
    message = refusal_message({**GOOD, "tools": [tool]})

    assert message == (
        f"tools.0: Input tag '{tool['type']}' found using 'type' does not match any of the expected tags: "
        + ", ".join(f"'{type_}'" for type_ in LISTED_PROVIDERS)
    )


@pytest.mark.parametrize(
    "type_", [*types_of(BetaToolUnionParam), "web_search_20991231", "computer_20251124", None]
)
def test_messages_check_on_known_tool_type_accepts_it(type_: str | None) -> None:
    tool = {"type": type_, "name": "x", "input_schema": {"type": "object"}}

    assert refusal_message({**GOOD, "tools": [tool]}) is None


def test_listed_tool_types_are_those_of_the_sdk_in_their_order() -> None:
    assert sorted(types_of(ToolUnionParam)) == list(LISTED_PROVIDERS)
