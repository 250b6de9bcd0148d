"""Parsing of a responses request into the neutral form."""

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
from mockllm.core.request.request import Message, TextPart, Tool
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.tools import ToolChoice
from tests.dialects.openai.responses.responses_requests import of_bytes, responses


def messages(*items: Json) -> tuple[Message, ...]:
    return responses(input=list(items)).messages


def test_responses_request_of_empty_body_is_empty() -> None:
    request = of_bytes(b"")
    assert (request.model, request.stream, request.messages, request.tools) == (None, False, (), ())
    assert (request.tool_choice, request.response_format, request.output_bounds) == (
        ToolChoice(),
        Format(),
        OutputBounds(),
    )
    assert (request.system, request.user, request.turn, request.included) == (None, None, 1, frozenset())
    assert (request.obfuscated, request.service_tier) == (True, "default")


def test_text_input_is_the_users_and_instructions_come_first() -> None:
    request = responses(input="hello", instructions="I")
    assert (request.user, request.system) == ("hello", "I")
    items = [{"role": "developer", "content": "D"}, {"role": "user", "content": "U"}]
    assert responses(input=items, instructions="I").system == "I\nD"
    assert responses(input="hello").system is None


def test_input_tokens_include_instructions() -> None:
    plain, instructed = responses().input_tokens, responses(instructions="Be brief.").input_tokens
    assert 0 < plain < instructed


def test_adjacent_model_items_are_one_turn() -> None:
    payload = messages(
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
    assert payload == (
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


@pytest.mark.parametrize(
    ("call", "output", "parts"),
    [
        (
            {"type": "computer_call", "call_id": "c", "action": {"type": "wait"}},
            {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
            (
                CallPart("c", "computer_use_preview", {"type": "wait"}),
                ResultPart("c", "computer_use_preview", ""),
            ),
        ),
        (
            {
                "type": "local_shell_call",
                "call_id": "c",
                "action": {"type": "exec", "command": ["ls"], "env": {}},
            },
            {"type": "local_shell_call_output", "id": "c", "output": "a.py"},
            (CallPart("c", "local_shell", {"command": ["ls"]}), ResultPart("c", "local_shell", "a.py")),
        ),
        (
            {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "a"}},
            {"type": "apply_patch_call_output", "call_id": "c", "status": "failed", "output": "no such file"},
            (
                CallPart("c", "apply_patch", {"type": "delete_file", "path": "a"}),
                ResultPart("c", "apply_patch", "no such file"),
            ),
        ),
        (
            {"type": "shell_call", "action": {"commands": ["ls"], "timeout_ms": 9}},
            {"type": "shell_call_output", "output": [{"stdout": "a.py", "stderr": ""}, {"stdout": 7}, "x"]},
            (
                CallPart(None, "shell", {"commands": ["ls"], "timeout_ms": 9}),
                ResultPart(None, "shell", "a.py"),
            ),
        ),
    ],
)
def test_call_of_client_tool_is_read_with_its_output(
    call: Json, output: Json, parts: tuple[MessagePart, MessagePart]
) -> None:
    assert messages(call, output) == (Message("assistant", parts[:1]), Message("tool", parts[1:]))


def test_shell_call_in_container_is_another_part() -> None:
    environment = {"type": "container_reference", "container_id": "c"}
    (turn,) = messages({"type": "shell_call", "call_id": "c", "environment": environment})
    assert turn.parts == (OtherPart("shell_call"),)


def test_call_without_id_is_a_call() -> None:
    (turn,) = messages({"type": "function_call", "name": "f", "arguments": "{}"})
    assert turn.parts == (CallPart(None, "f", {}),)


def test_invalid_items_are_ignored() -> None:
    assert messages(7, {"role": "boss", "content": "x"}, {"role": ["user"]}, {"type": 7}) == ()


def test_responses_media_and_unknown_parts_are_read() -> None:
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


def test_responses_tool_result_has_its_images() -> None:
    output = [{"type": "input_text", "text": "seen"}, {"type": "input_image", "image_url": "data:"}]
    request = responses(input=[{"type": "function_call_output", "call_id": "a", "output": output}])
    assert request.messages[0].parts == (ResultPart("a", None, "seen"), MediaPart("image"))
    assert request.has_image


def test_responses_tools_of_every_kind_are_read() -> None:
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
    assert request.custom_tools == {"sql"}


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ("none", ToolChoice("none")),
        ("auto", ToolChoice()),
        ("required", ToolChoice("any")),
        ({"type": "function", "name": "f"}, ToolChoice("named", ("f",))),
        ({"type": "web_search"}, ToolChoice("named", ("web_search",))),
        ({"type": "computer"}, ToolChoice("named", ("computer",))),
        ({"type": "computer_use"}, ToolChoice("named", ("computer", "computer_use_preview"))),
        ({}, ToolChoice()),
        (7, ToolChoice()),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice("any", ("f",)),
        ),
        ({"type": "allowed_tools", "mode": "auto"}, ToolChoice("auto")),
    ],
)
def test_responses_tool_choice_is_read_in_neutral_words(choice: Json, read: ToolChoice) -> None:
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
def test_responses_format_is_read(text: Json, read: Format) -> None:
    assert responses(text=text).response_format == read


def test_responses_stream_tier_and_sampling_are_read() -> None:
    request = responses(
        max_output_tokens=20, stream=True, include=["a", 1], stream_options={"include_obfuscation": False}
    )
    assert request.output_bounds == OutputBounds(max_tokens=20)
    assert (request.stream, request.included, request.obfuscated) == (True, frozenset({"a"}), False)
    assert responses(service_tier="flex").service_tier == "flex"
    assert responses(service_tier=["flex"]).service_tier == "default"
