"""Calls of the history, as chat and responses bring them."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.request_fields import read_tool_call


@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        ({"name": "add", "arguments": '{"a": 1}'}, {"a": 1}),
        ({"name": "add", "arguments": "{broken"}, "{broken"),
        ({"name": "add", "arguments": {"a": 1}}, {"a": 1}),
        ({"name": "run", "input": "ls"}, "ls"),
    ],
)
def test_read_call_parses_arguments_that_are_json_text(fields: dict[str, Json], arguments: Json) -> None:
    call = read_tool_call("call_1", fields)
    assert (call.id, call.name, call.arguments) == ("call_1", fields["name"], arguments)
