"""docs/vllm.md: its files have no mistake, their examples hold, and it names each call and metric."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.dialects.vllm.metrics import FORM
from mockllm.dialects.vllm.provider import PROVIDER
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.testing.example_runner import Suite

TEXT = (Path(__file__).parents[2] / "docs" / "vllm.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_scenario_of_page_has_no_mistake_and_its_examples_hold(block: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    sources = ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)
    assert [str(each) for each in load_scenarios(sources).diagnostics] == []
    assert [(each.name, each.failed) for each in Suite(sources).run("") if not each.passed] == []


@pytest.mark.parametrize("path", sorted({route.path for route in PROVIDER.routes} - {"/v1/models/{model}"}))
def test_page_names_each_call(path: str) -> None:
    assert path in TEXT


@pytest.mark.parametrize("name", [name for name, _ in FORM.gauges.values()])
def test_page_names_each_gauge(name: str) -> None:
    assert name in TEXT
