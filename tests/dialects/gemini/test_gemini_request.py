"""Parsing of generateContent requests."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.request.messages import (
    CallPart,
    MediaPart,
    MessagePart,
    OtherPart,
    ResultPart,
    ThinkingPart,
)
from mockllm.core.request.request import Message, Request, TextPart, Tool
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.gemini.generate import GENERATE
from mockllm.dialects.gemini.generate_request import as_google_request
from mockllm.dialects.neutral_request import NeutralRequest
from tests.dialects.gemini.generate_requests import VERTEX, generate, of_bytes

PARTS: dict[str, tuple[Json, MessagePart]] = {
    "a text": ({"text": "x"}, TextPart("x")),
    "a thought": ({"text": "x", "thought": True}, ThinkingPart("x")),
    "an image": ({"inlineData": {"mimeType": "image/png", "data": ""}}, MediaPart("image")),
    "an image in snake_case": ({"inline_data": {"mime_type": "image/png"}}, MediaPart("image")),
    "a sound": ({"inlineData": {"mimeType": "audio/mp3"}}, MediaPart("audio")),
    "a video": ({"fileData": {"mimeType": "video/mp4", "fileUri": "x"}}, MediaPart("file")),
    "a file of no type": ({"fileData": {"fileUri": "x"}}, MediaPart("file")),
    "a call": (
        {"functionCall": {"name": "look", "args": {"a_b": 1}, "id": "1"}},
        CallPart("1", "look", {"a_b": 1}),
    ),
    "a call in snake_case": (
        {"function_call": {"name": "look", "args": {"a_b": 1}}},
        CallPart(None, "look", {"a_b": 1}),
    ),
    "a call without arguments": ({"functionCall": {"name": "look"}}, CallPart(None, "look", {})),
    "code": ({"executableCode": {"code": "x"}}, OtherPart("executableCode")),
    "nothing": ({}, OtherPart("")),
    "no object": (3, OtherPart("")),
}


@pytest.mark.parametrize("name", PARTS)
def test_content_part_becomes_a_neutral_part(name: str) -> None:
    entry, part = PARTS[name]
    assert generate(contents=[{"parts": [entry]}]).messages == (Message("user", (part,)),)


RESULTS: dict[str, tuple[Json, tuple[str, bool]]] = {
    "an object": ({"degrees": 21}, ('{"degrees":21}', False)),
    "what was put out": ({"output": "21"}, ("21", False)),
    "a result": ({"result": {"degrees": 21}}, ('{"degrees":21}', False)),
    "an error": ({"error": "No such city."}, ("No such city.", True)),
    "an output beside others": ({"output": 1, "unit": "C"}, ('{"output":1,"unit":"C"}', False)),
    "a return value": ({"return_value": {"degrees": 21}}, ('{"degrees":21}', False)),
    "a content under the function's name": (
        {"name": "look", "content": {"degrees": 21}},
        ('{"degrees":21}', False),
    ),
    "a content in texts": ({"name": "look", "content": [{"text": "a"}, {"text": "b"}]}, ("a\nb", False)),
    "a content in other things": (
        {"name": "look", "content": [{"text": "a"}, 1]},
        ('[{"text":"a"},1]', False),
    ),
    "a content of nothing": ({"name": "look", "content": []}, ("[]", False)),
    "a content under another name": (
        {"name": "Jo", "content": "hi"},
        ('{"name":"Jo","content":"hi"}', False),
    ),
    "another key": ({"degrees_c": 1}, ('{"degrees_c":1}', False)),
    "nothing": (None, ("", False)),
    "no object": ("x", ("x", False)),
}


@pytest.mark.parametrize("name", RESULTS)
def test_function_response_becomes_a_result(name: str) -> None:
    response, (text, failed) = RESULTS[name]
    entry = {"function_response": {"name": "look", "response": response}}
    (message,) = generate(contents=[{"role": "user", "parts": [entry]}]).messages
    assert message == Message("tool", (ResultPart(None, "look", text, failed),))


def test_results_come_first_with_names_found_by_id() -> None:
    call = {"functionCall": {"id": "1", "name": "look", "args": {}}}
    image = {"inlineData": {"mimeType": "image/png", "data": ""}}
    result = {"functionResponse": {"id": "1", "response": {"output": "a"}, "parts": [image, 3]}}
    request = generate(
        contents=[
            {"role": "model", "parts": [call]},
            {"role": "user", "parts": [{"text": "well?"}, result]},
        ]
    )
    assert request.messages[1:] == (
        Message("tool", (ResultPart("1", "look", "a"), MediaPart("image"))),
        Message("user", (TextPart("well?"),)),
    )
    assert [match.name for match in request.tool_results] == ["look"]
    assert request.has_image


def test_adjacent_model_contents_are_one_turn() -> None:
    model = [{"role": "model", "parts": [{"text": text}]} for text in "ab"]
    request = generate(contents=[{"parts": [{"text": "x"}]}, *model, {"parts": [{"text": "y"}]}])
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
    assert request.messages[1].text == "a\nb"
    assert request.turn == 2


@pytest.mark.parametrize(
    ("content", "roles"),
    [
        ({"role": "function", "parts": [{"functionResponse": {"name": "x"}}]}, ["tool"]),
        ({"role": "user"}, ["user"]),
        ({"role": "user", "parts": {"text": "x"}}, ["user"]),
        ({"role": "assistant", "parts": [{"text": "x"}]}, []),
        ({"role": ["user"]}, []),
        ({}, []),
        ("x", []),
    ],
)
def test_roles_become_neutral_roles(content: Json, roles: list[str]) -> None:
    assert [message.role for message in generate(contents=content).messages] == roles


@pytest.mark.parametrize(
    ("instruction", "system"),
    [
        ({"parts": [{"text": "a"}, {"text": "b"}, {"x": 1}]}, "a\nb"),
        ({"parts": {"text": "a"}}, "a"),
        ("a", "a"),
        ({"parts": []}, None),
        (None, None),
    ],
)
def test_system_text_is_read(instruction: Json, system: str | None) -> None:
    assert generate(systemInstruction=instruction).system == system
    assert generate(system_instruction=instruction).system == system


def test_input_tokens_include_the_system_text() -> None:
    assert generate(systemInstruction="a b c").input_tokens > generate().input_tokens


def test_input_tokens_add_little_framing() -> None:
    hi = {"role": "user", "parts": [{"text": "hi"}]}
    assert generate(contents=[hi]).input_tokens == 4
    assert generate(contents=[hi, {**hi, "role": "model"}, hi]).input_tokens == 10


def test_tools_are_read_by_name_and_kind() -> None:
    schema = {"type": "OBJECT", "properties": {"a_b": {"type": "STRING"}}}
    request = generate(
        tools=[
            {
                "function_declarations": [
                    {"name": "look", "description": "Looks.", "parameters": schema},
                    {"name": "see", "parameters_json_schema": {"type": "object"}},
                    {"name": "go"},
                    {"description": "nameless"},
                    3,
                ]
            },
            {"google_search": {}},
            3,
        ]
    )
    assert request.tools == (
        Tool("look", schema, "Looks."),
        Tool("see", {"type": "object"}),
        Tool("go"),
        Tool("googleSearch", kind="googleSearch"),
    )


def test_kind_of_a_tool_without_a_value_is_no_tool() -> None:
    tools: Json = [{"functionDeclarations": [{"name": "go"}], "codeExecution": None, "googleSearch": None}]
    assert generate(tools=tools).tools == (Tool("go"),)


def test_snake_case_schema_has_the_same_names_and_values() -> None:
    schema: Json = {
        "type": "OBJECT",
        "property_ordering": ["two_words"],
        "properties": {
            "two_words": {"type": "ARRAY", "min_items": "2", "items": {"any_of": [{"max_length": 3}, True]}},
            "min_items": {"type": "STRING", "enum": ["a_b"], "default": {"c_d": 1}},
        },
        "defs": {"of_mine": {"min_length": 1}},
    }
    expected: Json = {
        "type": "OBJECT",
        "propertyOrdering": ["two_words"],
        "properties": {
            "two_words": {"type": "ARRAY", "minItems": "2", "items": {"anyOf": [{"maxLength": 3}, True]}},
            "min_items": {"type": "STRING", "enum": ["a_b"], "default": {"c_d": 1}},
        },
        "defs": {"of_mine": {"minLength": 1}},
    }
    offered = [{"function_declarations": [{"name": "f", "parameters": schema}]}]
    form = {"response_mime_type": "application/json", "response_schema": schema}
    request = generate(tools=offered, generation_config=form)
    assert request.tools[0].schema == request.response_format.schema == expected
    own = generate(tools=[{"function_declarations": [{"name": "f", "parameters_json_schema": schema}]}])
    assert own.tools[0].schema == schema


def test_schema_conversion_stops_at_the_maximum_depth() -> None:
    deep: Json = {"min_items": 1}
    for _ in range(150):
        deep = {"items": deep}
    offered = [{"function_declarations": [{"name": "f", "parameters": deep}]}]
    assert generate(tools=offered).tools[0].schema == deep


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({}, ToolChoice()),
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "NONE"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("any")),
        ({"mode": "none"}, ToolChoice("none")),
        ({"mode": "ANY", "allowed_function_names": ["a"]}, ToolChoice("named", ("a",))),
        ({"mode": "ANY", "allowedFunctionNames": ["a", "b", 3]}, ToolChoice("any", ("a", "b"))),
        ({"mode": "VALIDATED", "allowedFunctionNames": "a"}, ToolChoice("auto", ("a",))),
        (3, ToolChoice()),
    ],
)
def test_tool_choice_is_read_in_neutral_words(config: Json, choice: ToolChoice) -> None:
    assert generate(toolConfig={"functionCallingConfig": config}).tool_choice == choice
    assert generate(tool_config={"function_calling_config": config}).tool_choice == choice


SCHEMA: Json = {"type": "OBJECT", "title": "Weather", "properties": {"a_b": {"type": "STRING"}}}


@pytest.mark.parametrize(
    ("config", "form"),
    [
        ({}, Format()),
        ({"responseMimeType": "text/plain", "responseSchema": SCHEMA}, Format()),
        ({"responseMimeType": "application/json"}, Format("json")),
        (
            {"responseMimeType": "text/x.enum", "responseSchema": SCHEMA},
            Format("schema", "Weather", SCHEMA, bare=True),
        ),
        (
            {"response_mime_type": "application/json", "response_schema": SCHEMA},
            Format("schema", "Weather", SCHEMA),
        ),
        (
            {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}},
            Format("schema", None, {"type": "object"}),
        ),
    ],
)
def test_response_format_is_read_from_the_config(config: Json, form: Format) -> None:
    assert generate(generationConfig=config).response_format == form


@pytest.mark.parametrize(
    ("config", "output_bounds"),
    [
        ({}, OutputBounds()),
        ({"candidateCount": 2, "stopSequences": ["a", 3], "maxOutputTokens": 7}, OutputBounds(2, ("a",), 7)),
        ({"candidate_count": 0, "stop_sequences": "a", "max_output_tokens": True}, OutputBounds(1, ("a",))),
        ({"candidateCount": "2", "maxOutputTokens": "3"}, OutputBounds(2, (), 3)),
        ({"candidateCount": 2.0, "max_output_tokens": 3.0}, OutputBounds(2, (), 3)),
        ({"candidateCount": "two", "maxOutputTokens": 2.5}, OutputBounds()),
        # without a check: no more than the maximum
        ({"candidateCount": 10**9}, OutputBounds(8)),
    ],
)
def test_sampling_is_read_in_neutral_words(config: Json, output_bounds: OutputBounds) -> None:
    assert generate(generation_config=config).output_bounds == output_bounds


@pytest.mark.parametrize(
    ("stream", "query", "sse", "numbered"),
    [
        (True, "alt=sse", True, False),
        (True, "%24alt=sse", True, False),
        (True, "", False, False),
        (False, "alt=sse", False, False),
        (False, "$alt=json;enum-encoding=int", False, True),
    ],
)
def test_request_selects_stream_framing_and_enum_form(
    stream: bool, query: str, sse: bool, numbered: bool
) -> None:
    request = generate(stream=stream, query=query)
    assert (request.stream, request.sse, request.numbered) == (stream, sse, numbered)


@pytest.mark.parametrize(
    ("headers", "query", "key"),
    [
        ({"x-goog-api-key": "a"}, "key=b", "a"),
        ({}, "key=b", "b"),
        ({"authorization": "Bearer c"}, "", "c"),
        ({}, "", None),
    ],
)
def test_api_key_is_read_from_header_or_query(headers: dict[str, str], query: str, key: str | None) -> None:
    assert generate(headers=headers, query=query).api_key == key


def test_model_and_platform_come_from_the_path() -> None:
    assert (generate(model="tuned/x").model, generate().vertex) == ("tuned/x", False)
    on_vertex = generate(base=VERTEX, model="x")
    assert (on_vertex.model, on_vertex.vertex, on_vertex.provider) == ("x", True, "vertex")


def test_field_conversion_stops_at_the_maximum_depth() -> None:
    deep: Json = "x"
    for _ in range(150):
        deep = {"a_b": deep}
    request = generate(contents=[{"parts": [{"x_y": deep}]}], generation_config={"candidate_count": 2})
    assert request.output_bounds.n == 2
    assert request.messages == (Message("user", (OtherPart("xY"),)),)


@pytest.mark.parametrize(
    "raw", [b"", b"3", b"[]", b"{", b'{"contents": 3, "tools": 3, "generationConfig": 3}']
)
def test_invalid_request_has_no_content(raw: bytes) -> None:
    request = of_bytes(raw)
    assert (request.messages, request.tools, request.system) == ((), (), None)
    assert (request.output_bounds, request.response_format) == (OutputBounds(), Format())
    assert not request.omits_thinking


def test_build_request_sends_native_turns_unchanged() -> None:
    turns: list[dict[str, Json]] = [{"role": "model", "parts": [{"text": "a"}]}]
    assert GENERATE.build_request(NeutralRequest(messages=turns)).body == {"contents": turns}


def test_request_to_unknown_call_is_read_as_googles() -> None:
    plain = Request(method="GET", path="/nowhere", headers={}, query_string="alt=sse")
    assert (as_google_request(plain).path, as_google_request(plain).sse, as_google_request(plain).vertex) == (
        "/nowhere",
        False,
        False,
    )


@pytest.mark.timeout(60)  # a search with backtracking takes hours and gigabytes
def test_long_text_of_names_is_searched_at_once() -> None:
    for text in ("a_" * 4_000_000, "x" * 8_000_000, 'a_b" ' * 1_000_000):
        request = generate({"contents": [{"role": "user", "parts": [{"text": text}]}]})
        assert request.messages[0].text == text
