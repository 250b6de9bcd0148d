"""docs/files-and-batches.md: its files have no mistake, its programs run, and it names each route."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.dialects.providers import REGISTERED
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.testing.example_runner import Suite
from tests.live import live

TEXT = (Path(__file__).parents[2] / "docs" / "files-and-batches.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
ENDS = (" Hello there.\n", "completed 17000\n", "JOB_STATE_SUCCEEDED gs://bucket/out\n")
KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)
ROUTES = [
    route.path
    for provider in REGISTERED
    for route in provider.routes
    if re.search(r"(?<!images)/files|batches|batchGenerate|batchPrediction|uploads", route.path) is not None
    and "vector_stores" not in route.path  # tests/docs/test_vector_stores_page.py
]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_scenario_of_page_has_no_mistake(block: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    sources = ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)
    assert [str(each) for each in load_scenarios(sources).diagnostics] == []
    assert [(each.name, each.failed) for each in Suite(sources).run("") if not each.passed] == []


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program_of_page_runs(
    program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(BLOCKS[0], encoding="utf-8")
    with live(tmp_path) as server:
        names: dict[str, Any] = {}
        exec(program.replace("http://localhost:8080", server.url), names)
    assert capsys.readouterr().out.endswith(ENDS)


@pytest.mark.parametrize("path", ROUTES)
def test_page_names_each_route(path: str) -> None:
    # The page names Azure's paths once, and says that all of them exist below `/openai/v1`, too.
    shown = path.replace("(v1beta|v1|v1alpha)", "v1beta").replace("/openai/v1/", "/openai/", 1)
    shown = shown.replace("(v1beta1|v1)", "v1")
    assert re.sub(r"\{(?!model)\w+\}", "{id}", shown) in TEXT
