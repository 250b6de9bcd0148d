"""Parsing of a chat request into the neutral form."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.request.messages import CallPart, MediaPart, OtherPart, ResultPart
from mockllm.core.request.request import Message, TextPart, Tool
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.tools import ToolChoice
from tests.dialects.openai.chat.chat_requests import chat, of_bytes


def messages(*entries: Json) -> tuple[Message, ...]:
    return chat(messages=list(entries)).messages


def test_chat_request_of_empty_body_is_empty() -> None:
    request = of_bytes(b"")
    assert (request.model, request.stream, request.messages, request.tools) == (None, False, (), ())
    assert (request.tool_choice, request.response_format, request.output_bounds) == (
        ToolChoice(),
        Format(),
        OutputBounds(),
    )
    assert (request.system, request.user, request.turn) == (None, None, 1)


def test_chat_messages_have_neutral_roles_and_texts() -> None:
    request = chat(
        messages=[
            {"role": "system", "content": "S"},
            {"role": "developer", "content": [{"type": "text", "text": "D"}, "bare", {"text": "typeless"}]},
            {"role": "user", "content": "U"},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            {"role": "boss", "content": "left out"},
            {"role": ["user"]},
            None,
        ]
    )
    assert [message.role for message in request.messages] == ["system", "system", "user", "assistant"]
    assert (request.system, request.user, request.turn) == ("S\nD\nbare\ntypeless", "U", 2)
    assert request.messages[3].text == "no"


def test_null_members_of_calls_and_parts_are_absent() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "custom": None}
    refusal = {"type": "refusal", "refusal": "no", "text": None}
    (message,) = messages({"role": "assistant", "content": [refusal], "tool_calls": [call]})
    assert message.parts == (TextPart("no"), CallPart("c", "f", {}))


def test_chat_calls_that_are_no_objects_are_left_out() -> None:
    for calls in ([1, None, "a"], {"id": "c"}, 7):
        assert [message.parts for message in messages({"role": "assistant", "tool_calls": calls})] == [()]


def test_chat_request_without_user_message_has_no_user() -> None:
    assert chat(messages=[{"role": "system", "content": "a"}]).user is None
    assert (
        chat(messages=[{"role": "system", "content": "a"}, {"role": "assistant", "content": [1]}]).user
        is None
    )


def test_chat_media_and_unknown_parts_are_read() -> None:
    kinds = ("image_url", "input_audio", "file", "hologram")
    request = chat(
        messages=[{"role": "user", "content": [*({"type": kind} for kind in kinds), {"type": []}, 7]}]
    )
    parts = (
        MediaPart("image"),
        MediaPart("audio"),
        MediaPart("file"),
        OtherPart("hologram"),
        OtherPart("[]"),
    )
    assert request.messages[0].parts == parts
    assert request.has_image


@pytest.mark.parametrize("role", ["tool", "function"])
def test_chat_tool_result_has_its_images(role: str) -> None:
    content = [{"type": "text", "text": "seen"}, {"type": "image_url", "image_url": {"url": "data:"}}]
    request = chat(messages=[{"role": role, "name": None, "content": content}])
    assert request.messages[0].parts == (ResultPart(None, None, "seen"), MediaPart("image"))
    assert request.has_image


def test_chat_tool_result_finds_its_call() -> None:
    calls = [
        {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
        {"id": "b", "type": "custom", "custom": {"name": "sql", "input": "select"}},
        {"type": "function", "function": {"name": "nameless", "arguments": None}},
    ]
    payload = messages(
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": "21"},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}],
        },
        {"role": "tool", "tool_call_id": "zzz", "content": None},
        {"role": "tool"},
    )
    assert payload[0].parts == (
        CallPart("a", "weather", {"city": "Paris"}),
        CallPart("b", "sql", "select"),
        CallPart(None, "nameless", None),
    )
    assert [message.parts[0] for message in payload[1:]] == [
        ResultPart("a", "weather", "21"),
        ResultPart("b", "sql", "x\ny"),
        ResultPart("zzz", None, ""),
        ResultPart(None, None, ""),
    ]


def test_chat_legacy_functions_are_tools() -> None:
    request = chat(
        messages=[
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{"}},
            {"role": "function", "name": "f", "content": "ok"},
        ],
        functions=[{"name": "f", "parameters": {"type": "object"}}, {"description": "nameless"}],
        function_call={"name": "f"},
    )
    assert request.messages[0].parts == (CallPart(None, "f", "{"),)
    assert request.tool_results == (ResultPart(None, "f", "ok"),)
    assert request.tools == (Tool("f", {"type": "object"}),)
    assert request.tool_choice == ToolChoice("named", ("f",))


def test_chat_tools_of_every_kind_are_read() -> None:
    request = chat(
        tools=[
            {
                "type": "function",
                "function": {"name": "f", "description": "D", "parameters": {"type": "object"}},
            },
            {"function": {"name": "typeless"}},
            {"type": "custom", "custom": {"name": "c"}},
            {"type": "web_search"},
            {"type": "function"},
            {"type": "function", "function": {"name": 1}},
            "f",
        ]
    )
    assert request.tools == (
        Tool("f", {"type": "object"}, "D"),
        Tool("typeless"),
        Tool("c", kind="custom"),
        Tool("web_search", kind="web_search"),
    )
    assert request.custom_tools == {"c"}


ALLOWED: Json = {
    "type": "allowed_tools",
    "allowed_tools": {
        "mode": "required",
        "tools": [{"type": "function", "function": {"name": "f"}}, {"type": 1}],
    },
}


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ("auto", ToolChoice()),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("any")),
        (7, ToolChoice()),
        ({}, ToolChoice()),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("named", ("f",))),
        ({"type": "custom", "custom": {"name": "c"}}, ToolChoice("named", ("c",))),
        ({"type": "custom", "custom": {"name": "c"}, "function": None}, ToolChoice("named", ("c",))),
        (ALLOWED, ToolChoice("any", ("f",))),
        ({"type": "allowed_tools"}, ToolChoice("auto", ())),
    ],
)
def test_chat_tool_choice_is_read_in_neutral_words(choice: Json, read: ToolChoice) -> None:
    request = chat(tool_choice=choice)
    assert request.tool_choice == read
    assert request.forced == (read.mode == "named")


@pytest.mark.parametrize(
    ("expected", "read"),
    [
        ({"type": "text"}, Format()),
        ({"type": "json_object"}, Format("json")),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1}}},
            Format("schema", "n", {"a": 1}),
        ),
        ({"type": "json_schema"}, Format("schema")),
        ("json", Format()),
    ],
)
def test_chat_response_format_is_read(expected: Json, read: Format) -> None:
    assert chat(response_format=expected).response_format == read


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"n": 3, "stop": "x", "max_tokens": 5}, OutputBounds(3, ("x",), 5)),
        (
            {"max_tokens": 5, "max_completion_tokens": 7, "stop": ["a", 1, "b"]},
            OutputBounds(1, ("a", "b"), 7),
        ),
        ({"n": True, "stop": 4, "max_tokens": -1}, OutputBounds()),
        ({"n": 10**12}, OutputBounds(128)),
    ],
)
def test_chat_sampling_is_read_in_neutral_words(fields: Json, read: OutputBounds) -> None:
    assert chat(**fields).output_bounds == read


@pytest.mark.parametrize(
    ("fields", "stream", "usage", "padded", "tier"),
    [
        ({}, False, False, True, "default"),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True, True, "default"),
        ({"stream_options": {"include_obfuscation": False}}, False, False, False, "default"),
        ({"stream": 1, "stream_options": [], "service_tier": "auto"}, False, False, True, "default"),
        ({"service_tier": "flex"}, False, False, True, "flex"),
        ({"service_tier": ["flex"]}, False, False, True, "default"),
    ],
)
def test_chat_stream_options_are_read(
    fields: Json, stream: bool, usage: bool, padded: bool, tier: str
) -> None:
    request = chat(**fields)
    assert (request.stream, request.include_usage, request.obfuscated, request.service_tier) == (
        stream,
        usage,
        padded,
        tier,
    )
