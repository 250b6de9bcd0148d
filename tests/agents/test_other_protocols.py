"""Agents that speak several protocols, by those that `test_coding_agents` does not use: a short task with each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agents.agent_run import AROUND, CONTENT, PATIENCE, run_agent
from tests.agents.coding_agents import AGENTS, KEY, TASK, CodingAgent, Command, require_agent
from tests.agents.sandbox import Sandbox

BY_NAME = {agent.name: agent for agent in AGENTS}

pytestmark = [pytest.mark.full, pytest.mark.timeout(PATIENCE + AROUND)]


def with_variables(name: str, **variables: str) -> CodingAgent:
    """An agent with further variables; `URL` in one is the server's address."""
    agent = BY_NAME[name]

    def start(sandbox: Sandbox) -> Command:
        words, own = agent.start(sandbox)
        more = {key: value.replace("URL", sandbox.url) for key, value in variables.items()}
        return words, {**own, **more}

    return replace(agent, start=start, fixed_at=3)


def pi(api: str, base: str) -> CodingAgent:
    def start(sandbox: Sandbox) -> Command:
        command = BY_NAME["pi"].start(sandbox)
        models = [{"id": "mock-1"}]
        provider = {"baseUrl": sandbox.url + base, "api": api, "apiKey": KEY, "models": models}
        sandbox.write(".pi/agent/models.json", {"providers": {"mock": provider}})
        return command

    return replace(BY_NAME["pi"], start=start, fixed_at=3)


def opencode(provider: str, model: str) -> CodingAgent:
    def start(sandbox: Sandbox) -> Command:
        _, variables = BY_NAME["opencode"].start(sandbox)
        options = {"options": {"baseURL": f"{sandbox.url}/v1", "apiKey": KEY}}
        settings = {"autoupdate": False, "share": "disabled", "provider": {provider: options}}
        sandbox.write(".config/opencode/opencode.json", settings)
        return ("run", "--auto", "-m", f"{provider}/{model}", TASK), variables

    return replace(BY_NAME["opencode"], start=start, fixed_at=3)


WAYS: Mapping[str, Callable[[], CodingAgent]] = {
    "Claude Code, Amazon Bedrock": lambda: with_variables(
        "claude-code", CLAUDE_CODE_USE_BEDROCK="1", ANTHROPIC_BEDROCK_BASE_URL="URL", AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any",
    ),
    "Copilot CLI, responses": lambda: with_variables("copilot-cli", COPILOT_PROVIDER_WIRE_API="responses"),
    "Copilot CLI, responses over a WebSocket": lambda: with_variables(
        "copilot-cli", COPILOT_PROVIDER_WIRE_API="responses", COPILOT_PROVIDER_TRANSPORT="websockets",
    ),
    "Copilot CLI, Anthropic": lambda: with_variables(
        "copilot-cli", COPILOT_PROVIDER_TYPE="anthropic", COPILOT_PROVIDER_BASE_URL="URL",
        COPILOT_MODEL="claude-sonnet-4.5",
    ),
    "opencode, responses": lambda: opencode("openai", "gpt-5.1"),
    "opencode, Anthropic": lambda: opencode("anthropic", "claude-sonnet-4-5"),
    "pi, Anthropic": lambda: pi("anthropic-messages", ""),
    "pi, responses": lambda: pi("openai-responses", "/v1"),
    "pi, Gemini": lambda: pi("google-generative-ai", "/v1beta"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_short_task_is_done_by_another_protocol(way: str, tmp_path: Path) -> None:
    agent = WAYS[way]()
    require_agent(agent)
    run = run_agent(agent, tmp_path)
    assert run.written == CONTENT, run.shown()
    assert run.ended.code == 0, run.shown()
    assert run.rules[-1] == "done"
    assert not run.missed
