"""Refusals of a chat request in the provider's wording, and valid requests."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.chat.dialect import CHAT
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat, of_bytes
from tests.dialects.openai.chat.refusals import (
    ANSWER,
    CALL,
    CALLING,
    CUSTOM,
    MISSING,
    TOOL,
    USER,
    function,
    refusal_tuple,
)


def part(value: Json) -> Json:
    return {"messages": [{"role": "user", "content": [value]}]}


SOUND: dict[str, Json] = {"voice": "alloy", "format": "wav"}
FINE: dict[str, Json] = {
    "the least": {},
    "unknown fields": {"colour": "blue", "tools": None},
    "null for what may be left out": {
        "temperature": None,
        "stop": None,
        "tools": None,
        "stream_options": None,
    },
    "bounds": {
        "temperature": 2,
        "top_p": 0.0,
        "n": 128,
        "presence_penalty": -2,
        "top_logprobs": 20,
        "logprobs": True,
    },
    "one stop": {"stop": "x"},
    "four stops": {"stop": ["a", "b", "c", "d"]},
    "tools of both kinds": {"tools": [TOOL, CUSTOM]},
    "a strict tool that is closed": function(
        strict=True, parameters={"type": "object", "additionalProperties": False}
    ),
    "no tool without tools": {"tool_choice": "none"},
    "a known tool": {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
    "a known custom tool": {"tools": [CUSTOM], "tool_choice": {"type": "custom", "custom": {"name": "f"}}},
    "allowed tools": {
        "tools": [TOOL],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}},
    },
    "calls and their answers": {"messages": [USER, CALLING, ANSWER, USER]},
    "a custom call": {
        "messages": [
            {
                "role": "assistant",
                "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "f", "input": ""}}],
            },
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "ok"}]},
        ]
    },
    "a legacy call": {
        "messages": [
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
            {"role": "function", "name": "f", "content": "ok"},
        ],
        "functions": [{"name": "f"}],
    },
    "an image": part({"type": "image_url", "image_url": {"url": "data:,"}}),
    "a schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
    "any JSON": {
        "response_format": {"type": "json_object"},
        "messages": [{"role": "system", "content": "a Json"}],
    },
    "any JSON for a part": {
        "response_format": {"type": "json_object"},
        "messages": [USER, {"role": "user", "content": [{"type": "text", "text": "as JSON"}]}],
    },
    "parallel calls with tools": {"tools": [TOOL], "parallel_tool_calls": False},
    "null for parallel calls": {"parallel_tool_calls": None, "max_tokens": 1, "max_completion_tokens": None},
    "arrays with items": function(
        parameters={"type": "object", "properties": {"y": {"type": ["array", "null"], "items": {}}}}
    ),
    "audio": {"modalities": ["text", "audio"], "audio": SOUND},
    "streamed audio": {"modalities": ["audio"], "audio": {**SOUND, "format": "pcm16"}, "stream": True},
    "audio of an own voice": {"modalities": ["audio"], "audio": {**SOUND, "voice": {"id": "voice_1"}}},
    "no audio": {"modalities": ["text"], "audio": SOUND, "stream": True},
    "null for audio": {"modalities": None, "audio": None},
    "usage of a stream": {"stream": True, "stream_options": {"include_usage": True}},
}


@pytest.mark.parametrize("fields", FINE.values(), ids=FINE)
def test_chat_check_on_valid_request_accepts_it(fields: Json) -> None:
    assert CHAT.check(chat(**fields)) is None


REFUSED: dict[str, tuple[Json, str | None, str | None, str]] = {
    "no model": ({"messages": [USER]}, None, None, "you must provide a model parameter"),
    "a model that is no string": (
        {"model": 5, "messages": [USER]},
        "model",
        "invalid_type",
        "Invalid type for 'model': expected a string, but got an integer instead.",
    ),
    "no messages": ({"model": "m"}, "messages", MISSING, "Missing required parameter: 'messages'."),
    "null for messages": (
        {"model": "m", "messages": None},
        "messages",
        "invalid_type",
        "Invalid type for 'messages': expected an array of objects, but got null instead.",
    ),
    "messages that are a text": (
        {"model": "m", "messages": "hi"},
        "messages",
        "invalid_type",
        "Invalid type for 'messages': expected an array of objects, but got a string instead.",
    ),
    "empty messages": (
        {"model": "m", "messages": []},
        "messages",
        "empty_array",
        "Invalid 'messages': empty array. Expected an array with minimum length 1, "
        "but got an empty array instead.",
    ),
    "a message that is null": (
        {"model": "m", "messages": [None]},
        "messages[0]",
        "invalid_type",
        "Invalid type for 'messages[0]': expected an object, but got null instead.",
    ),
}


@pytest.mark.parametrize(("body", "param", "code", "message"), REFUSED.values(), ids=REFUSED)
def test_chat_check_on_invalid_body_returns_refusal(
    body: Json, param: str | None, code: str | None, message: str
) -> None:
    assert refusal_tuple(CHAT.check(chat(body))) == (param, code, message)


@pytest.mark.parametrize(
    ("fields", "param", "code", "message"),
    [
        ({"modalities": ["audio"]}, "audio", MISSING, "Missing required parameter: 'audio'."),
        (
            {"modalities": ["text", "audio"], "audio": None},
            "audio",
            MISSING,
            "Missing required parameter: 'audio'.",
        ),
        ({"audio": {"format": "wav"}}, "audio.voice", MISSING, "Missing required parameter: 'audio.voice'."),
        ({"audio": {"voice": "x"}}, "audio.format", MISSING, "Missing required parameter: 'audio.format'."),
        (
            {"audio": {**SOUND, "voice": {}}},
            "audio.voice.id",
            MISSING,
            "Missing required parameter: 'audio.voice.id'.",
        ),
        (
            {"audio": {**SOUND, "voice": 5}},
            "audio.voice",
            "invalid_type",
            "Invalid type for 'audio.voice': expected one of a string or object, but got an integer instead.",
        ),
        (
            {"audio": {**SOUND, "format": "xyz"}},
            "audio.format",
            "invalid_value",
            "Invalid value: 'xyz'. Supported values are: 'wav', 'aac', 'mp3', 'flac', 'opus', and 'pcm16'.",
        ),
        (
            {"modalities": ["audio"], "audio": SOUND, "stream": True},
            "audio.format",
            "unsupported_value",
            "Unsupported value: 'audio.format' does not support 'wav' when stream=true. "
            "Supported values are: 'pcm16'.",
        ),
    ],
)
def test_chat_check_on_wrong_audio_refuses_it(fields: Json, param: str, code: str, message: str) -> None:
    assert refusal_tuple(CHAT.check(chat(**fields))) == (param, code, message)


def message(**fields: Json) -> Json:
    return {"messages": [fields]}


UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'. The following tool_call_ids did not have response messages: call_1"
)
MESSAGES: dict[str, tuple[Json, str, str | None, str]] = {
    "no role": (
        message(content="hi"),
        "messages[0].role",
        MISSING,
        "Missing required parameter: 'messages[0].role'.",
    ),
    "a role that is no string": (
        message(role=1, content="hi"),
        "messages[0].role",
        "invalid_type",
        "Invalid type for 'messages[0].role': expected a string, but got an integer instead.",
    ),
    "an unknown role": (
        message(role="boss", content="hi"),
        "messages[0].role",
        "invalid_value",
        "Invalid value: 'boss'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and "
        "'developer'.",
    ),
    "no content": (
        message(role="user"),
        "messages.[0].content",
        None,
        "Invalid value for 'content': expected a string, got null.",
    ),
    "null for content": (
        message(role="user", content=None),
        "messages.[0].content",
        None,
        "Invalid value for 'content': expected a string, got null.",
    ),
    "content that is a number": (
        message(role="user", content=1.5),
        "messages[0].content",
        "invalid_type",
        "Invalid type for 'messages[0].content': expected one of a string or array of objects, "
        "but got a decimal number instead.",
    ),
    "a part that is a boolean": (
        part(True),
        "messages[0].content[0]",
        "invalid_type",
        "Invalid type for 'messages[0].content[0]': expected an object, but got a boolean instead.",
    ),
    "a part without a type": (
        part({"text": "hi"}),
        "messages[0].content[0].type",
        MISSING,
        "Missing required parameter: 'messages[0].content[0].type'.",
    ),
    "a part whose type is no string": (
        part({"type": []}),
        "messages[0].content[0].type",
        "invalid_type",
        "Invalid type for 'messages[0].content[0].type': expected a string, but got an array instead.",
    ),
    "a part of an unknown type": (
        part({"type": "smell"}),
        "messages[0].content[0].type",
        "invalid_value",
        "Invalid value: 'smell'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', "
        "'audio', and 'file'.",
    ),
    "an image that is a text": (
        part({"type": "image_url", "image_url": "http://x"}),
        "messages[0].content[0].image_url",
        "invalid_type",
        "Invalid type for 'messages[0].content[0].image_url': expected an object, but got a string instead.",
    ),
    "an empty list of calls": (
        message(role="assistant", tool_calls=[]),
        "messages[0].tool_calls",
        "empty_array",
        "Invalid 'messages[0].tool_calls': empty array. Expected an array with minimum length 1, "
        "but got an empty array instead.",
    ),
    "a call of an unknown type": (
        message(role="assistant", tool_calls=[{"id": "a", "type": "magic"}]),
        "messages[0].tool_calls[0].type",
        "invalid_value",
        "Invalid value: 'magic'. Supported values are: 'function' and 'custom'.",
    ),
    "arguments that are an object": (
        message(role="assistant", tool_calls=[{**CALL, "function": {"name": "f", "arguments": {}}}]),
        "messages[0].tool_calls[0].function.arguments",
        "invalid_type",
        "Invalid type for 'messages[0].tool_calls[0].function.arguments': expected a string, "
        "but got an object instead.",
    ),
    "a name that is a number": (
        message(role="user", content="hi", name=4),
        "messages[0].name",
        "invalid_type",
        "Invalid type for 'messages[0].name': expected a string, but got an integer instead.",
    ),
    "a tool message without an id": (
        {"messages": [CALLING, {"role": "tool", "content": "ok"}]},
        "messages[1].tool_call_id",
        MISSING,
        "Missing required parameter: 'messages[1].tool_call_id'.",
    ),
    "a tool message without a call": (
        {"messages": [USER, ANSWER]},
        "messages.[1].role",
        None,
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
        "'tool_calls'.",
    ),
    "a tool message for another call": (
        {"messages": [CALLING, {**ANSWER, "tool_call_id": "call_2"}]},
        "messages.[1].tool_call_id",
        None,
        "Invalid parameter: 'tool_call_id' of 'call_2' not found in 'tool_calls' of previous message.",
    ),
    "a call that is passed over": (
        {"messages": [CALLING, USER]},
        "messages.[1].role",
        None,
        UNANSWERED,
    ),
    "a call at the end": ({"messages": [USER, CALLING]}, "messages.[1].role", None, UNANSWERED),
}


@pytest.mark.parametrize(("fields", "param", "code", "text"), MESSAGES.values(), ids=MESSAGES)
def test_chat_check_on_invalid_message_returns_refusal(
    fields: Json, param: str, code: str | None, text: str
) -> None:
    assert refusal_tuple(CHAT.check(chat(**fields))) == (param, code, text)


@pytest.mark.parametrize("raw", [b"", b"{", b'{"n": NaN}', b"\xff", b'"\\ud800"'])
def test_chat_body_that_is_no_json_is_refused(raw: bytes) -> None:
    for failure in (CHAT.check_readable(of_bytes(raw)), CHAT.check(of_bytes(raw))):
        param, code, text = refusal_tuple(failure)
        assert (param, code) == (None, None)
        assert text.startswith("We could not parse the JSON body of your request.")


def test_chat_body_that_is_no_object_is_refused() -> None:
    failure = CHAT.check_readable(of_bytes(b"[]"))
    assert refusal_tuple(failure)[2] == "Invalid request body: expected an object, but got an array instead."


def test_chat_body_that_is_an_object_is_readable() -> None:
    assert CHAT.check_readable(of_bytes(b"{}")) is None


def test_chat_refusal_is_the_providers_400() -> None:
    request = chat(n=0)
    failure = CHAT.check(request)
    assert failure is not None
    assert CHAT.error(failure, request, IDENTITY).head.status == 400
