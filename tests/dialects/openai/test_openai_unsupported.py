"""Refusals of what a model does not support, in chat and in responses, at OpenAI and Azure only."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.dialects.routes import RouteMatch, find_route

USER: Json = {"role": "user", "content": "hi"}
NOT_SUPPORTED = "is not supported with this model."


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
    failure = chat("gpt-5", max_tokens="many")
    assert failure is not None
    assert failure.fields == {"param": "max_tokens", "code": "invalid_type"}


def test_azure_refuses_by_deployment_and_vendors_never() -> None:
    path = "/openai/deployments/o4-mini/chat/completions"
    assert refused(path, {"messages": [USER], "max_tokens": 9}, {"api-key": "k"}) is not None
    assert chat("gpt-5", "/groq/openai/v1/chat/completions", max_tokens=9) is None
