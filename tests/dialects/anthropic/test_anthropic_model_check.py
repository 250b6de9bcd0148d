"""What known models of Anthropic refuse beside other models."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.batch import BATCH_HEADER
from mockllm.dialects.anthropic.messages import MESSAGES
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
OFF, ADAPTIVE, BETWEEN = {"type": "disabled"}, {"type": "adaptive"}, {"type": "between_tools"}
SAMPLED = {"temperature": 0.5, "top_p": 0.9}
TOOL = {"name": "get", "input_schema": {"type": "object"}}
FORCED = {"tools": [TOOL], "tool_choice": {"type": "any"}}
CHOSEN = {"tools": [TOOL], "tool_choice": {"type": "auto"}}
COMPUTER = {"type": "computer_20251124", "name": "computer", "display_width_px": 9, "display_height_px": 9}
TOOLSET = {"type": "computer_toolset_20260801"}
SYSTEM = {"role": "system", "content": "x"}


def effort(level: str) -> dict[str, Any]:
    return {"output_config": {"effort": level}}


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
            {"model": "claude-x", **SAMPLED, "output_config": {"effort": "max"}}, id="anything of an unknown"
        ),
        pytest.param({"model": "claude-sonnet-4-6", **SAMPLED}, id="both samplings with Claude 4.6"),
        pytest.param({"temperature": 0.5, "top_k": 5}, id="a temperature and top_k with Claude 4.5"),
        pytest.param({"model": "claude-opus-5", "temperature": 1}, id="the default temperature"),
        pytest.param({"model": "claude-sonnet-5", "thinking": OFF, **effort("max")}, id="no thinking"),
        pytest.param(
            {"model": "claude-opus-5", "thinking": OFF, **effort("high")}, id="no thinking up to high"
        ),
        pytest.param({"model": "claude-opus-5", **effort("max")}, id="any effort"),
        pytest.param(
            {"model": "claude-sonnet-5-5", "thinking": BETWEEN, **effort("high")}, id="between tools"
        ),
        pytest.param({"model": "claude-sonnet-5-5", "thinking": ADAPTIVE, **effort("max")}, id="adaptive"),
        pytest.param({"model": "claude-haiku-5-5", **FORCED}, id="a forced tool"),
        pytest.param({"model": "claude-opus-5-5", **CHOSEN}, id="a tool that the model chooses"),
        pytest.param({"model": "claude-opus-5", "tools": [COMPUTER]}, id="the computer tool"),
        pytest.param({"model": "claude-opus-5-5", "tools": [TOOLSET, TOOL]}, id="the toolset"),
        pytest.param({"model": "claude-opus-4-8", "messages": [HI, SYSTEM]}, id="a system turn"),
        pytest.param({"system": 'the "system"', "messages": [HI]}, id="a system text"),
        pytest.param(
            {"model": "claude-mythos-preview", "max_tokens": 2000, "thinking": BUDGET},
            id="a budget of a preview",
        ),
        pytest.param(
            {"model": "claude-opus-5", "messages": [HI, {"role": "assistant", "content": ""}]},
            id="an empty last answer",
        ),
    ],
)
def test_request_that_its_model_supports_passes(fields: dict[str, Any]) -> None:
    assert refusal_message({**GOOD, **fields}) is None


NO_PREFILL = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)
USE_ADAPTIVE = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
NEVER_OFF = f'"thinking.type.disabled" is not supported for this model. {USE_ADAPTIVE}'
NO_FORCED = 'tool_choice: type "tool" and "any" are not supported for this model.'
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
        *[
            ({"model": model, "thinking": OFF}, NEVER_OFF)
            for model in ("claude-opus-5-5", "claude-fable-5", "claude-fable-5-2", "claude-mythos-5-1")
        ],
        (
            {"model": "claude-mythos-preview", "thinking": OFF},
            '"thinking.type.disabled" is not supported for this model. Thinking defaults to adaptive mode when not '
            'specified; use "thinking.type.enabled" with "budget_tokens" for extended thinking.',
        ),
        (
            {"model": "claude-sonnet-5-5", "thinking": OFF},
            'To turn thinking off on this model, send "thinking": {"type": "between_tools"} instead of '
            '{"type": "disabled"}. The model does not think before responding. The short updates it writes between '
            "tool calls come back as thinking blocks.",
        ),
        (
            {"model": "claude-sonnet-5", "thinking": BETWEEN},
            '"thinking.type.between_tools" is not supported for this model.',
        ),
        *[
            (
                {"model": model, "thinking": thinking, **effort("xhigh")},
                "output_config.effort 'xhigh' is not supported when thinking is disabled on this model. Use effort "
                "'high' or below, or enable thinking.",
            )
            for model, thinking in (
                ("claude-sonnet-5-5", BETWEEN),
                ("claude-opus-5", OFF),
                ("claude-haiku-5-5", OFF),
            )
        ],
        (effort("low"), "This model does not support the effort parameter."),
        (
            {"model": "claude-sonnet-4-6", **effort("xhigh")},
            "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.",
        ),
        ({"model": "claude-sonnet-5", "temperature": 0}, "`temperature` is deprecated for this model."),
        ({"model": "claude-opus-4-7", "top_p": 1.0}, "`top_p` is deprecated for this model."),
        ({"model": "claude-haiku-5-5", "top_k": 5}, "`top_k` is deprecated for this model."),
        (SAMPLED, "`temperature` and `top_p` cannot both be specified for this model. Please use only one."),
        *[
            ({"model": model, **FORCED}, NO_FORCED)
            for model in ("claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-mythos-5-2")
        ],
        (
            {"model": "claude-opus-5-5", "tools": [TOOL], "tool_choice": {"type": "tool", "name": "get"}},
            NO_FORCED,
        ),
        (
            {"model": "claude-opus-4-7", "messages": [HI, SYSTEM]},
            "role 'system' is not supported on this model",
        ),
        ({"system": "x", "messages": [HI, SYSTEM]}, "role 'system' is not supported on this model"),
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


def test_computer_tool_is_refused_by_models_with_the_toolset() -> None:
    message = refusal_message({**GOOD, "model": "claude-opus-5-5", "tools": [TOOL, COMPUTER]}) or ""
    refusal, _, others = message.partition(" Did you mean one of ")
    assert refusal == "'claude-opus-5-5' does not support tool types: computer_20251124."
    assert others.startswith("advisor_20260301, bash_20250124, browser_toolset_20260801, ")
    assert "computer_toolset_20260801, " in others
    assert others.endswith("?")


@pytest.mark.parametrize(
    ("model", "headers", "most"),
    [
        ("claude-opus-4-6", {"anthropic-beta": "x, output-300k-2026-03-24", BATCH_HEADER: "b"}, 300_000),
        ("claude-opus-4-6", {"anthropic-beta": "x", BATCH_HEADER: "b"}, 128_000),
        ("claude-opus-4-6", {"anthropic-beta": "output-300k-2026-03-24"}, 128_000),
        ("claude-opus-4-6", {}, 128_000),
        ("claude-haiku-4-5", {"anthropic-beta": "output-300k-2026-03-24", BATCH_HEADER: "b"}, 64_000),
    ],
)
def test_beta_raises_the_most_tokens_of_a_batch(model: str, headers: dict[str, str], most: int) -> None:
    body = {**GOOD, "model": model}
    assert refusal_message({**body, "max_tokens": most}, **headers) is None
    message = refusal_message({**body, "max_tokens": most + 1}, **headers)
    assert (message or "").startswith(f"max_tokens: {most + 1} > {most}, which is the maximum")


def test_count_refuses_a_forced_tool_of_a_model_without_it() -> None:
    body = {**GOOD, **FORCED, "model": "claude-opus-5-5"}
    del body["max_tokens"]
    failure = check_counted(messages(body))
    assert failure is not None
    assert failure.message == NO_FORCED
    assert check_counted(messages({**body, "model": "claude-opus-5"})) is None
    assert check_counted(messages({**body, "model": "claude-x"})) is None


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
