"""Refusals of what a model does not support, in chat and in responses, at OpenAI and Azure only."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.dialects.router import RouteMatch, find_route

USER: Json = {"role": "user", "content": "hi"}
NOT_SUPPORTED = "is not supported with this model."
VALUE, PARAMETER = "unsupported_value", "unsupported_parameter"
LOW: dict[str, Json] = {"reasoning_effort": "low"}
TOOL: Json = {"type": "function", "function": {"name": "f"}}


def refused(path: str, body: Json, headers: dict[str, str] | None = None) -> Failure | None:
    match = find_route("POST", path, headers or {})
    assert isinstance(match, RouteMatch)
    request = match.dialect.request_class(
        method="POST",
        path=match.path,
        headers=headers or {},
        raw=dumps(body),
        provider=match.provider,
        path_variables=match.path_variables,
    )
    return match.dialect.check(request)


def chat(model: str, path: str = "/v1/chat/completions", **fields: Json) -> Failure | None:
    return refused(path, {"model": model, "messages": [USER], **fields})


def responses(model: str, **fields: Json) -> Failure | None:
    return refused("/v1/responses", {"model": model, "input": "hi", **fields})


CHATS: dict[str, tuple[str, dict[str, Json], str, str, str]] = {
    "recorded stop": (
        "o1-mini",
        {"stop": ["stop"]},
        f"Unsupported parameter: 'stop' {NOT_SUPPORTED}",
        "stop",
        "unsupported_parameter",
    ),
    "recorded role": (
        "o1-mini",
        {"messages": [{"role": "system", "content": "Be kind."}, USER]},
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "messages[0].role",
        "unsupported_value",
    ),
    "maximum": (
        "gpt-5.2",
        {"max_tokens": 9},
        f"Unsupported parameter: 'max_tokens' {NOT_SUPPORTED} Use 'max_completion_tokens' instead.",
        "max_tokens",
        "unsupported_parameter",
    ),
    "temperature": (
        "gpt-5-mini",
        {"temperature": 0.01},
        "Unsupported value: 'temperature' does not support 0.01 with this model. "
        "Only the default (1) value is supported.",
        "temperature",
        "unsupported_value",
    ),
    "no temperature": (
        "o3-mini",
        {"temperature": 0},
        f"Unsupported parameter: 'temperature' {NOT_SUPPORTED}",
        "temperature",
        "unsupported_parameter",
    ),
    "top_p": (
        "o4-mini",
        {"top_p": 0.5},
        f"Unsupported parameter: 'top_p' {NOT_SUPPORTED}",
        "top_p",
        "unsupported_parameter",
    ),
    "effort": (
        "gpt-5.1",
        {"reasoning_effort": "minimal"},
        "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. "
        "Supported values are: 'none', 'low', 'medium', and 'high'.",
        "reasoning_effort",
        "unsupported_value",
    ),
}


@pytest.mark.parametrize(("model", "fields", "message", "param", "code"), CHATS.values(), ids=CHATS)
def test_chat_refuses_what_the_model_does_not_support(
    model: str, fields: dict[str, Json], message: str, param: str, code: str
) -> None:
    failure = chat(model, **fields)
    assert failure is not None
    assert (failure.type, failure.message) == ("bad_request", message)
    assert failure.fields == {"param": param, "code": code}


PASSING: list[Any] = [
    ("gpt-4o", {"max_tokens": 9, "temperature": 0, "stop": "x", "top_p": 0.5}),
    (
        "gpt-5",
        {"max_tokens": None, "stop": None, "temperature": 1, "top_p": 1.0, "reasoning_effort": "minimal"},
    ),
    ("gpt-5-chat-latest", {"max_tokens": 9, "temperature": 0}),
    ("gpt-5.4", {"temperature": 0, "reasoning_effort": "xhigh", "stop": "x"}),
    ("o3", {"messages": [{"role": "developer", "content": "x"}, USER], "max_completion_tokens": 9}),
    ("my-own", {"max_tokens": 9, "reasoning_effort": "minimal"}),
    ("gpt-5.6-sol", {"n": 8, "temperature": 1, "top_p": 1, "frequency_penalty": 0, "logprobs": False}),
    (
        "gpt-5.6-sol",
        {
            "reasoning_effort": "none",
            "temperature": 0.1,
            "top_p": 0.2,
            "presence_penalty": -2,
            "logprobs": True,
            "top_logprobs": 5,
            "tools": [TOOL],
        },
    ),
    ("gpt-5.6", {"reasoning_effort": "xhigh", "prompt_cache_retention": "24h"}),
    ("gpt-5.6", {"tools": [{"type": "custom", "custom": {"name": "f"}}]}),
    ("gpt-5.4-mini", {"tools": [TOOL]}),
    ("gpt-5.5", {"tools": [TOOL], "reasoning_effort": "none"}),
    ("gpt-5.2", {"tools": [TOOL], "reasoning_effort": "xhigh"}),
    ("gpt-5.4-pro", {"tools": [TOOL], "reasoning_effort": "high"}),
    ("gpt-6-luna", {"tools": [TOOL], "reasoning_effort": "none"}),
    ("gpt-6.1-terra", {"tools": [TOOL], "reasoning_effort": "none"}),
]


@pytest.mark.parametrize(("model", "fields"), PASSING)
def test_chat_accepts_what_the_model_supports(model: str, fields: dict[str, Json]) -> None:
    assert chat(model, **fields) is None


def test_response_refuses_the_effort_of_another_model() -> None:
    failure = responses("o4-mini", reasoning={"effort": "minimal"})
    assert failure is not None
    assert failure.message == (
        "Unsupported value: 'minimal' is not supported with the 'o4-mini' model. "
        "Supported values are: 'low', 'medium', and 'high'."
    )
    assert failure.fields == {"param": "reasoning.effort", "code": "unsupported_value"}
    assert responses("gpt-5", reasoning={"effort": "minimal"}) is None
    assert responses("gpt-5-pro", reasoning={"effort": "low"}) is not None


@pytest.mark.parametrize("name", ["temperature", "top_p"])
def test_response_refuses_sampling_of_reasoning_models(name: str) -> None:
    failure = responses("gpt-5", **{name: 0.5})
    assert failure is not None
    assert failure.message == f"Unsupported parameter: '{name}' {NOT_SUPPORTED}"
    assert failure.fields == {"param": name, "code": None}
    assert responses("gpt-5", **{name: 1}) is None
    assert responses("gpt-4o", **{name: 0.5}) is None


def test_shape_is_refused_before_support() -> None:
    failure = chat("gpt-5", temperature="hot")
    assert failure is not None
    assert failure.fields == {"param": "temperature", "code": "invalid_type"}


def function_tools(model: str) -> str:
    return (
        f"Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. "
        "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
    )


def effort(value: str, *allowed: str) -> str:
    listed = ", ".join(f"'{word}'" for word in allowed[:-1])
    return (
        f"Unsupported value: 'reasoning_effort' does not support {value} with this model. "
        f"Supported values are: {listed}, and '{allowed[-1]}'."
    )


RECENT: list[tuple[str, dict[str, Json], str, str, str | None]] = [
    *(
        ("gpt-5.6-terra", {name: value}, f"Unsupported parameter: '{name}' {NOT_SUPPORTED}", name, PARAMETER)
        for name, value in {
            "stop": "x",
            "logit_bias": {},
            "prediction": {"type": "content", "content": "a"},
            "frequency_penalty": 1,
            "presence_penalty": -1,
            "logprobs": True,
            "top_p": 0.1,
        }.items()
    ),
    (
        "gpt-6-sol",
        {"temperature": 0},
        "Unsupported value: 'temperature' does not support 0 with this model. "
        "Only the default (1) value is supported.",
        "temperature",
        VALUE,
    ),
    (
        "gpt-5.6",
        {"n": 9},
        "Invalid 'n': integer above maximum value. Expected a value <= 8, but got 9 instead.",
        "n",
        "integer_above_max_value",
    ),
    (
        "gpt-5.6",
        {"reasoning_effort": "none", "logprobs": True, "top_logprobs": 6},
        "Invalid value for 'top_logprobs': must be less than or equal to 5.",
        "top_logprobs",
        None,
    ),
    (
        "gpt-5.6",
        {"top_logprobs": "6"},
        "Invalid type for 'top_logprobs': expected an integer, but got a string instead.",
        "top_logprobs",
        "invalid_type",
    ),
    (
        "gpt-5.6",
        {"prompt_cache_retention": "in_memory"},
        "This model is compatible only with 24h extended prompt caching",
        "prompt_cache_retention",
        None,
    ),
    ("gpt-5.6-luna", {"tools": [TOOL]}, function_tools("gpt-5.6-luna"), "reasoning_effort", None),
    ("gpt-5.5", {"tools": [TOOL], **LOW}, function_tools("gpt-5.5"), "reasoning_effort", None),
    ("gpt-6-astra", {"tools": [TOOL], **LOW}, function_tools("gpt-6-astra"), "reasoning_effort", None),
    (
        "gpt-5.6",
        {"reasoning_effort": "max"},
        effort("'max'", "none", "low", "medium", "high", "xhigh"),
        "reasoning_effort",
        VALUE,
    ),
    *(
        (
            model,
            {"reasoning_effort": "none"},
            effort("'none'", "low", "medium", "high", "xhigh"),
            "reasoning_effort",
            VALUE,
        )
        for model in ("gpt-6-astra", "gpt-6.1-sol", "gpt-6.2-sol", "gpt-6.2-astra")
    ),
    (
        "gpt-5.6",
        {"reasoning_effort": {"it's": [True]}},
        effort('{"it\'s": [True]}', "none", "low", "medium", "high", "xhigh"),
        "reasoning_effort",
        VALUE,
    ),
]


@pytest.mark.parametrize(("model", "fields", "message", "param", "code"), RECENT)
def test_recent_model_refuses_as_measured(
    model: str, fields: dict[str, Json], message: str, param: str, code: str | None
) -> None:
    failure = chat(model, **fields)
    assert failure is not None
    assert failure.message == message
    assert failure.fields == {"param": param, "code": code}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 0, "stop": "x"}, "stop"),
        ({"stop": "x", "n": 0}, "n"),
        ({"verbosity": 1, "stop": "x"}, "stop"),
        ({"logprobs": True, "verbosity": 1}, "verbosity"),
        ({"temperature": 0, "metadata": 1}, "metadata"),
        ({"store": 1, "max_tokens": "many"}, "max_tokens"),
        ({"temperature": 0, "messages": [{"role": "user"}]}, "temperature"),
        ({"temperature": 0, "tools": [TOOL]}, "reasoning_effort"),
    ],
)
def test_first_refusal_of_a_recent_model_is_named(fields: dict[str, Json], param: str) -> None:
    failure = refused("/v1/chat/completions", {"model": "gpt-5.6", "messages": [USER], **fields})
    assert failure is not None
    assert failure.fields["param"] == param


def test_role_in_a_repeated_conversation_is_refused() -> None:
    turns: list[Json] = [{"role": "user", "content": "x" * 3000}]
    body: dict[str, Json] = {"model": "o1-mini", "messages": turns, "seed": 1}
    assert refused("/v1/chat/completions", body) is refused("/v1/chat/completions", body) is None
    failure = refused(
        "/v1/chat/completions", {**body, "messages": [*turns, {"role": "system", "content": "x"}]}
    )
    assert failure is not None
    assert failure.fields["param"] == "messages[1].role"


def test_azure_refuses_by_deployment_and_vendors_never() -> None:
    path = "/openai/deployments/o4-mini/chat/completions"
    assert refused(path, {"messages": [USER], "max_tokens": 9}, {"api-key": "k"}) is not None
    groq = "/groq/openai/v1/chat/completions"
    assert chat("gpt-5", groq, max_tokens=9) is None
    assert chat("gpt-5.6", groq, tools=[TOOL], metadata={"a": 1}, prompt_cache_key=1, n=9) is None
    assert chat("", groq) is None


PICTURE: Json = {"type": "image_url", "image_url": {"url": "https://localhost/a.png"}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"messages": [USER, {"role": "user", "content": [PICTURE]}]}, "messages[1].content"),
        ({"response_format": {"type": "text"}}, None),
    ],
)
def test_audio_models_refuse_json_logprobs_and_images(fields: dict[str, Json], param: str | None) -> None:
    """Recorded in May 2026."""
    failure = refused("/v1/chat/completions", {"model": "gpt-audio", "messages": [USER], **fields})
    assert (failure and failure.fields["param"]) == param
    assert chat("gpt-4o", logprobs=True) is None


def test_new_message_of_known_conversation_is_checked() -> None:
    """The check of a body whose other members passed before reads only what is new."""
    known = {"model": "gpt-audio", "messages": [{"role": "user", "content": "Hello. " * 400}]}
    assert refused("/v1/chat/completions", known) is None
    with_image = {**known, "messages": [*known["messages"], {"role": "user", "content": [PICTURE]}]}
    failure = refused("/v1/chat/completions", with_image)
    assert failure is not None
    assert failure.fields["param"] == "messages[1].content"
