"""Models that ended before a member of responses came: their responses lack it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import VirtualServer, raw_request

HI = [{"role": "user", "content": "hi"}]


def respond(path: str, body: Any, reply: str = "Hi.") -> Any:
    return VirtualServer(f"rules: [{{reply: {reply}}}]").respond(raw_request(path, body)).json


def test_vision_preview_of_gpt_4_has_the_members_of_its_time() -> None:
    found = respond("/v1/chat/completions", {"model": "gpt-4-vision-preview", "messages": HI})
    assert found.keys() == {"id", "object", "created", "model", "choices", "usage"}
    assert found["choices"][0]["message"] == {"role": "assistant", "content": "Hi."}
    assert found["usage"].keys() == {"prompt_tokens", "completion_tokens", "total_tokens"}


def test_vision_preview_of_gpt_4_still_has_the_refusal_of_a_rule() -> None:
    body = {"model": "gpt-4-vision-preview", "messages": HI}
    found = respond("/v1/chat/completions", body, "{refusal: No.}")
    assert found["choices"][0]["message"]["refusal"] == "No."


@pytest.mark.parametrize(
    ("model", "caches", "tools"),
    [
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", True, True),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", True, False),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", True, False),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", False, False),
        ("anthropic.claude-3-sonnet-20240229-v1:0", False, False),
        ("anthropic.claude-v2:1", False, False),
        ("amazon.titan-text-lite-v1", False, False),
        ("amazon.nova-lite-v1:0", False, True),
    ],
)
def test_usage_of_converse_is_that_of_the_model(model: str, caches: bool, tools: bool) -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    usage = respond(f"/model/{model}/converse", body)["usage"]
    assert ("cacheReadInputTokens" in usage, "serverToolUsage" in usage) == (caches, tools)


@pytest.mark.parametrize(
    ("model", "tier"), [("gemini-3-pro-preview", False), ("gemini-3-flash-preview", True)]
)
def test_gemini_names_its_tier_unless_the_model_ended_before(model: str, tier: bool) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    found = respond(f"/v1beta/models/{model}:generateContent", body)
    assert ("serviceTier" in found["usageMetadata"]) is tier


@pytest.mark.parametrize(
    ("model", "geo"),
    [
        ("claude-3-opus-20240229", False),
        ("claude-3-5-sonnet-20241022", False),
        ("claude-3-5-haiku-20241022", True),
    ],
)
def test_claude_names_its_place_unless_the_model_ended_before(model: str, geo: bool) -> None:
    found = respond("/v1/messages", {"model": model, "max_tokens": 9, "messages": HI})
    assert ("inference_geo" in found["usage"]) is geo
