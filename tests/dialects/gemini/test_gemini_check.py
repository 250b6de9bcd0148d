"""Refusals of a Google request, in its wording; successful recorded requests pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.dialects.gemini.count_tokens import GeminiCountRequest
from mockllm.dialects.gemini.dialects import COUNT, MODELS
from mockllm.dialects.gemini.generate import GENERATE
from mockllm.dialects.router import RouteMatch, find_route
from tests.conformance.outlines import recordings
from tests.dialects.gemini.generate_requests import VERTEX, generate, of_bytes

HI = {"role": "user", "parts": [{"text": "hi"}]}
CALL = {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "c2VhbA=="}
RESULT = {"functionResponse": {"name": "look", "response": {}}}
LOOK = {"functionDeclarations": [{"name": "look"}]}
PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
REFUSED = "* GenerateContentRequest."

NO_CALL_BEFORE = "Please ensure that function response turn comes immediately after a function call turn."
TEXTS: Json = {"type": "ARRAY", "items": {"type": "STRING"}}

FINE: dict[str, dict[str, Json]] = {
    "the least": {},
    "a lone content, a lone part": {"contents": {"parts": {"text": "x"}}},
    "fields nobody knows": {"tomorrow": 1, "generationConfig": {"tomorrow": [1]}},
    "null is absent": {"generationConfig": None, "tools": None, "contents": [{**HI, "role": None}]},
    "whole numbers as texts and floats": {
        "generationConfig": {"maxOutputTokens": "7", "candidateCount": 1.0}
    },
    "numbers as texts": {"generationConfig": {"temperature": "0.5", "topP": "1e-1", "topK": "40"}},
    "an integer's bounds": {"generationConfig": {"seed": -(2**31), "maxOutputTokens": 2**31 - 1}},
    "an enum by its number": {"toolConfig": {"functionCallingConfig": {"mode": 1}}},
    "the bounds": {"generationConfig": {"temperature": 2, "topP": 0, "candidateCount": "1"}},
    "an enum in lower case": {"toolConfig": {"functionCallingConfig": {"mode": "any"}}},
    "tools of the service": {"tools": [{"googleSearch": {}}]},
    "a chosen tool": {
        "tools": [LOOK],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
    },
    "calls and their results": {
        "contents": [
            HI,
            {"role": "model", "parts": [CALL]},
            {"role": "model", "parts": [CALL]},
            {"role": "user", "parts": [RESULT]},
            {"role": "function", "parts": [RESULT]},
        ]
    },
    "arrays of texts, and of anything in JSON Schema": {
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "a", "parameters": {"type": "OBJECT", "properties": {"b": TEXTS}}},
                    {"name": "b", "parametersJsonSchema": {"properties": {"b": {"type": "array"}}}},
                ]
            }
        ],
        "generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": TEXTS},
    },
    "the model's text before all": {"contents": [{"role": "model", "parts": [{"text": "x"}]}, HI]},
    "calls that nobody answered": {"contents": [HI, {"role": "model", "parts": [CALL]}, HI]},
}


@pytest.mark.parametrize("name", FINE)
def test_generate_check_on_valid_request_accepts_it(name: str) -> None:
    assert GENERATE.check(generate(**FINE[name])) is None


WRONG: dict[str, tuple[dict[str, Json], str]] = {
    "no contents": ({"contents": []}, f"{REFUSED}contents: contents is not specified\n"),
    "contents of null": ({"contents": None}, f"{REFUSED}contents: contents is not specified\n"),
    "no parts": (
        {"contents": [HI, {"role": "user", "parts": []}]},
        f"{REFUSED}contents[1].parts: contents.parts must not be empty.\n",
    ),
    "an empty part": (
        {"contents": [{"parts": [{}]}]},
        f"{REFUSED}contents[0].parts[0].data: required oneof field 'data' must have one initialized field\n",
    ),
    "another's role": ({"contents": [{**HI, "role": "assistant"}]}, "Please use a valid role: user, model."),
    "a number for a text": (
        {"contents": [{"parts": [{"text": 5}]}]},
        "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5",
    ),
    "a text for a content": (
        {"contents": ["x"]},
        f"Invalid value at 'contents[0]' ({PACKAGE}Content), \"x\"",
    ),
    "a text for a config": (
        {"generationConfig": "x"},
        f"Invalid value at 'generation_config' ({PACKAGE}GenerationConfig), \"x\"",
    ),
    "a list for a config": (
        {"generation_config": []},
        'Invalid JSON payload received. Unknown name "generation_config": Proto field is not repeating, '
        "cannot start list.",
    ),
    "a list deeper down": (
        {"generationConfig": {"thinkingConfig": []}},
        "Invalid JSON payload received. Unknown name \"thinking_config\" at 'generation_config': Proto field "
        "is not repeating, cannot start list.",
    ),
    "arguments that are a text": (
        {"contents": [{"role": "model", "parts": [{"functionCall": {"name": "x", "args": "{}"}}]}]},
        "Invalid value at 'contents[0].parts[0].function_call.args' "
        '(type.googleapis.com/google.protobuf.Struct), "{}"',
    ),
    "a word for a number": (
        {"generationConfig": {"maxOutputTokens": "many"}},
        "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), \"many\"",
    ),
    "an integer above 32 bits": (
        {"generationConfig": {"maxOutputTokens": 2**31}},
        "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), 2147483648",
    ),
    "an integer above 32 bits in a text": (
        {"generationConfig": {"seed": "3898845386"}},
        "Invalid value at 'generation_config.seed' (TYPE_INT32), \"3898845386\"",
    ),
    "an integer below 32 bits": (
        {"generationConfig": {"seed": -(2**31) - 1}},
        "Invalid value at 'generation_config.seed' (TYPE_INT32), -2147483649",
    ),
    "a text that is no number": (
        {"generationConfig": {"temperature": "0,5"}},
        "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"0,5\"",
    ),
    "a number without a limit": (
        {"generationConfig": {"temperature": "Infinity"}},
        f"{REFUSED}generation_config.temperature: temperature must be in the range [0, 2].\n",
    ),
    "a mode that there is not": (
        {"toolConfig": {"functionCallingConfig": {"mode": "SOMETIMES"}}},
        f"Invalid value at 'tool_config.function_calling_config.mode' ({PACKAGE}FunctionCallingConfig.Mode), "
        '"SOMETIMES"',
    ),
    "a stop sequence that is none": (
        {"generationConfig": {"stopSequences": ["a", 3]}},
        "Invalid value at 'generation_config.stop_sequences[1]' (TYPE_STRING), 3",
    ),
    "an answer that is a picture": (
        {"generationConfig": {"responseMimeType": "image/png"}},
        f"{REFUSED}generation_config.response_mime_type: allowed mimetypes are `text/plain`, "
        "`application/json`, `application/xml`, `application/yaml` and `text/x.enum`.\n",
    ),
    "a function's array of nothing": (
        {
            "tools": [
                LOOK,
                {
                    "functionDeclarations": [
                        {"name": "f", "parameters": {"properties": {"b": {"type": "array"}}}}
                    ]
                },
            ]
        },
        f"{REFUSED}tools[1].function_declarations[0].parameters.properties[b].items: missing field.\n",
    ),
    "a required property that is not there": (
        {
            "tools": [
                {
                    "functionDeclarations": [
                        {
                            "name": "look",
                            "parameters": {
                                "type": "object",
                                "properties": {"a": {"type": "string"}},
                                "required": ["a", "b"],
                            },
                        }
                    ]
                }
            ]
        },
        f"{REFUSED}tools[0].function_declarations[0].parameters.required[1]: property is not defined\n",
    ),
    "a required property that is no text": (
        {"generationConfig": {"responseSchema": {"properties": {"a": {}}, "required": ["a", {}]}}},
        f"{REFUSED}generation_config.response_schema.required[1]: property is not defined\n",
    ),
    "a required property of no properties": (
        {
            "generationConfig": {
                "responseSchema": {"type": "ARRAY", "items": {"type": "OBJECT", "required": ["a"]}}
            }
        },
        f"{REFUSED}generation_config.response_schema.items.required[0]: property is not defined\n",
    ),
    "an array of nothing deep in an answer": (
        {
            "generationConfig": {
                "responseMimeType": "application/json",
                "responseSchema": {"type": "ARRAY", "items": {"anyOf": [{}, {"type": "ARRAY"}]}},
            }
        },
        f"{REFUSED}generation_config.response_schema.items.any_of[1].items: missing field.\n",
    ),
    "too many stop sequences": (
        {"generationConfig": {"stopSequences": list("abcdef")}},
        f"{REFUSED}generation_config.stop_sequences: the number of stop sequences must be at most 5, but 6 were "
        "given.\n",
    ),
    "too hot": (
        {"generationConfig": {"temperature": 3}},
        f"{REFUSED}generation_config.temperature: temperature must be in the range [0, 2].\n",
    ),
    "no tokens": (
        {"generationConfig": {"maxOutputTokens": 0}},
        f"{REFUSED}generation_config.max_output_tokens: max_output_tokens must be positive.\n",
    ),
    "two functions of a name": ({"tools": [LOOK, LOOK]}, "Duplicate function declaration found: look"),
    "a chosen tool that is not there": (
        {
            "tools": [LOOK],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["see"]}},
        },
        f"{REFUSED}tool_config.function_calling_config.allowed_function_names: see is not among the function "
        "declarations.\n",
    ),
    "a call before all": (
        {"contents": [{"role": "model", "parts": [CALL]}, {"role": "user", "parts": [RESULT]}]},
        "Please ensure that function call turn comes immediately after a user turn or after a function response "
        "turn.",
    ),
    "a result before all": ({"contents": [{"role": "user", "parts": [RESULT]}]}, NO_CALL_BEFORE),
    "a result without a call before it": (
        {"contents": [HI, {"role": "model", "parts": [{"text": "x"}]}, {"role": "user", "parts": [RESULT]}]},
        NO_CALL_BEFORE,
    ),
    "fewer results than calls": (
        {"contents": [HI, {"role": "model", "parts": [CALL, CALL]}, {"role": "user", "parts": [RESULT]}]},
        "Please ensure that the number of function response parts is equal to the number of function call parts "
        "of the function call turn.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_generate_check_on_invalid_request_returns_message(name: str) -> None:
    fields, message = WRONG[name]
    failure = GENERATE.check(generate(**fields))
    assert failure is not None
    assert (failure.type, failure.message) == ("bad_request", message)


@pytest.mark.parametrize("function", [{}, {"name": "9lives"}, {"name": "a b"}, {"name": "x" * 129}])
def test_invalid_function_name_is_refused(function: Json) -> None:
    failure = GENERATE.check(generate(tools=[{"functionDeclarations": [function]}]))
    assert failure is not None
    assert (failure.message or "").startswith(
        f"{REFUSED}tools[0].function_declarations[0].name: Invalid function name."
    )


def test_parser_error_has_field_violations() -> None:
    failure = GENERATE.check(generate(generationConfig={"temperature": "x"}))
    assert failure is not None
    (detail,) = failure.fields["details"]
    assert detail["fieldViolations"] == [
        {"field": "generation_config.temperature", "description": failure.message}
    ]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{", "Invalid JSON payload received. Unexpected token."),
        (b"[]", 'Invalid JSON payload received. Unknown name "": Root element must be a message.'),
    ],
)
def test_generate_body_that_is_no_object_is_refused(raw: bytes, message: str) -> None:
    for failure in (GENERATE.check(of_bytes(raw)), GENERATE.check_readable(of_bytes(raw))):
        assert failure is not None
        assert failure.message == message
        (detail,) = failure.fields["details"]
        assert detail["fieldViolations"] == [{"description": message}]


def test_empty_body_is_a_message_without_contents() -> None:
    payload = f"{REFUSED}contents: contents is not specified\n"
    assert GENERATE.check(of_bytes(b"")) == Failure("bad_request", message=payload)
    assert GENERATE.check_readable(of_bytes(b"")) == Failure("bad_request", message=payload)
    assert GENERATE.check_readable(generate()) is None


VERTEX_WRONG: dict[str, tuple[dict[str, Json], str]] = {
    "no contents": ({"contents": []}, "at least one contents field is required"),
    "no parts": ({"contents": [{"role": "user"}]}, "at least one parts field"),
    "too hot": (
        {"generationConfig": {"temperature": 1000}},
        "Unable to submit request because it has a temperature value of 1000 but the supported range is from 0 "
        "(inclusive) to 2.0001 (exclusive). Update the value and try again.",
    ),
    "no tokens": (
        {"generationConfig": {"maxOutputTokens": 0}},
        "has a maxOutputTokens value of 0 but the supported range is from 1 (inclusive). Update",
    ),
}


@pytest.mark.parametrize("name", VERTEX_WRONG)
def test_vertex_check_returns_vertex_wording(name: str) -> None:
    fields, message = VERTEX_WRONG[name]
    failure = GENERATE.check(generate(base=VERTEX, **fields))
    assert failure is not None
    assert message in (failure.message or "")


def test_models_request_always_passes_the_check() -> None:
    request = generate()
    assert MODELS.check(request) is None
    assert MODELS.check_readable(request) is None


def test_recorded_gemini_requests_pass_the_check() -> None:
    folders = [
        *("gemini-generateContent", "gemini-streamGenerateContent", "gemini-countTokens"),
        *("vertex-generateContent", "vertex-streamGenerateContent", "vertex-countTokens"),
    ]
    files = [file for folder in folders for file in sorted((recordings() / folder).glob("*-200-*.json"))]
    refused: dict[str, Any] = {}
    for file in files:
        requested = json.loads(file.read_text())["request"]
        if requested is None:
            continue
        match = find_route("POST", requested["path"], {})
        assert isinstance(match, RouteMatch)
        request = match.dialect.request_class(
            method="POST",
            path=match.path,
            headers={},
            raw=dumps(requested["body"]),
            path_variables=match.path_variables,
        )
        if (failure := match.dialect.check(request)) is not None:
            refused[file.stem] = failure
    if not files:
        pytest.skip("0 recordings here")
    assert refused == {}


def test_count_request_may_begin_with_a_call() -> None:
    raw = dumps({"contents": [{"role": "model", "parts": [CALL]}]})
    request = GeminiCountRequest(method="POST", path="/v1/models/x:countTokens", headers={}, raw=raw)
    assert COUNT.check(request) is None


def test_count_request_is_checked() -> None:
    requested = {"generateContentRequest": {"contents": [HI], "generation_config": {"temperature": 3}}}
    request = GeminiCountRequest(
        method="POST", path="/v1/models/x:countTokens", headers={}, raw=dumps(requested)
    )
    failure = COUNT.check(request)
    assert failure is not None
    assert "temperature" in (failure.message or "")
    assert COUNT.check_readable(request) is None
