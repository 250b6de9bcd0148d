"""docs/responses.md: its files have no mistake, their examples hold, its program runs, and it names each route."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mockllm.dialects.openai.provider import PROVIDER
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.testing.example_runner import Suite
from tests.live import live

TEXT = (Path(__file__).parents[2] / "docs" / "responses.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)
ROUTES = [
    route.path
    for route in PROVIDER.routes
    if re.match(r"/v1/(responses|conversations|webhook)", route.path) is not None
]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_scenario_of_page_has_no_mistake_and_its_examples_hold(block: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    sources = ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)
    assert [str(each) for each in load_scenarios(sources).diagnostics] == []
    assert [(each.name, each.failed) for each in Suite(sources).run("") if not each.passed] == []


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program_of_page_runs(program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(BLOCKS[0], encoding="utf-8")
    with live(tmp_path) as server:
        names: dict[str, Any] = {}
        exec(program.replace("http://localhost:8080", server.url), names)
    assert capsys.readouterr().out == "completed Hello there.\n"


@pytest.mark.parametrize("path", ROUTES)
def test_page_names_each_route(path: str) -> None:
    bare = re.sub(r"\{(response|conversation|endpoint)\}", "{id}", path)
    assert re.search(rf"(?<![\w/]){re.escape(bare)}[`,]", TEXT) or f"`/{bare.rpartition('/')[2]}`" in TEXT
