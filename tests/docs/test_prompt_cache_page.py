"""docs/prompt-caches-and-cost.md: its files have no mistake, their examples hold, and its program runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.testing.example_runner import Suite
from tests.live import live

PAGE = (Path(__file__).parents[2] / "docs" / "prompt-caches-and-cost.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_scenario_of_page_has_no_mistake_and_examples_hold(block: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    sources = ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)
    assert [str(each) for each in load_scenarios(sources).diagnostics] == []
    assert [(each.name, each.failed) for each in Suite(sources).run("") if not each.passed] == []


def test_program_of_page_prints_what_page_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(BLOCKS[0], encoding="utf-8")
    (program,) = PROGRAMS
    with live(tmp_path) as server:
        names: dict[str, Any] = {}
        exec(program.replace("http://localhost:8080", server.url), names)
    assert capsys.readouterr().out == "True False\nFalse True\n"
    assert "The first line is `True False`, the second `False True`." in PAGE
