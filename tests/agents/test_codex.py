"""Codex by its two ways: a WebSocket, which its default provider opens, and HTTP; and when it compacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.agent_run import AROUND, CONTENT, PATIENCE, run_agent
from tests.agents.coding_agents import AGENTS, compacting_codex, require_agent

CODEX = next(agent for agent in AGENTS if agent.name == "codex")

pytestmark = [pytest.mark.full, pytest.mark.timeout(PATIENCE + AROUND)]


@pytest.fixture(autouse=True)
def installed() -> None:
    require_agent(CODEX)


def test_default_provider_keeps_its_web_socket(tmp_path: Path) -> None:
    """One handshake for ten calls; a machine that is too busy for Codex's timeout of a handshake has a second one."""
    run = run_agent(CODEX, tmp_path)
    assert run.written == CONTENT, run.shown()
    assert next(rule for rule in run.rules if rule != "handshake") == "warm_up", run.shown()
    assert 1 <= run.rules.count("handshake") <= 2, run.shown()


def test_refused_handshake_leads_to_http(tmp_path: Path) -> None:
    run = run_agent(CODEX, tmp_path, sockets=False)
    assert run.written == CONTENT, run.shown()
    assert run.rules[:2] == ["no-socket", "patch-codex"]
    assert run.rules[-1] == "done"


def test_compacted_conversation_goes_on(tmp_path: Path) -> None:
    """The limit is below the tokens of the fourth request: a few more or less change nothing."""
    run = run_agent(compacting_codex(7900), tmp_path)
    assert run.written == CONTENT, run.shown()
    assert "patch-codex-compacted" in run.rules, run.shown()
    assert run.rules[-1] == "done"
