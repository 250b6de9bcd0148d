"""docs/agents.md: its files have no mistake and their examples hold, and it has each parameter and pinned version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.agents.coding_agents import AGENTS, CodingAgent
from tests.cli.in_process import command

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
FILES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("number", range(len(FILES)))
def test_example_of_agents_page_holds(number: int, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FILES[number], encoding="utf-8")
    checked = command("check", ".", "--strict", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    tested = command("test", ".", cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout


def test_page_has_each_parameter_of_pack() -> None:
    manifest = (ROOT / "scenarios" / "coding-agents" / "pack.yaml").read_text("utf-8")
    rows = re.findall(r"(?m)^\| `([a-z_]+)` \|", TEXT)
    assert rows == re.findall(r"(?m)^  ([a-z_]+):$", manifest)


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_page_has_pinned_version_of_agent(agent: CodingAgent) -> None:
    name, version = agent.name.replace("-", "[- ]"), re.escape(agent.version)
    assert re.search(rf"(?mi)^\| {name} \| {version} \|", TEXT)
