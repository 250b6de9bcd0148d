"""Refusals of responses requests that a public project measured in August 2026 with GPT-5.6
(local-OAuth-CLI-API-adapter of kangminlee-maker): wordings, and which of two errors the service names."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.openai.responses.websocket import WarmUpRequest
from tests.dialects.openai.chat.refusals import refusal_tuple
from tests.dialects.openai.responses.responses_requests import of_bytes, responses
from tests.dialects.openai.test_openai_model_restrictions import refused

Refusal = tuple[str | None, str | None, str]
BARE: dict[str, Json] = {"model": "gpt-5.6-luna"}
TERRA: dict[str, Json] = {"model": "gpt-5.6-terra", "input": "hi"}
WITHOUT_INPUT = (
    None,
    "missing_required_parameter",
    "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.",
)


def user(*parts: Json, **members: Json) -> dict[str, Json]:
    return {"input": [{"role": "user", "content": [*parts] or "hi", **members}]}


def assistant(**members: Json) -> dict[str, Json]:
    return {"input": [{"role": "assistant", "content": "a", **members}, {"role": "user", "content": "b"}]}


def wrong_type(path: str, expected: str, actual: str) -> Refusal:
    return path, "invalid_type", f"Invalid type for '{path}': expected {expected}, but got {actual} instead."


def missing(path: str) -> Refusal:
    return path, "missing_required_parameter", f"Missing required parameter: '{path}'."


def unknown_word(path: str, word: str, words: str) -> Refusal:
    return path, "invalid_value", f"Invalid value: '{word}'. Supported values are: {words}."


EFFORT_TYPE = "one of one of 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', or 'max' or integer"
SHORTENED = (
    "an array of one of 'fil...lts', 'web...lts', 'web...ces', 'mes...url', 'com...url', 'cod...uts', "
    "'rea...ent', or 'mes...obs'"
)
WRONG: list[tuple[dict[str, Json], Refusal]] = [
    (
        {**BARE, "messages": []},
        (
            None,
            "unsupported_parameter",
            "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'. "
            "Try again with the new parameter. See the API documentation for more information: "
            "https://platform.openai.com/docs/api-reference/responses/create.",
        ),
    ),
    ({"input": "hi"}, missing("model")),
    (
        {**TERRA, "model": ""},
        ("model", "model_not_found", "The requested model '' does not exist."),
    ),
    ({**TERRA, "model": 1}, wrong_type("model", "a string", "an integer")),
    (BARE, missing("input")),
    ({**BARE, "previous_response_id": "resp_1"}, missing("input")),
    ({**BARE, "truncation": "never"}, missing("input")),
    ({**TERRA, "input": ""}, WITHOUT_INPUT),
    ({**TERRA, "input": [], "temperature": 0}, WITHOUT_INPUT),
    (
        {**TERRA, "input": [], "truncation": "never"},
        unknown_word("truncation", "never", "'auto' and 'disabled'"),
    ),
    ({**TERRA, "input": [None]}, wrong_type("input[0]", "an input item", "null")),
    (
        {**TERRA, **user({"type": "output_text", "text": "a"})},
        unknown_word(
            "input[0].content[0]",
            "output_text",
            "'input_text', 'input_image', 'input_file', 'scoped_content', and 'input_audio'",
        ),
    ),
    (
        {**TERRA, **assistant(content=[{"type": "input_text", "text": "a"}])},
        unknown_word("input[0].content[0]", "input_text", "'output_text' and 'refusal'"),
    ),
    (
        {**TERRA, **user({"type": "smell"})},
        unknown_word(
            "input[0].content[0].type",
            "smell",
            "'input_text', 'input_image', 'input_audio', 'output_text', 'refusal', 'input_file', "
            "'computer_screenshot', 'summary_text', and 'encrypted_content'",
        ),
    ),
    (
        {**TERRA, **assistant(phase="draft")},
        unknown_word("input[0].phase", "draft", "'commentary' and 'final_answer'"),
    ),
    (
        {**TERRA, "text": {"format": {"type": "yaml"}}},
        unknown_word("text.format.type", "yaml", "'json_object', 'text', and 'json_schema'"),
    ),
    ({**TERRA, "reasoning": {"effort": True}}, wrong_type("reasoning.effort", EFFORT_TYPE, "a boolean")),
    (
        {**TERRA, "reasoning": {"effort": 2}},
        wrong_type("reasoning.effort", "one of 'minimal', 'low', 'medium', or 'high'", "an integer"),
    ),
    (
        {**TERRA, "reasoning": {"effort": "much"}},
        unknown_word(
            "reasoning.effort", "much", "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'"
        ),
    ),
    (
        {**TERRA, "reasoning": {"summary": "short"}},
        unknown_word("reasoning.summary", "short", "'concise', 'detailed', and 'auto'"),
    ),
    ({**TERRA, "include": "all"}, wrong_type("include", SHORTENED, "a string")),
    ({**TERRA, "tools": {}}, wrong_type("tools", "an array of tools", "an object")),
    (
        {**TERRA, "context_management": {}},
        wrong_type("context_management", "an array of objects", "an object"),
    ),
    (
        {**TERRA, "prompt_cache_retention": "1h"},
        unknown_word("prompt_cache_retention", "1h", "'in_memory' and '24h'"),
    ),
    (
        {**TERRA, "conversation": "conv_1", "previous_response_id": "resp_1"},
        (
            None,
            "mutually_exclusive_parameters",
            "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'pre..._id' or "
            "'conversation'.",
        ),
    ),
    ({**TERRA, "presence_penalty": "x"}, wrong_type("presence_penalty", "a decimal", "a string")),
]


@pytest.mark.parametrize(("body", "refusal"), WRONG)
def test_wrong_response_request_is_refused_as_measured(body: dict[str, Json], refusal: Refusal) -> None:
    assert refusal_tuple(RESPONSES.check(of_bytes(dumps(body)))) == refusal


def test_unknown_included_content_is_refused() -> None:
    param, code, message = refusal_tuple(RESPONSES.check(responses(include=["reasoning.text"])))
    assert (param, code) == ("include[0]", "invalid_value")
    assert message.startswith(
        "Invalid value: 'reasoning.text'. Supported values are: 'file_search_call.results',"
    )


IN_ORDER: list[tuple[str, Json]] = [
    ("input", 1),
    ("previous_response_id", 1),
    ("prompt", "x"),
    ("moderation", "x"),
    ("include", "x"),
    ("tools", "x"),
    ("tool_choice", 1),
    ("metadata", "x"),
    ("text", "x"),
    ("temperature", "x"),
    ("top_p", "x"),
    ("presence_penalty", "x"),
    ("frequency_penalty", "x"),
    ("parallel_tool_calls", "x"),
    ("stream", "x"),
    ("stream_options", "x"),
    ("background", "x"),
    ("max_output_tokens", "x"),
    ("max_tool_calls", "x"),
    ("reasoning", "x"),
    ("user", 1),
    ("safety_identifier", 1),
    ("prompt_cache_options", "x"),
    ("prompt_cache_key", 1),
    ("prompt_cache_retention", 1),
    ("truncation", 1),
    ("instructions", 1),
    ("store", "x"),
    ("service_tier", 1),
    ("top_logprobs", "x"),
    ("context_management", "x"),
]


def test_first_wrong_field_of_a_response_request_is_named() -> None:
    for place, (name, _) in enumerate(IN_ORDER):
        param, code, _message = refusal_tuple(RESPONSES.check(responses(**dict(reversed(IN_ORDER[place:])))))
        assert (param, code) == (name, "invalid_type")


NOT_SUPPORTED = "is not supported with this model."
LOGPROBS = "logprobs are not supported with reasoning models."
PROBABILITIES: dict[str, Json] = {"include": ["message.output_text.logprobs"]}
RECENT: list[tuple[dict[str, Json], Refusal]] = [
    *(
        ({**TERRA, name: value}, (name, None, f"Unsupported parameter: '{name}' {NOT_SUPPORTED}"))
        for name, value in {
            "temperature": 0,
            "top_p": 1,
            "presence_penalty": 1,
            "frequency_penalty": -1,
        }.items()
    ),
    ({**TERRA, "top_logprobs": 2}, ("top_logprobs", "unsupported_parameter", LOGPROBS)),
    ({**TERRA, **PROBABILITIES, "top_logprobs": 2}, ("include", "unsupported_parameter", LOGPROBS)),
    (
        {**TERRA, **PROBABILITIES, "temperature": 0},
        ("temperature", None, f"Unsupported parameter: 'temperature' {NOT_SUPPORTED}"),
    ),
    (
        {**TERRA, "prompt_cache_retention": "in_memory"},
        (
            "prompt_cache_retention",
            "invalid_parameter",
            "This model is compatible only with 24h extended prompt caching",
        ),
    ),
    (
        {**TERRA, "reasoning": {"effort": "minimal"}},
        (
            "reasoning.effort",
            "unsupported_value",
            "Unsupported value: 'minimal' is not supported with the 'gpt-5.6-terra' model. Supported values are: "
            "'none', 'low', 'medium', 'high', 'xhigh', and 'max'.",
        ),
    ),
    (
        {"model": "gpt-6-astra", "input": "hi", "reasoning": {"effort": "none"}},
        (
            "reasoning.effort",
            "unsupported_value",
            "Unsupported value: 'none' is not supported with the 'gpt-6-astra' model. Supported values are: "
            "'low', 'medium', 'high', 'xhigh', and 'max'.",
        ),
    ),
]


@pytest.mark.parametrize(("body", "refusal"), RECENT)
def test_recent_model_refuses_a_response_as_measured(body: dict[str, Json], refusal: Refusal) -> None:
    assert refusal_tuple(RESPONSES.check(of_bytes(dumps(body)))) == refusal


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": {"effort": "max"}},
        {"reasoning": {"effort": "none"}, "temperature": 0, "top_p": 0.5, **PROBABILITIES},
        {"temperature": 1, "top_logprobs": 0, "frequency_penalty": 0},
        {"service_tier": "fast", "prompt_cache_options": {"mode": "implicit"}, "metadata": {"a": "b"}},
        assistant(phase="commentary", id="msg_1", status="completed"),
        assistant(phase=None, content=[{"type": "refusal", "refusal": "no"}]),
        {"tools": [{"type": "function", "name": "f"}], "reasoning": {"effort": "high"}},
        {"input": [{"type": "program_output", "call_id": "c", "result": "x"}]},
        {"input": [{"type": "configuration_update"}, {"type": "computer_call"}]},
        {
            "tools": [
                {"type": type} for type in ("web_search", "web_search_2025_08_26", "local_shell", "shell")
            ]
        },
        {"input": None, "prompt": {"id": "pmpt_1"}},
    ],
)
def test_recent_model_accepts_what_the_service_accepts(fields: dict[str, Json]) -> None:
    assert RESPONSES.check(of_bytes(dumps({**TERRA, **fields}))) is None


def test_warm_up_with_an_empty_input_is_accepted() -> None:
    raw = dumps({**TERRA, "input": [], "generate": False})
    request = WarmUpRequest(method="POST", path="/v1/responses", headers={}, raw=raw)
    assert RESPONSES.check(request) is None


def test_vendor_accepts_what_only_openai_refuses() -> None:
    path = "/groq/openai/v1/responses"
    for fields in (
        {"include": ["x"], "metadata": {"a": 1}, "prompt_cache_key": 1, "top_logprobs": 1},
        {**user({"type": "output_text", "text": "a"}), "messages": []},
        {"input": ""},
        {"input": [{"type": "tomorrows_item"}]},
        {"tools": [{"type": "tomorrows_tool"}]},
    ):
        assert refused(path, {**TERRA, **fields}) is None
    for body, param in (({"input": "hi"}, "model"), (BARE, "input")):
        failure = refused(path, body)
        assert failure is not None
        assert failure.fields["param"] == param


def test_unknown_type_of_item_is_refused() -> None:
    failure = refused("/v1/responses", {**TERRA, "input": [{"type": "foo"}]})

    assert failure is not None
    assert failure.fields == {"param": "input[0]", "code": "invalid_value"}
    assert failure.message is not None
    assert failure.message.startswith("Invalid value: 'foo'. Supported values are: 'additional_tools', ")


@pytest.mark.parametrize("path", ["/v1/responses", "/openai/v1/responses"])
def test_unknown_type_of_tool_is_refused(path: str) -> None:
    failure = refused(path, {**TERRA, "input": "hi", "tools": [{"type": "web_search_20250305"}]})

    assert failure is not None
    assert failure.fields == {"param": "tools[0].type", "code": "invalid_value"}
    assert failure.message == (
        "Invalid value: 'web_search_20250305'. Supported values are: 'code_interpreter', "
        "'programmatic_tool_calling', 'function', 'namespace', 'tool_search', 'file_search', "
        "'web_search_preview', 'web_search_preview_2025_03_11', 'image_generation', 'mcp', 'custom', "
        "'computer', 'computer_use_preview', 'shell', and 'apply_patch'."
    )
