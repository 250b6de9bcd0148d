"""Refusals of Converse, in the provider's words."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.dialects.bedrock import converse_check
from mockllm.dialects.bedrock.provider import CONVERSE, COUNT, INVOKE, MODELS
from tests.dialects.bedrock.bedrock_requests import CLAUDE, MESSAGES, converse, invoke, request_of

CALL: Json = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "look", "input": {}}}]}
SERVED: Json = {
    "role": "assistant",
    "content": [*CALL["content"], {"toolResult": {"toolUseId": "t1", "content": []}}, {"text": "done"}],
}
RESULT: Json = {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": []}}]}
ASSISTANT: Json = {"role": "assistant", "content": [{"text": "hello"}]}
HI: Json = {"role": "user", "content": [{"text": "hi"}]}
TOOLS: dict[str, Json] = {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {}}}}]}
OF_MODEL = "The model returned the following errors: "
INVALID = "1 validation error detected: Value"

REFUSED: dict[str, tuple[dict[str, Json], str]] = {
    "no messages": ({"messages": None}, f"{INVALID} at 'messages' failed"),
    "no conversation": ({"messages": []}, "A conversation must start with a user message."),
    "another role": (
        {"messages": [HI, {"role": "tool", "content": [{"text": "x"}]}]},
        f"{INVALID} 'tool' at 'messages.2.member.role' failed to satisfy constraint: Member must satisfy enum",
    ),
    "a text as content": (
        {"messages": [{"role": "user", "content": "hi"}]},
        f"{INVALID} at 'messages.1.member.content' failed",
    ),
    "no content": (
        {"messages": [{"role": "user", "content": []}]},
        "The content field in the Message object at messages.0 is empty.",
    ),
    "a blank text": (
        {"messages": [{"role": "user", "content": [{"text": " "}]}]},
        "The text field in the ContentBlock object at messages.0.content.0 is blank.",
    ),
    "a call without its result": (
        {"messages": [HI, CALL, HI], "toolConfig": TOOLS},
        "Expected toolResult blocks at messages.2.content for the following Ids: t1",
    ),
    "a result without its call": (
        {"messages": [RESULT], "toolConfig": TOOLS},
        "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of "
        "previous turn.",
    ),
    "calls without tools": (
        {"messages": [HI, CALL, RESULT]},
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
    ),
    "a temperature above 1": (
        {"inferenceConfig": {"temperature": 1.5}},
        f"{INVALID} '1.5' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less "
        "than or equal to 1",
    ),
    "a temperature of a model without": (
        {"model": "us.anthropic.claude-opus-4-7", "inferenceConfig": {"temperature": 0.5}},
        f"{OF_MODEL}`temperature` is deprecated for this model.",
    ),
    "a top_k of a model without": (
        {"model": "anthropic.claude-sonnet-5", "additionalModelRequestFields": {"top_k": 5}},
        f"{OF_MODEL}`top_k` is deprecated for this model.",
    ),
    "two ways of sampling": (
        {"inferenceConfig": {"temperature": 0.5, "topP": 0.9}},
        f"{OF_MODEL}`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    ),
    "a forced tool of a model without": (
        {"model": "us.anthropic.claude-opus-5-5", "toolConfig": {**TOOLS, "toolChoice": {"any": {}}}},
        f'{OF_MODEL}tool_choice: type "tool" and "any" are not supported for this model.',
    ),
    "thinking that cannot be disabled": (
        {
            "model": "global.anthropic.claude-fable-5-1",
            "additionalModelRequestFields": {"thinking": {"type": "disabled"}},
        },
        f'{OF_MODEL}"thinking.type.disabled" is not supported for this model.',
    ),
    "no tools": (
        {"toolConfig": {"tools": []}},
        f"{INVALID} at 'toolConfig.tools' failed to satisfy constraint: Member must have length greater than or "
        "equal to 1",
    ),
    "a tool's name with a space": (
        {"toolConfig": {"tools": [*TOOLS["tools"], {"toolSpec": {"name": "a b"}}]}},
        f"{INVALID} 'a b' at 'toolConfig.tools.2.member.toolSpec.name' failed to satisfy constraint: Member must "
        "satisfy regular expression pattern: [a-zA-Z0-9_-]+",
    ),
    "a tool's long name": (
        {"toolConfig": {"tools": [{"toolSpec": {"name": "a" * 65}}]}},
        f"{INVALID} '{'a' * 65}' at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member "
        "must have length less than or equal to 64",
    ),
    "a tool's empty name": (
        {"toolConfig": {"tools": [{"toolSpec": {"name": ""}}]}},
        "2 validation errors detected: Value '' at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+; Value '' at "
        "'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must have length greater "
        "than or equal to 1",
    ),
    "no tokens": (
        {"inferenceConfig": {"maxTokens": 0}},
        f"{INVALID} '0' at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater "
        "than or equal to 1",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_converse_refuses_invalid_request(name: str) -> None:
    fields, message = REFUSED[name]
    failure = CONVERSE.check(converse(**fields))
    assert failure is not None
    assert failure.type == "bad_request"
    assert (failure.message or "").startswith(message)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"messages": [HI, CALL, RESULT], "toolConfig": TOOLS},
        {"inferenceConfig": {"temperature": 1, "maxTokens": 9_000_000}},
        {"inferenceConfig": {"topP": 0.5}, "additionalModelRequestFields": {"thinking": "x", "top_k": 5}},
        {"inferenceConfig": {"temperature": None, "maxTokens": 2.0}, "system": None},
        {"toolConfig": {"tools": [*TOOLS["tools"], {"cachePoint": {"type": "default"}}]}},
        {"model": "amazon.nova-pro-v1:0", "inferenceConfig": {"temperature": 0.5, "topP": 0.5}},
        {"model": "us.anthropic.claude-opus-5-5", "toolConfig": {**TOOLS, "toolChoice": {"auto": {}}}},
        {"messages": [{"role": "system", "content": [{"text": "x"}]}, HI]},
        {"messages": [ASSISTANT, HI]},
        {"messages": [HI, SERVED, HI], "toolConfig": TOOLS},
    ],
)
def test_converse_accepts_valid_request(fields: dict[str, Json]) -> None:
    assert CONVERSE.check(converse(**fields)) is None
    assert CONVERSE.check_readable(converse(**fields)) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"inferenceConfig": {"maxTokens": "2"}}, "STRING_VALUE cannot be converted to Integer"),
        ({"inferenceConfig": {"maxTokens": True}}, "TRUE_VALUE cannot be converted to Integer"),
        ({"inferenceConfig": {"temperature": "hot"}}, "STRING_VALUE cannot be converted to Float"),
        ({"inferenceConfig": {"topP": []}}, "Unrecognized collection type class java.lang.Float"),
        ({"inferenceConfig": {"topP": {}}}, "Start of structure or map found where not expected"),
        ({"system": "x"}, "Unexpected field type"),
        ({"toolConfig": {"tools": {}}}, "Start of structure or map found where not expected"),
    ],
)
def test_member_of_a_wrong_type_is_a_serialization_error(fields: dict[str, Json], message: str) -> None:
    failure = CONVERSE.check(converse(**fields))
    assert failure is not None
    assert (failure.type, failure.message) == ("bad_request", message)
    assert failure.headers == (("x-amzn-errortype", "SerializationException"),)


TITAN, LLAMA, NOVA = "amazon.titan-text-express-v1", "meta.llama3-8b-instruct-v1:0", "amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    ("model", "body", "places"),
    [
        (
            TITAN,
            {"inputText": "hi", "textGenerationConfig": {"maxTokenCount": "2", "stopSequences": "a"}},
            "#/textGenerationConfig/maxTokenCount: expected type: Integer, found: String"
            "#/textGenerationConfig/stopSequences: expected type: JSONArray, found: String",
        ),
        (
            TITAN,
            {"inputText": "hi", "textGenerationConfig": []},
            "#/textGenerationConfig: expected type: JSONObject, found: JSONArray",
        ),
        (
            LLAMA,
            {"prompt": "hi", "max_gen_len": True},
            "#/max_gen_len: expected type: Integer, found: Boolean",
        ),
        (
            LLAMA,
            {"prompt": "hi", "temperature": {}},
            "#/temperature: expected type: Number, found: JSONObject",
        ),
        (
            NOVA,
            {"messages": [HI], "inferenceConfig": {"maxTokens": "2"}},
            "#/inferenceConfig/maxTokens: expected type: Integer, found: String",
        ),
    ],
)
def test_invoke_refuses_members_of_a_wrong_type(model: str, body: dict[str, Json], places: str) -> None:
    failure = INVOKE.check(invoke(body, model=model))
    assert failure is not None
    assert failure.message == f"Malformed input request: {places}, please reformat your input and try again."


def test_invoke_accepts_members_of_the_right_types() -> None:
    config = {"maxTokenCount": 2, "temperature": 1, "topP": 0.5, "stopSequences": []}
    assert INVOKE.check(invoke({"inputText": "hi", "textGenerationConfig": config}, model=TITAN)) is None
    assert INVOKE.check(invoke({"prompt": "hi", "max_gen_len": None}, model=LLAMA)) is None


def test_conversation_with_nova_starts_with_a_user_message() -> None:
    request = request_of("/model/amazon.nova-lite-v1:0/converse", dumps({"messages": [ASSISTANT, HI]}))
    failure = CONVERSE.check(request)
    assert failure is not None
    assert (failure.message or "").startswith("A conversation must start with a user message.")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]"])
def test_body_that_is_no_object_is_a_serialization_error(raw: bytes) -> None:
    for call, dialect in (("converse", CONVERSE), ("invoke", INVOKE), ("count-tokens", COUNT)):
        request = request_of(f"/model/{CLAUDE}/{call}", raw)
        for failure in (dialect.check(request), dialect.check_readable(request)):
            assert failure is not None
            assert failure.headers == (("x-amzn-errortype", "SerializationException"),)


def test_invoke_checks_the_makers_body() -> None:
    assert INVOKE.check(invoke()) is None
    refused = INVOKE.check(invoke({**MESSAGES, "temperature": 0}, model="us.anthropic.claude-opus-5-5"))
    assert refused is not None
    assert refused.message == "`temperature` is deprecated for this model."
    old_tool = {"type": "computer_20251124", "name": "computer"}
    assert INVOKE.check(invoke({**MESSAGES, "tools": [old_tool]}, model="anthropic.claude-opus-5-5")) is None
    missing = INVOKE.check(invoke({**MESSAGES, "max_tokens": "many"}))
    assert missing is not None
    assert missing.message == "max_tokens: Input should be a valid integer"
    extra = INVOKE.check(invoke({**MESSAGES, "model": "x"}))
    assert extra is not None
    assert extra.message == "model: Extra inputs are not permitted"
    prompt = INVOKE.check(invoke({}, model="amazon.titan-text-express-v1"))
    assert prompt is not None
    assert "required key [inputText] not found" in (prompt.message or "")
    assert INVOKE.check(invoke({"inputText": "hi"}, model="amazon.titan-text-express-v1")) is None
    assert INVOKE.check(invoke({"messages": [HI]}, model="amazon.nova-lite-v1:0")) is None


class ComparedId(str):
    """An id that counts how often ids are compared."""

    __slots__ = ()
    comparisons = 0

    def __eq__(self, other: object) -> bool:
        ComparedId.comparisons += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_many_calls_are_compared_a_few_times_each(monkeypatch: pytest.MonkeyPatch) -> None:
    number = 500
    monkeypatch.setattr(converse_check, "text_of", lambda value: ComparedId(value) if value else None)
    monkeypatch.setattr(ComparedId, "comparisons", 0)
    calls = [{"toolUse": {"toolUseId": f"t{each}", "name": "look", "input": {}}} for each in range(number)]
    results = [{"toolResult": {"toolUseId": f"t{each}", "content": []}} for each in range(number)]
    messages = [HI, {"role": "assistant", "content": calls}, {"role": "user", "content": results[::-1]}]
    converse_check._check_calls([message["content"] for message in messages], {"toolConfig": TOOLS})
    assert number <= ComparedId.comparisons <= 4 * number


def test_count_checks_the_counted_conversation() -> None:
    path = f"/model/{CLAUDE}/count-tokens"
    failure = COUNT.check(request_of(path, b'{"input": {"converse": {"messages": []}}}'))
    assert failure is not None
    assert "A conversation must start" in (failure.message or "")
    assert COUNT.check(request_of(path, b'{"input": {"invokeModel": {"body": "e30="}}}')) is None
    hi = b'{"input": {"converse": {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}}}'
    assert COUNT.check(request_of(path, hi)) is None


def test_list_of_models_has_nothing_to_check() -> None:
    request = request_of("/foundation-models", method="GET")
    assert MODELS.check(request) is None
    assert MODELS.check_readable(request) is None
