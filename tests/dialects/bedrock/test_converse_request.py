"""What a request of Converse says in provider-neutral form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.messages import (
    CallPart,
    MediaPart,
    MessagePart,
    OtherPart,
    ResultPart,
    ThinkingPart,
)
from mockllm.core.request.request import Message, TextPart, Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.bedrock.provider import CONVERSE
from tests.dialects.bedrock.bedrock_requests import CLAUDE, converse, request_of

ARN = "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0"


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (
            "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse",
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
        ),
        (f"/model/{CLAUDE}/converse-stream", CLAUDE),
        (f"/model/{ARN.replace(':', '%3A').replace('/', '%2F')}/converse", ARN),
        (f"/bedrock/model/{ARN}/invoke", ARN),
    ],
)
def test_model_is_decoded_part_of_path(path: str, model: str) -> None:
    request = request_of(path)
    assert request.model == model
    assert request.stream is path.endswith("-stream")


def content(*blocks: Json, role: str = "user") -> tuple[Message, ...]:
    return converse(messages=[{"role": role, "content": list(blocks)}]).messages


BLOCKS: dict[str, tuple[Json, MessagePart]] = {
    "a text": ({"text": "hi"}, TextPart("hi")),
    "an image": ({"image": {"format": "png"}}, MediaPart("image")),
    "a document": ({"document": {}}, MediaPart("file")),
    "a video": ({"video": {}}, MediaPart("file")),
    "a sound": ({"audio": {}}, MediaPart("audio")),
    "a call": ({"toolUse": {"toolUseId": "t1", "name": "look", "input": {}}}, CallPart("t1", "look", {})),
    "a call without an id": ({"toolUse": {"name": "look"}}, CallPart(None, "look", None)),
    "thinking": ({"reasoningContent": {"reasoningText": {"text": "Hm."}}}, ThinkingPart("Hm.")),
    "redacted thinking": ({"reasoningContent": {"redactedContent": "AA=="}}, ThinkingPart("")),
    "a guarded text": ({"guardContent": {"text": {"text": "hi"}}}, TextPart("hi")),
    "a guarded image": ({"guardContent": {"image": {}}}, OtherPart("guardContent")),
    "cited texts": ({"citationsContent": {"content": [{"text": "a"}, {"text": "b"}, 1]}}, TextPart("ab")),
    "a block of tomorrow": ({"tomorrow": 1}, OtherPart("tomorrow")),
    "a text that is none": ({"text": 1}, OtherPart("text")),
    "an empty block": ({}, OtherPart("")),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_block_becomes_neutral_part(name: str) -> None:
    block, part = BLOCKS[name]
    assert content(block, {"cachePoint": {"type": "default"}}) == (Message("user", (part,)),)


def test_results_are_messages_of_their_own() -> None:
    call = {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"city": "Oslo"}}}
    parts: list[Json] = [{"text": "a"}, {"json": {"b": 1}}, {"image": {}}]
    results: list[Json] = [
        {"toolResult": {"toolUseId": "t1", "content": parts, "status": "error"}},
        {"toolResult": {"content": []}},
        {"toolResult": {}},
        {"text": "And?"},
    ]
    request = converse(
        messages=[{"role": "assistant", "content": [call]}, {"role": "user", "content": results}]
    )
    _, stated, reported = request.messages
    assert stated.role == "tool"
    assert stated.parts == (
        ResultPart("t1", "look", 'a\n{"b":1}', True),
        MediaPart("image"),
        ResultPart(None, None, "", False),
    )
    assert (reported.role, reported.text, request.user) == ("user", "And?", "And?")


def test_message_of_results_alone_is_one_message() -> None:
    (message,) = content({"toolResult": {"toolUseId": "t1", "content": [{"text": "a"}]}})
    assert message == Message("tool", (ResultPart("t1", None, "a", False),))


def test_role_of_tomorrow_is_no_message() -> None:
    assert content({"text": "hi"}, role="tomorrow") == ()
    assert content() == (Message("user", ()),)


def test_system_texts_are_joined() -> None:
    top: list[Json] = [{"text": "Be"}, {"cachePoint": {}}, {"text": "brief."}]
    request = converse(system=top)
    assert request.system == "Be\nbrief."
    messages: list[Json] = [{"role": "system", "content": [{"text": "Now."}]}]
    request_with_both = converse(system=top, messages=messages)
    assert request_with_both.system == "Be\nbrief.\nNow."
    assert request.input_tokens > converse().input_tokens
    assert request_with_both.input_tokens > 0
    assert converse().system is None


def test_tools_have_schemas_and_names() -> None:
    spec = {"name": "look", "description": "Looks.", "inputSchema": {"json": {"type": "object"}}}
    entries: list[Json] = [{"toolSpec": spec}, {"systemTool": {"name": "nova_grounding"}}, {"cachePoint": {}}]
    request = converse(toolConfig={"tools": entries})
    assert request.tools == (
        Tool("look", {"type": "object"}, "Looks."),
        Tool("nova_grounding", kind="system"),
    )


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, ToolChoice()),
        ({"toolConfig": {"toolChoice": {"auto": {}}}}, ToolChoice()),
        ({"toolConfig": {"toolChoice": {"any": {}}}}, ToolChoice("any")),
        ({"toolConfig": {"toolChoice": {"tool": {"name": "look"}}}}, ToolChoice("named", ("look",))),
        ({"additionalModelRequestFields": {"tool_choice": {"type": "none"}}}, ToolChoice("none")),
    ],
)
def test_tool_choice_becomes_neutral(fields: dict[str, Json], choice: ToolChoice) -> None:
    assert converse(**fields).tool_choice == choice


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        ({"name": "city", "schema": '{"type":"object"}'}, Format("schema", "city", {"type": "object"})),
        ({"schema": "{"}, Format()),
        ({}, Format()),
    ],
)
def test_schema_is_parsed_from_text(schema: Json, form: Format) -> None:
    text_format = {"type": "json_schema", "structure": {"jsonSchema": schema}}
    assert converse(outputConfig={"textFormat": text_format}).response_format == form


def test_other_format_is_text() -> None:
    assert converse(outputConfig={"textFormat": {"type": "tomorrow"}}).response_format == Format()


def test_sampling_is_in_inference_config() -> None:
    output_bounds = converse(inferenceConfig={"maxTokens": 7, "stopSequences": ["END", 1]}).output_bounds
    assert (output_bounds.n, output_bounds.stop, output_bounds.max_tokens) == (1, ("END",), 7)
    assert converse(inferenceConfig={"maxTokens": True}).output_bounds.max_tokens is None
    assert converse(inferenceConfig={"maxTokens": 2.0}).output_bounds.max_tokens == 2


def test_unknown_field_is_reported() -> None:
    assert converse(tomorrow=1).undocumented_fields == ["tomorrow"]


FIELDS = (
    "messages", "role", "content", "text", "toolUse", "toolResult", "toolConfig", "tools", "toolSpec", "body",
    "prompt", "inferenceConfig", "system", "outputConfig", "input", "converse", "invokeModel",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_json_makes_a_request_raise(body: Json) -> None:
    for call in ("converse", "invoke", "count-tokens"):
        request = request_of(f"/model/{CLAUDE}/{call}", dumps(body))
        request.messages, request.system, request.tools, request.tool_choice  # noqa: B018
        request.response_format, request.output_bounds, request.input_tokens  # noqa: B018
    CONVERSE.check(request_of(f"/model/{CLAUDE}/converse", dumps(body)))
