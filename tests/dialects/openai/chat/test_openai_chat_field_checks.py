"""Refusals of the fields of a chat request other than its messages, in the provider's wording."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.azure import provider as azure
from mockllm.dialects.openai.chat.dialect import CHAT
from tests.compatible import vendor_dialect
from tests.dialects.openai.chat.chat_requests import chat
from tests.dialects.openai.chat.refusals import MISSING, TOOL, function, refusal_tuple

FIELDS: dict[str, tuple[Json, str, str | None, str]] = {
    "too hot": (
        {"temperature": 2.5},
        "temperature",
        "decimal_above_max_value",
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead.",
    ),
    "too cold": (
        {"temperature": -1},
        "temperature",
        "decimal_below_min_value",
        "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
    ),
    "a temperature that is a text": (
        {"temperature": "1"},
        "temperature",
        "invalid_type",
        "Invalid type for 'temperature': expected a decimal, but got a string instead.",
    ),
    "no answers": (
        {"n": 0},
        "n",
        "integer_below_min_value",
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ),
    "too many answers": (
        {"n": 129},
        "n",
        "integer_above_max_value",
        "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 129 instead.",
    ),
    "a number of more than 64 bits": (
        {"max_tokens": 1e23},
        "max_tokens",
        "integer_above_max_value",
        "Invalid 'max_tokens': integer above maximum value. Expected a value <= 9223372036854775807, but got "
        "100000000000000000000000 instead.",
    ),
    "a number of 64 bits without a sign": (
        {"seed": 2**63},
        "seed",
        "integer_above_max_value",
        "Invalid 'seed': integer above maximum value. Expected a value <= 9223372036854775807, but got "
        "9223372036854775808 instead.",
    ),
    "a low number of more than 64 bits": (
        {"n": -1e23},
        "n",
        "integer_below_min_value",
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got -100000000000000000000000 instead.",
    ),
    "true for a number": (
        {"max_tokens": True},
        "max_tokens",
        "invalid_type",
        "Invalid type for 'max_tokens': expected an integer, but got a boolean instead.",
    ),
    "a stream that is a text": (
        {"stream": "yes"},
        "stream",
        "invalid_type",
        "Invalid type for 'stream': expected a boolean, but got a string instead.",
    ),
    "five stops": (
        {"stop": ["a"] * 5},
        "stop",
        "array_above_max_length",
        "Invalid 'stop': array too long. Expected an array with maximum length 4, "
        "but got an array with length 5 instead.",
    ),
    "a stop that is a number": (
        {"stop": 1},
        "stop",
        "invalid_type",
        "Invalid type for 'stop': expected one of a string or array of strings, but got an integer instead.",
    ),
    "a stop in the list that is a number": (
        {"stop": ["a", 1]},
        "stop[1]",
        "invalid_type",
        "Invalid type for 'stop[1]': expected a string, but got an integer instead.",
    ),
    "an effort that is no word": (
        {"reasoning_effort": 3},
        "reasoning_effort",
        "invalid_type",
        "Invalid type for 'reasoning_effort': expected one of 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', "
        "or 'max', but got an integer instead.",
    ),
    "options of no stream": (
        {"stream_options": {"include_usage": True}},
        "stream_options",
        None,
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    ),
    "top probabilities without any": (
        {"top_logprobs": 1},
        "top_logprobs",
        None,
        "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
    ),
    "tools that are an object": (
        {"tools": {}},
        "tools",
        "invalid_type",
        "Invalid type for 'tools': expected an array of objects, but got an object instead.",
    ),
    "a tool without a type": (
        {"tools": [{}]},
        "tools[0].type",
        MISSING,
        "Missing required parameter: 'tools[0].type'.",
    ),
    "a tool that is a text": (
        {"tools": ["f"]},
        "tools[0]",
        "invalid_type",
        "Invalid type for 'tools[0]': expected an object, but got a string instead.",
    ),
    "a tool without its function": (
        {"tools": [{"type": "function"}]},
        "tools[0].function",
        MISSING,
        "Missing required parameter: 'tools[0].function'.",
    ),
    "a tool without a name": (
        {"tools": [{"type": "function", "function": {}}]},
        "tools[0].function.name",
        MISSING,
        "Missing required parameter: 'tools[0].function.name'.",
    ),
    "a tool with a name that is null": (
        function(name=None),
        "tools[0].function.name",
        "invalid_type",
        "Invalid type for 'tools[0].function.name': expected a string, but got null instead.",
    ),
    "a tool with an empty name": (
        function(name=""),
        "tools[0].function.name",
        "empty_string",
        "Invalid 'tools[0].function.name': empty string. Expected a string with minimum length 1, "
        "but got an empty string instead.",
    ),
    "a tool with a long name": (
        function(name="f" * 65),
        "tools[0].function.name",
        "string_above_max_length",
        "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64, "
        "but got a string with length 65 instead.",
    ),
    "a long key of a cached prompt": (
        {"prompt_cache_key": "k" * 65},
        "prompt_cache_key",
        "string_above_max_length",
        "Invalid 'prompt_cache_key': string too long. Expected a string with maximum length 64, "
        "but got a string with length 65 instead.",
    ),
    "a tool with a line break after its name": (
        function(name="f\n"),
        "tools[0].function.name",
        "invalid_value",
        "Invalid 'tools[0].function.name': string does not match pattern. "
        "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
    ),
    "a tool with a space in its name": (
        function(name="a b"),
        "tools[0].function.name",
        "invalid_value",
        "Invalid 'tools[0].function.name': string does not match pattern. "
        "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
    ),
    "a tool whose parameters are no object's": (
        function(parameters={"type": "string"}),
        "tools[0].function.parameters",
        "invalid_function_parameters",
        "Invalid schema for function 'f': schema must be a JSON Schema of 'type: \"object\"', "
        "got 'type: \"string\"'.",
    ),
    "a strict tool that is open": (
        function(strict=True, parameters={"type": "object"}),
        "tools[0].function.parameters",
        "invalid_function_parameters",
        "Invalid schema for function 'f': In context=(), 'additionalProperties' is required to be supplied "
        "and to be false.",
    ),
    "an array of anything": (
        function(parameters={"type": "object", "properties": {"y": {"type": "array"}}}),
        "tools[0].function.parameters",
        "invalid_function_parameters",
        "Invalid schema for function 'f': In context=('properties', 'y'), array schema missing items.",
    ),
    "an array of anything or null": (
        function(parameters={"type": "object", "properties": {"y": {"type": ["null", "array"]}}}),
        "tools[0].function.parameters",
        "invalid_function_parameters",
        "Invalid schema for function 'f': In context=('properties', 'y', 'type', '1'), array schema missing items.",
    ),
    "two maxima": (
        {"max_tokens": 5, "max_completion_tokens": 5},
        "max_tokens",
        "invalid_parameter_combination",
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
    ),
    "parallel calls without tools": (
        {"parallel_tool_calls": True},
        "parallel_tool_calls",
        None,
        "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
    ),
    "JSON mode without the word": (
        {"response_format": {"type": "json_object"}},
        "messages",
        None,
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
    ),
    "a choice without tools": (
        {"tool_choice": "auto"},
        "tool_choice",
        None,
        "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
    ),
    "an unknown choice": (
        {"tools": [TOOL], "tool_choice": "maybe"},
        "tool_choice",
        "invalid_value",
        "Invalid value: 'maybe'. Supported values are: 'none', 'auto', and 'required'.",
    ),
    "a choice that is a number": (
        {"tools": [TOOL], "tool_choice": 1},
        "tool_choice",
        "invalid_type",
        "Invalid type for 'tool_choice': expected one of one of 'none', 'auto', or 'required' or object, "
        "but got an integer instead.",
    ),
    "a choice without its function": (
        {"tools": [TOOL], "tool_choice": {"type": "function"}},
        "tool_choice.function",
        MISSING,
        "Missing required parameter: 'tool_choice.function'.",
    ),
    "a choice of an unknown function": (
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "function_call",
        None,
        "Invalid value for 'function_call': no function named 'g' was specified in the 'functions' parameter.",
    ),
    "a choice of an unknown custom tool": (
        {"tools": [TOOL], "tool_choice": {"type": "custom", "custom": {"name": "f"}}},
        "tool_choice",
        None,
        "Invalid value for 'tool_choice': no custom tool named f was specified in the 'tools' parameter.",
    ),
    "an unknown format": (
        {"response_format": {"type": "xml"}},
        "response_format.type",
        "invalid_value",
        "Invalid value: 'xml'. Supported values are: 'json_object', 'json_schema', and 'text'.",
    ),
    "a schema without a schema": (
        {"response_format": {"type": "json_schema"}},
        "response_format.json_schema",
        MISSING,
        "Missing required parameter: 'response_format.json_schema'.",
    ),
    "a schema without a name": (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        "response_format.json_schema.name",
        MISSING,
        "Missing required parameter: 'response_format.json_schema.name'.",
    ),
    "metadata that is a list": (
        {"metadata": []},
        "metadata",
        "invalid_type",
        "Invalid type for 'metadata': expected a metadata object, but got an array instead.",
    ),
}


@pytest.mark.parametrize(("fields", "param", "code", "text"), FIELDS.values(), ids=FIELDS)
def test_chat_check_on_invalid_field_returns_refusal(
    fields: Json, param: str, code: str | None, text: str
) -> None:
    assert refusal_tuple(CHAT.check(chat(**fields))) == (param, code, text)


OWN_REFUSALS = (
    "two maxima",
    "parallel calls without tools",
    "JSON mode without the word",
    "an array of anything",
    "a long key of a cached prompt",
)


@pytest.mark.parametrize("name", OWN_REFUSALS)
def test_vendors_accept_what_only_openai_refuses(name: str) -> None:
    for vendor in ("openrouter", "vllm"):
        assert vendor_dialect(vendor, "chat").check(chat(**FIELDS[name][0])) is None
    assert azure.CHAT.check(chat(**FIELDS[name][0])) is not None


@pytest.mark.parametrize("key", ["", "k" * 64])
def test_key_of_a_cached_prompt_has_up_to_64_characters(key: str) -> None:
    assert CHAT.check(chat(prompt_cache_key=key)) is None
