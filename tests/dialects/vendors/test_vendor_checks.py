"""Requests that a vendor accepts and OpenAI refuses, or the other way round."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from tests.dialects.vendors.test_vendor_calls import route_request

REASONING: Json = {"type": "reasoning", "id": "rs_1", "summary": []}
SAID: Json = {"role": "assistant", "content": "x"}
ASKED: Json = {"role": "user", "content": "hi"}


@pytest.mark.parametrize("vendor", ["deepseek", "xai/v1", "openrouter/api/v1"])
def test_reasoning_before_a_message_without_an_id_is_accepted(vendor: str) -> None:
    dialect, request = route_request(
        f"/{vendor}/responses", {"model": "m", "input": [REASONING, SAID, ASKED]}
    )
    assert dialect.check(request) is None


CHOSEN: Json = {"function": {"name": "look"}}
TOOLS: Json = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
ROUTER = ("/huggingface/v1", "/huggingface/together/v1", "/huggingface/novita/v3/openai")


@pytest.mark.parametrize("base", ROUTER)
def test_huggingface_accepts_a_chosen_function_without_a_type(base: str) -> None:
    body: Json = {"model": "m", "messages": [ASKED], "tools": TOOLS, "tool_choice": CHOSEN}
    dialect, request = route_request(f"{base}/chat/completions", body)
    assert dialect.check(request) is None
    refused: tuple[Json, ...] = ({"function": {}}, {"function": {"name": "other"}}, {})
    for wrong in refused:
        dialect, request = route_request(f"{base}/chat/completions", {**body, "tool_choice": wrong})
        assert dialect.check(request) is not None


def test_other_vendors_need_the_type_of_a_chosen_function() -> None:
    body: Json = {"model": "m", "messages": [ASKED], "tools": TOOLS, "tool_choice": CHOSEN}
    dialect, request = route_request("/together/v1/chat/completions", body)
    assert dialect.check(request) is not None
