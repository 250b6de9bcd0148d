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
MCP_CALL = {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "look", "server_name": "s", "input": {}}
MCP_RESULT = {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": [], "is_error": False}
PAUSED_BY_MCP = {"role": "assistant", "content": [MCP_CALL, MCP_RESULT, {"type": "text", "text": "So"}]}
BUDGET = {"type": "enabled", "budget_tokens": 1024}


def refusal_message(body: Any, **headers: str) -> str | None:
    failure = MESSAGES.check(messages(body, headers))
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
        pytest.param(
            {"model": "claude-opus-5", "messages": [HI, PAUSED, ANSWER]}, id="a paused turn in two messages"
        ),
        pytest.param(
            {"model": "claude-opus-5", "messages": [HI, PAUSED_BY_MCP]}, id="a paused turn with an MCP call"
        ),
        pytest.param(
            {"model": "claude-opus-5", "messages": [HI, ANSWER], "fallback_credit_token": "t"},
            id="a refused model's answer begun",
        ),
        pytest.param(
            {"model": "claude-opus-5-5", "max_tokens": 500_000, "thinking": BUDGET, "messages": [HI, ANSWER]},
            id="anything of a model that only the SDK names",
        ),
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


@pytest.mark.parametrize(
    ("betas", "most"),
    [
        ("output-300k-2026-03-24", 300_000),
        ("x, output-300k-2026-03-24", 300_000),
        ("x", 128_000),
        ("", 128_000),
    ],
)
def test_beta_raises_the_most_tokens(betas: str, most: int) -> None:
    body = {**GOOD, "model": "claude-opus-4-6"}
    headers = {"anthropic-beta": betas}
    assert refusal_message({**body, "max_tokens": most}, **headers) is None
    message = refusal_message({**body, "max_tokens": most + 1}, **headers)
    assert (message or "").startswith(f"max_tokens: {most + 1} > {most}, which is the maximum")


def test_prefill_after_a_turn_of_tools_is_refused() -> None:
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    searched = {"role": "assistant", "content": [SEARCH, result]}
    body = {**GOOD, "model": "claude-opus-5", "messages": [HI, searched, HI, ANSWER]}
    assert refusal_message(body) == NO_PREFILL


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
