"""Refusals of a responses request, with the service's message, param and code."""

from __future__ import annotations

import json

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.dialects.openai.responses.dialect import RESPONSES
from tests.conformance.outlines import recordings
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.responses.responses_requests import of_bytes, responses

CALL: Json = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT: Json = {"type": "function_call_output", "call_id": "c", "output": "x"}
REASONING: Json = {"type": "reasoning", "id": "rs_1", "summary": []}
ASSISTANT: Json = {"role": "assistant", "content": "x"}
FUNCTION: Json = {"type": "function", "name": "f"}
CLOSED: Json = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}

JSON_MODE: Json = {"format": {"type": "json_object"}}
FINE: dict[str, dict[str, Json]] = {
    "a text": {},
    "nulls": {"tools": None, "temperature": None, "tool_choice": None},
    "fields that nobody knows": {"tomorrow": 1},
    "numbers in their ranges": {"temperature": 1, "top_logprobs": 2, "max_output_tokens": 16},
    "a stored prompt without a model": {"model": None, "input": None, "prompt": {"id": "p"}},
    "a conversation alone": {"input": None, "conversation": "conv_1"},
    "a call and its output": {"input": [CALL, OUTPUT]},
    "an output in a conversation that was not begun here": {"input": [OUTPUT], "conversation": "conv_1"},
    "a search of tools and an output of a function": {
        "input": [{"type": "tool_search_call", "call_id": "c", "execution": "client"}, OUTPUT]
    },
    "a custom tool's call": {
        "input": [
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"},
            {
                "type": "custom_tool_call_output",
                "call_id": "c",
                "output": [{"type": "input_text", "text": "y"}],
            },
        ]
    },
    "reasoning and its message": {"input": [REASONING, {**ASSISTANT, "id": "msg_1"}]},
    "reasoning and a call without an id": {"input": [REASONING, CALL, OUTPUT]},
    "reasoning without an id": {"input": [{"type": "reasoning", "summary": []}]},
    "reasoning and its message without ids": {"input": [{"type": "reasoning", "summary": []}, ASSISTANT]},
    "items of other types": {"input": [{"type": "computer_call"}, {"type": "mcp_list_tools", "id": "x"}]},
    "an image": {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}]},
    "tools": {"tools": [FUNCTION, {"type": "web_search"}, {"type": "custom", "name": "sql"}]},
    "a strict tool": {"tools": [{**FUNCTION, "strict": True, "parameters": CLOSED}]},
    "a tool without properties": {
        "tools": [
            {**FUNCTION, "strict": True, "parameters": {"type": "object", "additionalProperties": False}}
        ]
    },
    "tool_choice auto without tools": {"tool_choice": "auto"},
    "tool_choice none": {"tool_choice": "none"},
    "a chosen tool": {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "f"}},
    "a chosen server tool": {"tool_choice": {"type": "web_search"}},
    "any of the tools": {"tools": [FUNCTION], "tool_choice": "required"},
    "a form": {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}},
    "stream options": {"stream": True, "stream_options": {"include_obfuscation": False}},
    "JSON mode with the word": {"text": JSON_MODE, "input": "as JSON"},
    "JSON mode with the word in an item": {
        "text": JSON_MODE,
        "input": [{"role": "developer", "content": "json"}],
    },
    "reasoning with a null id": {"input": [{**REASONING, "id": None}, ASSISTANT]},
    "JSON mode with an unknown conversation": {"text": JSON_MODE, "conversation": "conv_1"},
}


@pytest.mark.parametrize("name", FINE)
def test_responses_check_on_valid_request_accepts_it(name: str) -> None:
    assert RESPONSES.check(responses(**FINE[name])) is None


WRONG: dict[str, tuple[dict[str, Json], str, str | None, str | None]] = {
    "JSON mode without the word in the input": (
        {"text": JSON_MODE, "instructions": "Write JSON."},
        "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
        "'json_object'.",
        "input",
        None,
    ),
    "an array of anything": (
        {"tools": [{**FUNCTION, "parameters": {"type": "object", "properties": {"y": {"type": "array"}}}}]},
        "Invalid schema for function 'f': In context=('properties', 'y'), array schema missing items.",
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    "a long key of a cached prompt": (
        {"prompt_cache_key": "k" * 65},
        "Invalid 'prompt_cache_key': string too long. Expected a string with maximum length 64, but got a "
        "string with length 65 instead.",
        "prompt_cache_key",
        "string_above_max_length",
    ),
    "a tool with a line break after its name": (
        {"tools": [{**FUNCTION, "name": "f\n"}]},
        "Invalid 'tools[0].name': string does not match pattern. Expected a string that matches the pattern "
        "'^[a-zA-Z0-9_-]+$'.",
        "tools[0].name",
        "invalid_value",
    ),
    "a maximum of more than 64 bits": (
        {"max_output_tokens": 1e23},
        "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 9223372036854775807, but got "
        "100000000000000000000000 instead.",
        "max_output_tokens",
        "integer_above_max_value",
    ),
    "no model": (
        {"model": None},
        "Invalid type for 'model': expected a string, but got an object instead.",
        "model",
        "invalid_type",
    ),
    "nothing to answer": (
        {"input": None},
        "Invalid type for 'input': expected a string, but got an object instead.",
        "input",
        "invalid_type",
    ),
    "an empty input": ({"input": []}, 'One of "input"', None, "missing_required_parameter"),
    "input": ({"input": 7}, "expected one of a string or array of input items", "input", "invalid_type"),
    "an item": ({"input": [7]}, "expected an input item", "input[0]", "invalid_type"),
    "an item's type": (
        {"input": [{"type": 7}]},
        "Invalid value: ''. Supported values are: 'additional_tools',",
        "input[0]",
        "invalid_value",
    ),
    "a role": ({"input": [{"role": "boss", "content": ""}]}, "'boss'", "input[0]", "invalid_value"),
    "no role": (
        {"input": [{"content": ""}]},
        "Invalid value: ''. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
        "input[0]",
        "invalid_value",
    ),
    "no content": (
        {"input": [{"role": "user"}]},
        "Missing",
        "input[0].content",
        "missing_required_parameter",
    ),
    "content": (
        {"input": [{"role": "user", "content": 7}]},
        "one of a string or array of content parts",
        "input[0].content",
        "invalid_type",
    ),
    "a part": (
        {"input": [{"role": "user", "content": [7]}]},
        "expected an object",
        "input[0].content[0]",
        "invalid_type",
    ),
    "a part without a type": (
        {"input": [{"role": "user", "content": [{}]}]},
        "Missing",
        "input[0].content[0].type",
        "missing_required_parameter",
    ),
    "a part's type": (
        {"input": [{"role": "user", "content": [{"type": 7}]}]},
        "expected a string",
        "input[0].content[0].type",
        "invalid_type",
    ),
    "a part of chat": (
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        "Invalid value: 'text'.",
        "input[0].content[0].type",
        "invalid_value",
    ),
    "reasoning at the end": ({"input": [REASONING]}, "without its required following item", "input", None),
    "reasoning before the user": (
        {"input": [REASONING, {"role": "user", "content": "x"}]},
        "Item 'rs_1' of type 'reasoning'",
        "input",
        None,
    ),
    "reasoning before a message without an id": (
        {"input": [REASONING, ASSISTANT, {"role": "user", "content": "y"}]},
        "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
        "input",
        None,
    ),
    "an output without a call": (
        {"input": [OUTPUT]},
        "No tool call found for function call output with call_id c.",
        "input",
        None,
    ),
    "a call without an output": (
        {"input": [CALL]},
        "No tool output found for function call c.",
        "input",
        None,
    ),
    "an unknown response": (
        {"previous_response_id": "resp_1"},
        "Previous response with id 'resp_1' not found.",
        "previous_response_id",
        "previous_response_not_found",
    ),
    "an unknown item": (
        {"input": [{"type": "item_reference", "id": "fc_1"}]},
        "Item with id 'fc_1' not found.",
        "input",
        None,
    ),
    "too hot": (
        {"temperature": 3},
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
        "temperature",
        "decimal_above_max_value",
    ),
    "a tool": ({"tools": [7]}, "expected an object", "tools[0]", "invalid_type"),
    "a nameless tool": (
        {"tools": [{"type": "function"}]},
        "Missing required parameter: 'tools[0].name'.",
        "tools[0].name",
        "missing_required_parameter",
    ),
    "a tool whose parameters are no object's": (
        {"tools": [{**FUNCTION, "parameters": {"type": "string"}}]},
        "Invalid schema for function 'f': schema must be",
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    "a strict tool that is open": (
        {"tools": [{**FUNCTION, "strict": True, "parameters": {"type": "object"}}]},
        "'additionalProperties' is required",
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    "a strict tool that does not require all": (
        {"tools": [{**FUNCTION, "strict": True, "parameters": {**CLOSED, "required": []}}]},
        "Missing 'a'.",
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    "tool_choice": (
        {"tool_choice": 7},
        "expected one of an object or 'none', 'auto', or 'required', but got an integer",
        "tool_choice",
        "invalid_type",
    ),
    "a word for tool_choice": ({"tool_choice": "some"}, "'some'", "tool_choice", "invalid_value"),
    "a typeless tool_choice": (
        {"tool_choice": {}},
        "Missing",
        "tool_choice.type",
        "missing_required_parameter",
    ),
    "a nameless tool_choice": (
        {"tool_choice": {"type": "function"}},
        "Missing",
        "tool_choice.name",
        "missing_required_parameter",
    ),
    "required without tools": (
        {"tool_choice": "required"},
        "must be specified with 'tools'",
        "tool_choice",
        None,
    ),
    "an MCP server without a label": (
        {"tools": [FUNCTION, {"type": "mcp", "server_url": "https://a.example/mcp"}]},
        "Missing required parameter: 'tools[1].server_label'.",
        "tools[1].server_label",
        "missing_required_parameter",
    ),
    "an MCP server with a null label": (
        {"tools": [{"type": "mcp", "server_label": None, "server_url": "https://a.example/mcp"}]},
        "Invalid type for 'tools[0].server_label': expected a string, but got null instead.",
        "tools[0].server_label",
        "invalid_type",
    ),
    "a tool that is not offered": (
        {
            "tools": [FUNCTION, {"type": "mcp", "server_label": "a"}],
            "tool_choice": {"type": "function", "name": "g"},
        },
        "Tool choice 'g' not found in 'tools' parameter.",
        "tool_choice",
        None,
    ),
    "a form's type": ({"text": {"format": {"type": "xml"}}}, "'xml'", "text.format.type", "invalid_value"),
    "fewer tokens than 16": (
        {"max_output_tokens": 3},
        "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 3 instead.",
        "max_output_tokens",
        "integer_below_min_value",
    ),
    "a form without a schema": (
        {"text": {"format": {"type": "json_schema", "name": "n"}}},
        "Missing",
        "text.format.schema",
        "missing_required_parameter",
    ),
    "stream options without a stream": (
        {"stream_options": {}},
        "only allowed when 'stream' is enabled",
        "stream_options",
        None,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_responses_check_on_invalid_request_refuses(name: str) -> None:
    fields, message, param, code = WRONG[name]
    failure = RESPONSES.check(responses(**fields))
    assert failure is not None
    assert message in (failure.message or "")
    assert failure.fields == {"param": param, "code": code}
    status = 404 if name == "an unknown item" else 400
    assert RESPONSES.error(failure, responses(), IDENTITY).head.status == status


@pytest.mark.parametrize("raw", [b"", b"[]", b"{"])
def test_responses_body_that_is_no_object_is_refused(raw: bytes) -> None:
    assert RESPONSES.check_readable(of_bytes(raw)) == RESPONSES.check(of_bytes(raw)) is not None


def test_recorded_responses_requests_pass_the_check() -> None:
    files = sorted((recordings() / "openai-responses").glob("*-200-*.json"))
    if not files:
        pytest.skip("0 recordings here")
    request = [json.loads(file.read_text())["request"]["body"] for file in files]
    alone = [body for body in request if isinstance(body, dict) and not body.get("previous_response_id")]
    refused = [RESPONSES.check(of_bytes(dumps(body))) for body in alone]
    assert [failure for failure in refused if failure is not None] == []


def test_invalid_item_behind_known_items_is_refused() -> None:
    """A conversation that is sent again with one more item: only the new item is checked."""
    items: list[Json] = [{"role": "user", "content": "x" * 3000}]
    for _ in range(3):
        assert RESPONSES.check(of_bytes(dumps({"model": "gpt-4o", "input": items}))) is None
        items.append({"role": "user", "content": "more"})
    failure = RESPONSES.check(of_bytes(dumps({"model": "gpt-4o", "input": [*items, {"type": 7}]})))
    assert failure is not None
    assert failure.type == "bad_request"


def test_reasoning_behind_known_items_needs_a_message_with_id() -> None:
    items: list[Json] = [{"role": "user", "content": "x" * 3000}]
    assert RESPONSES.check(of_bytes(dumps({"model": "gpt-4o", "input": items}))) is None
    turns: list[Json] = [*items, REASONING, ASSISTANT]
    assert RESPONSES.check(of_bytes(dumps({"model": "gpt-4o", "input": turns}))) is not None
    for turns in (
        [*items, REASONING, {**ASSISTANT, "id": "msg_1"}],
        [*items, {**REASONING, "id": None}, ASSISTANT],
    ):
        assert RESPONSES.check(of_bytes(dumps({"model": "gpt-4o", "input": turns}))) is None
