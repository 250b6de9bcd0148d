"""Unmodified coding agents with the pack `coding-agents`: a task of ten steps, and the file that is left on the disk.

They are installed by `scripts/setup all`, at pinned versions. Without an agent its tests are skipped by name.
`AGENT_RUNS=20` repeats the task as often; all runs must be alike.
`AGENT_CLIMATES=flaky,rate-limited,slow,storm,provider-outage` runs the agents in more climates of the pack `weather`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mockllm.core.verdicts.catalog import VERDICTS
from tests.agents.agent_run import AROUND, CONTENT, NO_SOCKETS, PATIENCE, TYPED, run_agent
from tests.agents.coding_agents import AGENTS, CodingAgent, require_agent

RUNS = int(os.environ.get("AGENT_RUNS", "1"))
CLIMATES = os.environ.get("AGENT_CLIMATES", "flaky").split(",")
"""All five take half an hour; docs/agents.md has what was seen."""
OUTAGE = 60.0
"""Seconds for an agent that can do nothing but retry: some go on for minutes."""
SIDE_REQUESTS = frozenset({"title", "json", "router", "memory", "warm_up", "handshake"})
"""Rules, and calls of the protocol itself, that belong to no step of the task."""
WRITES = re.compile(r"write|create|edit|patch|exec-command$|search-replace")

pytestmark = [pytest.mark.full, pytest.mark.timeout((PATIENCE + AROUND) * max(RUNS, 1))]


@pytest.fixture(params=AGENTS, ids=lambda agent: agent.name)
def agent(request: pytest.FixtureRequest) -> CodingAgent:
    found: CodingAgent = request.param
    require_agent(found)
    return found


def expected_steps(agent: CodingAgent) -> list[str]:
    """What the model does: it writes and runs until the file is right, and says so. aider runs the tests itself."""
    if agent.name == "aider":
        return ["write"] * 4
    return ["write", "run"] * ((agent.fixed_at + 1) // 2) + ["done"]


def step(rule: str) -> str:
    return "run" if rule.startswith("run-") else "write" if WRITES.search(rule) else rule


def test_task_leaves_right_file_each_time(agent: CodingAgent, tmp_path: Path) -> None:
    for number in range(RUNS):
        run = run_agent(agent, tmp_path / str(number), own=TYPED)
        assert run.written == CONTENT, run.shown()
        assert run.ended.code == 0, run.shown()
        assert [step(rule) for rule in run.rules if rule not in SIDE_REQUESTS] == expected_steps(agent)
        assert next(rule for rule in run.rules if rule not in SIDE_REQUESTS) in run.typed
        assert not run.missed
        assert not run.verdicts


@pytest.mark.parametrize("climate", CLIMATES)
def test_climate_is_survived_or_reported(
    agent: CodingAgent, climate: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """An agent may give up in bad weather; its verdicts tell how. A run that ends well has the right file."""
    patience = OUTAGE if climate == "provider-outage" else PATIENCE
    run = run_agent(agent, tmp_path, climate, time_scale=0.1, own=NO_SOCKETS, patience=patience)
    record_property("verdicts", " ".join(run.verdicts))
    assert not run.missed
    assert set(run.verdicts) <= set(VERDICTS)
    if run.rules[-1:] == ["done"] and run.ended.code == 0:
        assert run.written == CONTENT, run.shown()
