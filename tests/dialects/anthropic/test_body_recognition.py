"""Which bare JSON bodies are requests to Anthropic's messages."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.messages_request import is_messages_body


@pytest.mark.parametrize(
    ("body", "recognized"),
    [
        ({"model": "claude-sonnet-4-5"}, True),
        ({"model": "gpt-4o"}, False),
        ({"system": "Be kind."}, True),
        ({"tools": [{"name": "add", "input_schema": {}}]}, True),
        ({"tools": [{"type": "function"}, "add"], "messages": "hi"}, False),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, True),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}, "hi"]}, "hi", {"content": "hi"}]},
            False,
        ),
    ],
)
def test_is_messages_body_reads_model_fields_tools_and_blocks(
    body: dict[str, Json], recognized: bool
) -> None:
    assert is_messages_body(body) is recognized
