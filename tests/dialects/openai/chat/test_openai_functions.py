"""The legacy `functions` of chat: a call is a `function_call` of the message, non-streaming and streaming."""

from __future__ import annotations

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import Choice, Finish, Part, Reply, Text, ToolCall
from mockllm.core.request.messages import ResultPart
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.decoded_response import DecodedToolCall
from mockllm.dialects.openai.chat.dialect import CHAT
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat
from tests.dialects.openai.completions_requests import body_of

FUNCTIONS: Json = [{"name": "get_weather", "parameters": {"type": "object", "properties": {}}}]
CALL = ToolCall("get_weather", ('{"city":', ' "Paris"}'))
ROME = ToolCall("get_weather", ('{"city": "Rome"}',))


def make_reply(*parts: Part, finish: Finish = "tool_calls") -> Reply:
    return Reply((Choice(parts, finish),))


def first_choice(reply: Reply, **fields: Json) -> Json:
    request = chat(functions=FUNCTIONS, **fields)
    result = body_of(CHAT.encode_body(CHAT.supported_reply(reply, request), request, IDENTITY))
    ChatCompletion.model_validate(result, strict=True)
    return result["choices"][0]


def chunks(reply: Reply, **fields: Json) -> list[Json]:
    request = chat(functions=FUNCTIONS, stream=True, **fields)
    plan = CHAT.encode_stream(CHAT.supported_reply(reply, request), request, IDENTITY)
    result = [
        loads(step.payload) for step in plan.steps if isinstance(step, EventStep) and step.kind != "end"
    ]
    for chunk in result:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    return [chunk["choices"][0] for chunk in result]


def test_legacy_call_is_the_messages_function_call() -> None:
    choice = first_choice(make_reply(CALL))
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
        "refusal": None,
        "annotations": [],
    }
    assert choice["finish_reason"] == "function_call"


def test_legacy_stream_opens_call_with_name_then_arguments() -> None:
    payload = chunks(make_reply(CALL))
    assert [choice["delta"] for choice in payload] == [
        {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "get_weather", "arguments": ""},
            "refusal": None,
        },
        {"function_call": {"arguments": '{"city":'}},
        {"function_call": {"arguments": ' "Paris"}'}},
        {},
    ]
    assert payload[-1]["finish_reason"] == "function_call"


def test_legacy_call_after_text_opens_at_its_position() -> None:
    payload = chunks(make_reply(Text(("Let me see.",)), CALL))
    assert payload[1]["delta"] == {"content": "Let me see."}
    assert payload[2]["delta"] == {"function_call": {"name": "get_weather", "arguments": ""}}


def test_legacy_message_has_only_the_first_call() -> None:
    reply = make_reply(Text(("Both.",)), CALL, ROME, CALL)
    assert first_choice(reply)["message"]["function_call"]["arguments"] == '{"city": "Paris"}'
    payload = "".join(
        choice["delta"].get("function_call", {}).get("arguments", "") for choice in chunks(reply)
    )
    assert payload == '{"city": "Paris"}'


@pytest.mark.parametrize(
    ("fields", "finish", "reported"),
    [
        ({"function_call": "auto"}, "tool_calls", "function_call"),
        ({"function_call": {"name": "get_weather"}}, "tool_calls", "stop"),
        ({}, "stop", "stop"),
    ],
)
def test_legacy_call_finish_reason_follows_the_request(
    fields: dict[str, Json], finish: Finish, reported: str
) -> None:
    assert first_choice(make_reply(CALL, finish=finish), **fields)["finish_reason"] == reported


def test_functions_beside_tools_give_a_tool_call() -> None:
    tools = [{"type": "function", "function": {"name": "get_weather"}}]
    assert "tool_calls" in first_choice(make_reply(CALL), tools=tools)["message"]


@pytest.mark.parametrize("tools", [None, []])
def test_functions_beside_absent_tools_give_a_function_call(tools: Json) -> None:
    choice = first_choice(make_reply(CALL), tools=tools)
    assert "function_call" in choice["message"]
    assert choice["finish_reason"] == "function_call"
    assert "function_call" in chunks(make_reply(CALL), tools=tools)[0]["delta"]


def test_null_functions_give_a_tool_call() -> None:
    request = chat(functions=None)
    assert (
        "tool_calls"
        in body_of(CHAT.encode_body(make_reply(CALL), request, IDENTITY))["choices"][0]["message"]
    )


def test_null_tool_choice_leaves_the_forced_function() -> None:
    forced: dict[str, Json] = {"function_call": {"name": "get_weather"}, "tool_choice": None}
    assert chat(functions=FUNCTIONS, **forced).tool_choice == ToolChoice("named", ("get_weather",))
    assert first_choice(make_reply(CALL), **forced)["finish_reason"] == "stop"


def test_legacy_call_is_decoded() -> None:
    request = chat(functions=FUNCTIONS)
    for plan in (
        CHAT.encode_body(make_reply(CALL), request, IDENTITY),
        CHAT.encode_stream(make_reply(CALL), request, IDENTITY),
    ):
        decoded = CHAT.decode(plan)
        assert decoded is not None
        assert decoded.calls == (DecodedToolCall("get_weather", {"city": "Paris"}),)
        assert decoded.finish == "tool_calls"


def test_legacy_function_result_has_its_name() -> None:
    request = chat(
        messages=[
            {"role": "user", "content": "weather?"},
            {
                "role": "assistant",
                "content": None,
                "function_call": {"name": "get_weather", "arguments": "{}"},
            },
            {"role": "function", "name": "get_weather", "content": "21"},
        ],
        functions=FUNCTIONS,
    )
    assert CHAT.check(request) is None
    assert request.tool_results == (ResultPart(None, "get_weather", "21"),)


@pytest.mark.parametrize(
    ("call", "functions", "message"),
    [
        ("none", None, None),
        (None, None, None),
        ("auto", FUNCTIONS, None),
        ({"name": "get_weather"}, FUNCTIONS, None),
        ("auto", None, "only allowed when 'functions' are specified"),
        ({"name": "other"}, FUNCTIONS, "no function named 'other'"),
        ("required", FUNCTIONS, "Supported values are: 'none' and 'auto'"),
        (3, FUNCTIONS, "expected one of one of 'none' or 'auto' or object"),
        ({}, FUNCTIONS, "Missing required parameter: 'function_call.name'"),
    ],
)
def test_function_call_of_missing_function_is_refused(
    call: Json, functions: Json, message: str | None
) -> None:
    wrong = CHAT.check(chat(function_call=call, functions=functions))
    if message is None:
        assert wrong is None
    else:
        assert wrong is not None
        assert message in str(wrong.message)
