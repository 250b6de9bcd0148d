"""Refusals of chat requests that a public project measured in August and September 2026 with GPT-5.6
(local-OAuth-CLI-API-adapter of kangminlee-maker): wordings, and which of two errors the service names."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.chat.dialect import CHAT
from tests.dialects.openai.chat.chat_requests import chat
from tests.dialects.openai.chat.refusals import CALL, MISSING, TOOL, USER, refusal_tuple

NO_CONTENT = "Invalid value for 'content': expected a string, got null."
TIERS = "'auto', 'default', 'fast', 'flex'"
NAMES: dict[str, Json] = dict.fromkeys("abcdefghijklmnopq", "v")


def after_user(**message: Json) -> dict[str, Json]:
    return {"messages": [USER, message]}


def wrong_type(path: str, expected: str, actual: str) -> tuple[str, str, str]:
    message = f"Invalid type for '{path}': expected {expected}, but got {actual} instead."
    return path, "invalid_type", message


def missing(path: str) -> tuple[str, str, str]:
    return path, MISSING, f"Missing required parameter: '{path}'."


def no_content(place: int) -> tuple[str, None, str]:
    return f"messages.[{place}].content", None, NO_CONTENT


NO_CALLS = (
    "messages[1].tool_calls",
    "empty_array",
    "Invalid 'messages[1].tool_calls': empty array. Expected an array with minimum length 1, "
    "but got an empty array instead.",
)
MESSAGES: list[tuple[dict[str, Json], tuple[str, str | None, str]]] = [
    (after_user(role="developer"), missing("messages[1].content")),
    (
        after_user(role="developer", content=None),
        wrong_type("messages[1].content", "one of a string or array of objects", "null"),
    ),
    (after_user(role="assistant", refusal=None), no_content(1)),
    (after_user(role="assistant", tool_calls=None), no_content(1)),
    (after_user(role="tool", tool_call_id="a", refusal="no"), no_content(1)),
    ({"messages": [{"role": "user", "tool_calls": [CALL]}]}, no_content(0)),
    (after_user(role="assistant", content="a", tool_calls=[]), NO_CALLS),
    (
        after_user(role="assistant", content=1, tool_calls=[]),
        wrong_type("messages[1].content", "one of a string or array of objects", "an integer"),
    ),
    (
        {"messages": [{"role": "user"}, {"role": "user", "content": 1.5}]},
        wrong_type("messages[1].content", "one of a string or array of objects", "a decimal number"),
    ),
    ({"messages": [{"role": "user"}, {"content": "a"}]}, missing("messages[1].role")),
]


@pytest.mark.parametrize(("fields", "refusal"), MESSAGES)
def test_message_without_content_is_refused_after_wrong_shapes(
    fields: dict[str, Json], refusal: tuple[str, str | None, str]
) -> None:
    assert refusal_tuple(CHAT.check(chat(**fields))) == refusal


@pytest.mark.parametrize("substitute", [{"refusal": "no"}, {"audio": {"id": "a"}}, {"refusal": ""}])
def test_assistant_with_a_substitute_needs_no_content(substitute: dict[str, Json]) -> None:
    assert CHAT.check(chat(**after_user(role="assistant", **substitute))) is None


FIELDS: list[tuple[dict[str, Json], tuple[str | None, str | None, str]]] = [
    ({"seed": 0.5}, wrong_type("seed", "an integer", "a decimal number")),
    ({"service_tier": []}, wrong_type("service_tier", f"one of {TIERS}, or 'priority'", "an array")),
    (
        {"service_tier": "slow"},
        (
            "service_tier",
            "invalid_value",
            f"Invalid value: 'slow'. Supported values are: {TIERS}, and 'priority'.",
        ),
    ),
    ({"functions": "f"}, wrong_type("functions", "an array of function definitions", "a string")),
    ({"metadata": "m"}, wrong_type("metadata", "a metadata object", "a string")),
    ({"metadata": {"a": True}}, wrong_type("metadata.a", "a string", "a boolean")),
    (
        {"metadata": NAMES},
        (
            "metadata",
            "object_above_max_properties",
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
            "but got an object with 17 properties instead.",
        ),
    ),
    (
        {"metadata": {"a": "v" * 513}},
        (
            "metadata.a",
            "string_above_max_length",
            "Invalid 'metadata.a': string too long. Expected a string with maximum length 512, "
            "but got a string with length 513 instead.",
        ),
    ),
    (
        {"metadata": {"abcde" * 13: "v"}},
        (
            f"metadata.{'abcde' * 13}",
            "property_name_above_max_length",
            "Invalid property name in 'metadata': 'abc...cde' is too long. "
            "Expected a string with maximum length 64, but got a string with length 65 instead.",
        ),
    ),
    ({"moderation": {}}, missing("moderation.model")),
    ({"safety_identifier": 1}, wrong_type("safety_identifier", "a string", "an integer")),
    ({"prompt_cache_key": 1}, wrong_type("prompt_cache_key", "a string", "an integer")),
    ({"prompt_cache_options": "x"}, wrong_type("prompt_cache_options", "an object", "a string")),
    (
        {"prompt_cache_retention": 5},
        wrong_type("prompt_cache_retention", "one of 'in_memory' or '24h'", "an integer"),
    ),
    (
        {"prompt_cache_retention": "1h"},
        ("prompt_cache_retention", None, "Invalid prompt_cache_retention argument"),
    ),
    ({"tools": [TOOL], "tool_choice": {"type": "magic"}}, missing("tool_choice.function")),
    (
        {"tools": [TOOL], "tool_choice": {"type": "magic", "function": {"name": "f"}}},
        (
            "tool_choice.type",
            "invalid_value",
            "Invalid value: 'magic'. Supported values are: 'function', 'custom', and 'allowed_tools'.",
        ),
    ),
    ({"model": ""}, (None, None, "you must provide a model parameter")),
]


@pytest.mark.parametrize(("fields", "refusal"), FIELDS)
def test_wrong_field_is_refused_as_measured(
    fields: dict[str, Json], refusal: tuple[str | None, str | None, str]
) -> None:
    assert refusal_tuple(CHAT.check(chat(**fields))) == refusal


IN_ORDER: list[tuple[str, Json]] = [
    ("messages", "x"),
    ("functions", "x"),
    ("function_call", []),
    ("tools", "x"),
    ("tool_choice", []),
    ("parallel_tool_calls", "x"),
    ("max_completion_tokens", "x"),
    ("n", "x"),
    ("temperature", "x"),
    ("top_p", "x"),
    ("presence_penalty", "x"),
    ("frequency_penalty", "x"),
    ("logprobs", "x"),
    ("top_logprobs", "x"),
    ("user", []),
    ("seed", "x"),
    ("moderation", "x"),
    ("safety_identifier", []),
    ("prompt_cache_options", "x"),
    ("prompt_cache_key", []),
    ("prompt_cache_retention", []),
    ("response_format", "x"),
    ("service_tier", []),
    ("stream", "x"),
    ("stream_options", "x"),
    ("store", "x"),
    ("metadata", "x"),
    ("verbosity", []),
]


def test_first_wrong_field_in_the_order_of_the_service_is_named() -> None:
    for place, (name, _) in enumerate(IN_ORDER):
        fields = dict(reversed(IN_ORDER[place:]))
        param, code, _ = refusal_tuple(CHAT.check(chat(**fields)))
        assert (param, code) == (name, "invalid_type")


@pytest.mark.parametrize(
    "fields", [{"metadata": dict(list(NAMES.items())[1:])}, {"metadata": {"a" * 64: "v" * 512, "b": None}}]
)
def test_metadata_at_its_bounds_is_accepted(fields: dict[str, Any]) -> None:
    assert CHAT.check(chat(**fields)) is None


def test_unlisted_service_tier_is_accepted() -> None:
    assert CHAT.check(chat(service_tier="scale")) is None


@pytest.mark.parametrize(
    ("tier", "served"), [("fast", "priority"), ("flex", "flex"), ("auto", "default"), (None, "default")]
)
def test_response_names_the_tier_that_served_it(tier: Json, served: str) -> None:
    assert chat(service_tier=tier).service_tier == served
