"""What known models of Anthropic refuse beside other models."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.anthropic import MESSAGES
from mockllm.dialects.anthropic.messages_check import check_counted, check_hosted
from tests.dialects.anthropic.messages_requests import MINIMAL, messages

HI = {"role": "user", "content": "hi"}
GOOD: dict[str, Any] = {**MINIMAL, "model": "claude-sonnet-4-5"}
ANSWER = {"role": "assistant", "content": "So"}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rain"}}
PAUSED = {"role": "assistant", "content": [SEARCH, {"type": "text", "text": "One moment."}]}
BUDGET = {"type": "enabled", "budget_tokens": 1024}


def refusal_message(body: Any) -> str | None:
    failure = MESSAGES.check(messages(body))
    return None if failure is None else failure.message


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"max_tokens": 64_000}, id="the most tokens"),
        pytest.param({"model": "claude-x", "max_tokens": 200_000}, id="any tokens of an unknown model"),
        pytest.param({"model": "claude-x", "messages": [HI, ANSWER]}, id="an unknown model's answer begun"),
        pytest.param(
            {"model": "claude-sonnet-4-6", "max_tokens": 2000, "thinking": BUDGET},
            id="a budget with Claude 4.6",
        ),
        pytest.param({"model": "claude-sonnet-5", "messages": [HI, PAUSED]}, id="a paused turn"),
    ],
)
def test_request_that_its_model_supports_passes(fields: dict[str, Any]) -> None:
    assert refusal_message({**GOOD, **fields}) is None


NO_PREFILL = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)
NO_BUDGET = (
    '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
    '"output_config.effort" to control thinking behavior.'
)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"max_tokens": 200_000},
            "max_tokens: 200000 > 64000, which is the maximum allowed number of output tokens for "
            "claude-sonnet-4-5-20250929",
        ),
        (
            {"model": "claude-opus-4-1", "max_tokens": 32_001},
            "max_tokens: 32001 > 32000, which is the maximum allowed number of output tokens for "
            "claude-opus-4-1-20250805",
        ),
        ({"model": "claude-opus-4-7", "max_tokens": 2000, "thinking": BUDGET}, NO_BUDGET),
        ({"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported on this model"),
        ({"model": "claude-opus-4-6", "messages": [HI, ANSWER]}, NO_PREFILL),
        (
            {
                "model": "claude-sonnet-5",
                "messages": [HI, {"role": "assistant", "content": [{"type": "text", "text": "So"}]}],
            },
            NO_PREFILL,
        ),
    ],
)
def test_request_that_a_known_model_refuses(fields: dict[str, Any], message: str) -> None:
    assert refusal_message({**GOOD, **fields}) == message


def test_prefill_after_known_turns_is_refused() -> None:
    turns: list[Any] = [HI, ANSWER] * 40
    body = {**GOOD, "model": "claude-sonnet-5"}
    assert refusal_message({**body, "messages": [*turns, HI]}) is None
    assert refusal_message({**body, "messages": turns}) == NO_PREFILL


def test_other_platform_and_count_accept_what_a_model_refuses() -> None:
    body = {**GOOD, "model": "claude-sonnet-5", "messages": [HI, ANSWER]}
    assert check_counted(messages(body)) is None
    del body["model"]
    assert check_hosted(messages({**body, "anthropic_version": "2023-06-01"})) is None
