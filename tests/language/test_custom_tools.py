"""`from_schema` with custom tools, whose input is a text."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.language.virtual_server import chat_request, raw_request, respond_once

CALL = "rules: [{reply: {tool_calls: from_schema}}]"


def test_custom_tool_is_called_with_text() -> None:
    tool = {"type": "custom", "custom": {"name": "shell", "description": "Runs a query"}}
    (call,) = respond_once(CALL, chat_request(tools=[tool])).choice["message"]["tool_calls"]
    assert call["custom"]["name"] == "shell"
    assert call["custom"]["input"]


REGEX = {"syntax": "regex", "definition": "[0-9]{3}"}


@pytest.mark.parametrize(
    ("grammar", "fits", "note"),
    [
        (REGEX, r"[0-9]{3}", ""),
        (
            {**REGEX, "definition": "["},
            r"\w+",
            "the input of code may not fit its grammar: not a valid JSON Schema",
        ),
        (
            {**REGEX, "definition": "a{1000000}"},
            r"\w+",
            "the input of code may not fit its grammar: Generating the input of code from the schema",
        ),
        ({"syntax": "lark", "definition": "start: X"}, r"\w+", ""),
    ],
)
def test_input_of_custom_tool_fits_its_regex(grammar: Any, fits: str, note: str) -> None:
    chat = chat_request(
        tools=[
            {"type": "custom", "custom": {"name": "code", "format": {"type": "grammar", "grammar": grammar}}}
        ]
    )
    response = respond_once(CALL, chat)
    (call,) = response.choice["message"]["tool_calls"]
    assert re.fullmatch(fits, call["custom"]["input"])
    assert response.notes[: len(note)] == note
    tool = {"type": "custom", "name": "code", "format": {"type": "grammar", **grammar}}
    body = {"model": "gpt-5.1", "input": "hi", "tools": [tool]}
    (item,) = respond_once(CALL, raw_request("/v1/responses", body)).json["output"]
    assert re.fullmatch(fits, item["input"])
