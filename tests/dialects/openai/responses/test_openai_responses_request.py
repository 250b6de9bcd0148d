"""A responses request in neutral words."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.request.request import (
    CallPart,
    Format,
    MediaPart,
    Message,
    OtherPart,
    ResultPart,
    Sampling,
    TextPart,
    ThinkingPart,
    Tool,
    ToolChoice,
)
from tests.dialects.openai.responses.responses_requests import of_bytes, responses


def messages(*items: Json) -> tuple[Message, ...]:
    return responses(input=list(items)).messages


def test_an_empty_body_reads_as_nothing() -> None:
    request = of_bytes(b"")
    assert (request.model, request.stream, request.messages, request.tools) == (None, False, (), ())
    assert (request.tool_choice, request.response_format, request.sampling) == (
        ToolChoice(),
        Format(),
        Sampling(),
    )
    assert (request.system, request.user, request.turn, request.included) == (None, None, 1, frozenset())
    assert (request.obfuscated, request.service_tier) == (True, "default")


def test_a_text_is_the_users_and_instructions_stand_first_in_the_system_text() -> None:
    request = responses(input="hello", instructions="I")
    assert (request.user, request.system) == ("hello", "I")
    items = [{"role": "developer", "content": "D"}, {"role": "user", "content": "U"}]
    assert responses(input=items, instructions="I").system == "I\nD"
    assert responses(input="hello").system is None


def test_instructions_are_counted() -> None:
    plain, instructed = responses().input_tokens, responses(instructions="Be brief.").input_tokens
    assert 0 < plain < instructed


def test_neighbouring_items_of_the_model_are_one_turn() -> None:
    said = messages(
        {"role": "user", "content": "weather?"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "a", "name": "weather", "arguments": '{"city": "Paris"}'},
        {"type": "function_call", "call_id": "b", "name": "broken", "arguments": "{"},
        {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select"},
        {"type": "web_search_call"},
        {"type": "function_call_output", "call_id": "a", "output": '{"degrees": 21}'},
        {"type": "custom_tool_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "x"}]},
        {"type": "function_call_output", "call_id": "z", "output": None},
        {"type": "function_call_output"},
        {"type": "computer_call_output", "call_id": "d"},
    )
    assert said == (
        Message("user", (TextPart("weather?"),)),
        Message(
            "assistant",
            (
                ThinkingPart("Hm."),
                TextPart("I look."),
                CallPart("a", "weather", {"city": "Paris"}),
                CallPart("b", "broken", "{"),
                CallPart("c", "sql", "select"),
                OtherPart("web_search_call"),
            ),
        ),
        Message("tool", (ResultPart("a", "weather", '{"degrees": 21}'),)),
        Message("tool", (ResultPart("c", "sql", "x"),)),
        Message("tool", (ResultPart("z", None, ""),)),
        Message("tool", (ResultPart(None, None, ""),)),
        Message("tool", (ResultPart("d", "computer", ""),)),
    )


def test_a_call_without_an_id_is_a_call() -> None:
    (turn,) = messages({"type": "function_call", "name": "f", "arguments": "{}"})
    assert turn.parts == (CallPart(None, "f", {}),)


def test_items_that_are_none_are_left_out() -> None:
    assert messages(7, {"role": "boss", "content": "x"}, {"role": ["user"]}, {"type": 7}) == ()


def test_media_and_parts_without_a_word() -> None:
    kinds = ("input_image", "input_audio", "input_file", "hologram")
    content = [*({"type": kind} for kind in kinds), {"type": []}, "bare", {"text": "typeless"}, 7]
    request = responses(input=[{"role": "user", "content": [*content, {"type": "refusal", "refusal": "no"}]}])
    assert request.messages[0].parts == (
        MediaPart("image"),
        MediaPart("audio"),
        MediaPart("file"),
        OtherPart("hologram"),
        OtherPart("[]"),
        TextPart("bare"),
        TextPart("typeless"),
        TextPart("no"),
    )
    assert request.has_image


def test_tools_of_every_kind() -> None:
    request = responses(
        tools=[
            {"type": "function", "name": "f", "description": "D", "parameters": {"type": "object"}},
            {"name": "typeless"},
            {"type": "custom", "name": "sql"},
            {"type": "web_search"},
            {"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "inner"}]},
            {"type": "function"},
            None,
        ]
    )
    assert request.tools == (
        Tool("f", {"type": "object"}, "D"),
        Tool("typeless"),
        Tool("sql", kind="custom"),
        Tool("web_search", kind="web_search"),
        Tool("inner"),
    )
    assert request.custom == {"sql"}


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ("none", ToolChoice("none")),
        ("auto", ToolChoice()),
        ("required", ToolChoice("any")),
        ({"type": "function", "name": "f"}, ToolChoice("named", ("f",))),
        ({"type": "web_search"}, ToolChoice("named", ("web_search",))),
        ({}, ToolChoice()),
        (7, ToolChoice()),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice("any", ("f",)),
        ),
        ({"type": "allowed_tools", "mode": "auto"}, ToolChoice("auto")),
    ],
)
def test_tool_choice(choice: Json, read: ToolChoice) -> None:
    assert responses(tool_choice=choice).tool_choice == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ({"format": {"type": "json_object"}}, Format("json")),
        ({"format": {"type": "json_schema", "name": "n", "schema": {}}}, Format("schema", "n", {})),
        ({"format": {"type": "text"}}, Format()),
        ({"verbosity": "low"}, Format()),
        ([], Format()),
    ],
)
def test_response_format(text: Json, read: Format) -> None:
    assert responses(text=text).response_format == read


def test_what_else_is_asked() -> None:
    request = responses(
        max_output_tokens=20, stream=True, include=["a", 1], stream_options={"include_obfuscation": False}
    )
    assert request.sampling == Sampling(max_tokens=20)
    assert (request.stream, request.included, request.obfuscated) == (True, frozenset({"a"}), False)
    assert responses(service_tier="flex").service_tier == "flex"
    assert responses(service_tier=["flex"]).service_tier == "default"
