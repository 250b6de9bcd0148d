"""Codex by its two ways: a WebSocket, which its default provider opens, and HTTP; and when it compacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.agent_run import AROUND, CONTENT, NO_SOCKETS, PATIENCE, run_agent
from tests.agents.coding_agents import AGENTS, compacting_codex, require_agent

LIMIT = 60_000
"""Tokens: several times those of the longest request."""
FULL = f"""
modifiers:
  - name: full
    match: {{api: responses, turn: 4}}
    faults: [{{wrong_usage: {{input_tokens: {LIMIT}, output_tokens: 100, total_tokens: {LIMIT + 100}}}}}]
"""
CODEX = next(agent for agent in AGENTS if agent.name == "codex")

pytestmark = [pytest.mark.full, pytest.mark.timeout(PATIENCE + AROUND)]


@pytest.fixture(autouse=True)
def installed() -> None:
    require_agent(CODEX)


def test_default_provider_has_its_web_socket(tmp_path: Path) -> None:
    """One handshake for ten calls; a machine that is too busy for Codex's timeout of a handshake has a second one."""
    run = run_agent(CODEX, tmp_path)
    assert run.written == CONTENT, run.shown()
    assert next(rule for rule in run.rules if rule != "handshake") == "warm_up", run.shown()
    assert 1 <= run.rules.count("handshake") <= 2, run.shown()


def test_refused_handshake_leads_to_http(tmp_path: Path) -> None:
    run = run_agent(CODEX, tmp_path, own=NO_SOCKETS)
    assert run.written == CONTENT, run.shown()
    assert run.rules[:2] == ["no-socket", "patch-codex"]
    assert run.rules[-1] == "done"


def test_compacted_conversation_goes_on(tmp_path: Path) -> None:
    """The usage of one response is above the limit. Real counts depend on the name of the folder, which it has."""
    run = run_agent(compacting_codex(LIMIT), tmp_path, own=FULL)
    assert run.written == CONTENT, run.shown()
    assert "patch-codex-compacted" in run.rules, run.shown()
    assert run.rules[-1] == "done"
