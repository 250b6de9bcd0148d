"""The coding agents that the pack `coding-agents` is tested with: their programs, and how each finds the server.

docs/agents.md has their settings. None of them gets a real key, updates itself or reports its use.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.agents.sandbox import Sandbox

HERE = Path(__file__).parent
TASK = "Write a program that greets, run it, and fix it until it works."
KEY = "sk-mock"

Command: TypeAlias = tuple[Sequence[str], Mapping[str, str]]
"""The words of a command after the program, and the variables that it needs."""


@dataclass(frozen=True)
class CodingAgent:
    """An agent: its folder below tests/agents, its program, and what it is started with."""

    name: str
    program: str
    start: Callable[[Sandbox], Command]
    fixed_at: int = 9
    """The turn in which the model fixes the file: 9 makes ten calls."""

    @property
    def path(self) -> Path:
        return HERE / self.name / self.program

    @property
    def version(self) -> str:
        """The version that is pinned."""
        if self.name == "aider":
            return (HERE / "aider/requirements.txt").read_text("utf-8").split("==")[1].split()[0]
        pinned: dict[str, str] = json.loads((HERE / self.name / "package.json").read_text("utf-8"))[
            "dependencies"
        ]
        return next(iter(pinned.values()))

    def command(self, sandbox: Sandbox) -> Command:
        words, variables = self.start(sandbox)
        runner = ("node",) if self.path.suffix == ".cjs" else ()
        return (*runner, str(self.path), *words), variables


def _claude_code(sandbox: Sandbox) -> Command:
    return ("-p", TASK, "--dangerously-skip-permissions", "--model", "claude-sonnet-4-5"), {
        "ANTHROPIC_BASE_URL": sandbox.url,
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "IS_SANDBOX": "1",
    }


def _codex(sandbox: Sandbox, more: str = "") -> Command:
    settings = (
        f'openai_base_url = "{sandbox.url}/v1"\nmodel = "gpt-5.5"\ncheck_for_update_on_startup = false\n'
    )
    sandbox.write(".codex/config.toml", settings + more + "[analytics]\nenabled = false\n")
    sandbox.write(".codex/auth.json", {"OPENAI_API_KEY": KEY})
    return ("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK), {}


def require_agent(agent: CodingAgent) -> None:
    """Skip the running test where an agent is not installed, in CI too: a registry may not have it for a platform."""
    if not agent.path.exists():
        pytest.skip(f"{agent.name} {agent.version} is not installed (`scripts/setup all`)")


_QUIET: Mapping[str, object] = {
    "general": {"enableAutoUpdate": False, "disableAutoUpdate": True},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
}
"""Settings of Gemini CLI, and of Qwen Code, which comes from it."""


def _gemini_cli(sandbox: Sandbox) -> Command:
    sandbox.write(
        ".gemini/settings.json", {**_QUIET, "security": {"auth": {"selectedType": "gemini-api-key"}}}
    )
    return ("-p", TASK, "--yolo", "--skip-trust"), {
        "GOOGLE_GEMINI_BASE_URL": sandbox.url,
        "GEMINI_API_KEY": KEY,
        "GEMINI_CLI_NO_RELAUNCH": "true",
    }


def _qwen_code(sandbox: Sandbox) -> Command:
    sandbox.write(".qwen/settings.json", {**_QUIET, "security": {"auth": {"selectedType": "openai"}}})
    return ("-p", TASK, "--yolo"), {
        "OPENAI_BASE_URL": f"{sandbox.url}/v1",
        "OPENAI_API_KEY": KEY,
        "OPENAI_MODEL": "qwen3-coder-plus",
    }


def _opencode(sandbox: Sandbox) -> Command:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Mock",
        "options": {"baseURL": f"{sandbox.url}/v1", "apiKey": KEY},
        "models": {"mock-1": {"name": "Mock"}},
    }
    settings = {"autoupdate": False, "share": "disabled", "provider": {"mock": provider}}
    sandbox.write(".config/opencode/opencode.json", settings)
    return ("run", "--auto", "-m", "mock/mock-1", TASK), {
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    }


def _continue(sandbox: Sandbox) -> Command:
    settings = sandbox.write(
        ".continue/config.yaml",
        "name: Mock\nversion: 1.0.0\nschema: v1\nmodels:\n  - name: mock\n    provider: openai\n    model: gpt-4o\n"
        f"    apiKey: {KEY}\n    apiBase: {sandbox.url}/v1\n    roles: [chat]\n",
    )
    return ("-p", TASK, "--auto", "--config", str(settings)), {"CONTINUE_TELEMETRY_ENABLED": "0"}


def _cline(sandbox: Sandbox) -> Command:
    name = "openai-compatible"
    settings = {"provider": name, "apiKey": KEY, "model": "mock-1", "baseUrl": f"{sandbox.url}/v1"}
    entry = {"settings": settings, "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
    content = {"version": 1, "lastUsedProvider": name, "modes": {}, "providers": {name: entry}}
    sandbox.write(".cline/data/settings/providers.json", content)
    return ("-P", name, "-m", "mock-1", TASK), {"CLINE_NO_AUTO_UPDATE": "1"}


def _copilot_cli(sandbox: Sandbox) -> Command:
    return ("-p", TASK, "--allow-all-tools", "--allow-all-paths", "--no-auto-update"), {
        "COPILOT_OFFLINE": "true",
        "COPILOT_PROVIDER_BASE_URL": f"{sandbox.url}/v1",
        "COPILOT_PROVIDER_API_KEY": KEY,
        "COPILOT_MODEL": "gpt-4.1",
    }


def _pi(sandbox: Sandbox) -> Command:
    provider = {
        "baseUrl": f"{sandbox.url}/v1",
        "api": "openai-completions",
        "apiKey": KEY,
        "models": [{"id": "mock-1"}],
    }
    sandbox.write(".pi/agent/models.json", {"providers": {"mock": provider}})
    return ("-p", "--provider", "mock", "--model", "mock-1", TASK), {"PI_OFFLINE": "1", "PI_TELEMETRY": "0"}


def _aider(sandbox: Sandbox) -> Command:
    words = (
        "--model", "openai/gpt-4o", "--openai-api-base", f"{sandbox.url}/v1", "--openai-api-key", KEY,
        "--yes-always", "--no-git", "--no-check-update", "--no-analytics", "--no-show-model-warnings",
        "--no-show-release-notes", "--no-pretty", "--auto-test", "--test-cmd", "python3 greet.py",
        "--message", TASK,
    )  # fmt: skip
    return words, {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def _opencode_program() -> str:
    """The program for this machine: the package's own command looks for it when it is installed, by a script."""
    processor = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), "arm64")
    return f"node_modules/opencode-{platform.system().lower()}-{processor}/bin/opencode"


def compacting_codex(tokens: int) -> CodingAgent:
    """Codex that compacts a conversation of so many tokens."""
    settings = f"model_auto_compact_token_limit = {tokens}\n"
    codex = next(agent for agent in AGENTS if agent.name == "codex")
    return replace(codex, start=lambda sandbox: _codex(sandbox, settings), fixed_at=5)


AGENTS: Sequence[CodingAgent] = (
    CodingAgent("claude-code", "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs", _claude_code),
    CodingAgent("codex", "node_modules/.bin/codex", _codex),
    CodingAgent("gemini-cli", "node_modules/.bin/gemini", _gemini_cli),
    CodingAgent("opencode", _opencode_program(), _opencode),
    CodingAgent("qwen-code", "node_modules/.bin/qwen", _qwen_code),
    CodingAgent("continue", "node_modules/.bin/cn", _continue),
    CodingAgent("cline", "node_modules/.bin/cline", _cline),
    CodingAgent("copilot-cli", "node_modules/.bin/copilot", _copilot_cli),
    CodingAgent("pi", "node_modules/.bin/pi", _pi),
    CodingAgent("aider", "../../../.venv/aider/bin/aider", _aider),
)
"""aider sends three failed tests at most to its model: its task has four edits and four tests."""
