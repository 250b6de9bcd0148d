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
