"""Parsing of a messages request, which never raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.json.codec import dumps
from mockllm.core.request.messages import CallPart, MediaPart, OtherPart, ResultPart, ThinkingPart
from mockllm.core.request.request import Message, TextPart, Tool
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.anthropic.messages_request import MessagesRequest
from tests.dialects.anthropic.messages_requests import of_bytes


def messages_request(
    body: Any = None, /, headers: dict[str, str] | None = None, **fields: Any
) -> MessagesRequest:
    return of_bytes(dumps(fields if body is None else body), headers)


def turns(*contents: Any) -> MessagesRequest:
    """Messages of user and assistant in turn."""
    roles = ("user", "assistant")
    return messages_request(
        messages=[{"role": roles[n % 2], "content": text} for n, text in enumerate(contents)]
    )


def test_messages_request_reads_model_and_stream() -> None:
    request = messages_request(model="claude-x", stream=True)
    assert (request.model, request.stream, request.dialect, request.api) == (
        "claude-x",
        True,
        "anthropic",
        "messages",
    )


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        pytest.param({"x-api-key": "sk-a"}, "sk-a", id="the provider's own header"),
        pytest.param({"authorization": "Bearer sk-b"}, "sk-b", id="a bearer token"),
        pytest.param(
            {"x-api-key": "sk-a", "authorization": "Bearer sk-b"}, "sk-a", id="both: its own counts"
        ),
        pytest.param({}, None, id="none"),
    ],
)
def test_api_key_is_read_from_header_or_bearer_token(headers: dict[str, str], key: str | None) -> None:
    assert messages_request({}, headers=headers).api_key == key


PARTS: list[Any] = [
    pytest.param("hi", [TextPart("hi")], id="a string is one text"),
    pytest.param(["hi"], [TextPart("hi")], id="a bare string in a list"),
    pytest.param([{"text": "hi"}], [TextPart("hi")], id="a text without a type"),
    pytest.param([{"type": "text", "text": "hi"}], [TextPart("hi")], id="a text block"),
    pytest.param([{"type": "text", "text": 3}], [OtherPart("text")], id="a text block without text"),
    pytest.param([{"type": "image", "source": {}}], [MediaPart("image")], id="an image"),
    pytest.param([{"type": "document"}], [MediaPart("file")], id="a document"),
    pytest.param([{"type": "thinking", "thinking": "hm"}], [ThinkingPart("hm")], id="thinking"),
    pytest.param([{"type": "thinking"}], [ThinkingPart("")], id="thinking without text"),
    pytest.param([{"type": "redacted_thinking"}], [OtherPart("redacted_thinking")], id="another type"),
    pytest.param([{"type": 3}, 4, None], [OtherPart("")], id="what is no block is left out"),
    pytest.param(None, [], id="no content"),
    pytest.param(
        [{"type": "tool_use", "id": "t", "name": "get", "input": {"a": 1}}],
        [CallPart("t", "get", {"a": 1})],
        id="a call",
    ),
    pytest.param([{"type": "tool_use"}], [CallPart(None, None, None)], id="a call without anything"),
]


@pytest.mark.parametrize(("content", "parts"), PARTS)
def test_content_block_becomes_a_neutral_part(content: Any, parts: list[Any]) -> None:
    assert turns(content).messages == (Message("user", tuple(parts)),)


def test_result_reads_texts_and_images_only() -> None:
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    image = {"type": "image", "source": {}}
    content = ["no block", {"type": "text", "text": "a"}, image, {"type": "text", "text": "b"}, {"text": 1}]
    request = turns("go", [call], [{"type": "tool_result", "tool_use_id": "t", "content": content}])
    assert request.messages[-1] == Message("tool", (ResultPart("t", "f", "a\nb"), MediaPart("image")))


def test_tool_results_become_a_separate_message_first() -> None:
    request = turns(
        "weather?",
        [{"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}],
        [
            {"type": "text", "text": "there"},
            {"type": "tool_result", "tool_use_id": "t1", "content": '{"t": 3}'},
            {
                "type": "tool_result",
                "tool_use_id": "t9",
                "is_error": True,
                "content": [{"text": "a"}, {"text": "b"}],
            },
        ],
    )
    assert request.messages[2:] == (
        Message("tool", (ResultPart("t1", "get_weather", '{"t": 3}'), ResultPart("t9", None, "a\nb", True))),
        Message("user", (TextPart("there"),)),
    )
    assert [part.id for part in request.tool_results] == ["t1", "t9"]
    assert request.tool_results[0].json == {"t": 3}
    assert (request.user, request.turn) == ("there", 2)


def test_message_of_results_has_the_last_user_text() -> None:
    call = {"type": "tool_use", "id": "t", "name": "see", "input": {}}
    observed = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": {}}]}
    request = turns("look", [call], [observed, {"type": "tool_result"}])
    assert request.messages[2] == Message(
        "tool", (ResultPart("t", "see", ""), MediaPart("image"), ResultPart(None, None, ""))
    )
    assert (request.user, request.has_image, len(request.messages)) == ("look", True, 3)


def test_invalid_messages_are_ignored() -> None:
    odd = [
        None,
        3,
        {},
        {"role": "robot", "content": "x"},
        {"role": ["user"]},
        {"role": "user", "content": "hi"},
    ]
    assert messages_request(messages=odd).messages == (Message("user", (TextPart("hi"),)),)
    assert messages_request(messages="hi").messages == ()


@pytest.mark.parametrize(
    ("fields", "system"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"system": "Be brief."}, "Be brief.", id="a string"),
        pytest.param({"system": [{"type": "text", "text": "A"}, {"text": "B"}, 3]}, "A\nB", id="blocks"),
        pytest.param(
            {"system": "A", "messages": [{"role": "system", "content": "B"}]}, "A\nB", id="with a system turn"
        ),
    ],
)
def test_system_text_joins_top_level_and_messages(fields: dict[str, Any], system: str | None) -> None:
    assert messages_request(fields).system == system


def test_tools_are_read_by_name_and_kind() -> None:
    schema = {"type": "object"}
    request = messages_request(
        tools=[
            {"name": "get", "description": "Gets", "input_schema": schema},
            {"name": "put", "type": "custom"},
            {"name": "web_search", "type": "web_search_20250305"},
            {"type": "mcp_toolset"},
            "x",
        ]
    )
    assert request.tools == (
        Tool("get", schema, "Gets"),
        Tool("put"),
        Tool("web_search", kind="web_search_20250305"),
    )


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "any"}, ToolChoice("any")),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "tool", "name": "get"}, ToolChoice("named", ("get",))),
        ({"type": "tool"}, ToolChoice()),
        ({"type": ["any"]}, ToolChoice()),
        ("any", ToolChoice()),
    ],
)
def test_tool_choice_is_read_in_neutral_words(choice: Any, read: ToolChoice) -> None:
    assert messages_request(tool_choice=choice).tool_choice == read


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({}, Format()),
        ({"output_format": {"type": "json_schema", "schema": {"a": 1}}}, Format("schema", None, {"a": 1})),
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, Format("schema", None, {})),
        ({"output_config": {"effort": "low"}}, Format()),
        ({"output_config": "x", "output_format": "y"}, Format()),
    ],
)
def test_response_format_is_read_from_its_fields(fields: dict[str, Any], read: Format) -> None:
    assert messages_request(fields).response_format == read


def test_sampling_is_read_in_neutral_words() -> None:
    assert messages_request(max_tokens=9, stop_sequences=["a", 3, "b"]).output_bounds == OutputBounds(
        1, ("a", "b"), 9
    )
    assert messages_request(max_tokens=True, stop_sequences="a").output_bounds == OutputBounds()


def test_input_tokens_include_the_system_text() -> None:
    message = {"role": "user", "content": "hi"}
    without = messages_request(messages=[message]).input_tokens
    assert messages_request(messages=[message], system="one two three").input_tokens > without > 0


def test_system_message_counts_once() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "system", "content": "one two three"}]
    for system in (None, "four five six"):
        without = messages_request(messages=turns[:1], system=system).input_tokens
        assert messages_request(messages=turns, system=system).input_tokens == without + 6


@pytest.mark.parametrize(("choice", "count"), [({}, 346), ({"tool_choice": {"type": "any"}}, 313)])
def test_input_tokens_include_tool_instructions(choice: dict[str, Any], count: int) -> None:
    message = {"role": "user", "content": "hi"}
    tool = {"name": "f", "input_schema": {"type": "object"}}
    without = messages_request(messages=[message]).input_tokens
    assert (
        count
        < messages_request(messages=[message], tools=[tool], **choice).input_tokens - without
        < count + 20
    )


def test_omits_thinking_follows_the_display_setting() -> None:
    assert messages_request(thinking={"type": "adaptive", "display": "omitted"}).omits_thinking
    assert not messages_request(thinking={"type": "adaptive"}).omits_thinking
    assert not messages_request(thinking=True).omits_thinking


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "text", "tool_use", "id", "name", "input", "tool_use_id"]
            ),
            inner
            | st.sampled_from(["user", "assistant", "tool_use", "tool_result", "text", "image", "document"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)
FIELDS = [
    *(
        "model",
        "messages",
        "max_tokens",
        "stream",
        "system",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
    ),
    *("tools", "tool_choice", "thinking", "metadata", "output_config", "output_format"),
]
BODIES = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8)
READINGS = [
    *("model", "stream", "messages", "system", "user", "turn", "tools", "tool_choice", "tool_results"),
    *(
        "has_image",
        "response_format",
        "output_bounds",
        "input_tokens",
        "api_key",
        "omits_thinking",
        "declines_thinking",
    ),
]


@given(BODIES)
def test_messages_request_on_any_json_never_raises(body: Any) -> None:
    request = messages_request(body)
    for name in READINGS:
        getattr(request, name)


DEEP = b"[" * 900 + b"]" * 900
CALLS = b'{"messages": [{"role": "assistant", "content": [{"type": "tool_use", "input": %b}]}]}' % DEEP


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", DEEP, b'{"messages": %b}' % DEEP, CALLS])
def test_messages_request_on_extreme_json_never_raises(raw: bytes) -> None:
    request = of_bytes(raw)
    for name in READINGS:
        getattr(request, name)
