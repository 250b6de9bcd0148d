"""docs/bedrock.md: its files have no mistake, their examples hold, and each route and each maker is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockllm.dialects.bedrock.invoke_bodies import MAKERS
from mockllm.dialects.bedrock.provider import PROVIDER
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.testing.example_runner import Suite

TEXT = (Path(__file__).parents[2] / "docs" / "bedrock.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_scenario_of_page_has_no_mistake_and_its_examples_hold(block: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    sources = ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)
    assert [str(each) for each in load_scenarios(sources).diagnostics] == []
    assert [(each.name, each.failed) for each in Suite(sources).run("") if not each.passed] == []


def test_page_names_every_route() -> None:
    for route in PROVIDER.routes:
        for call in re.sub(r".*/\(?|\)", "", route.path.replace("/{model}", "/{id}")).split("|"):
            assert f"/{call}`" in TEXT


def test_page_names_every_maker() -> None:
    chat, _, _ = TEXT.partition("Models of embeddings")
    rows = re.findall(r"^\| `(\w+)`", chat, re.MULTILINE)
    assert rows == [part for part, _ in MAKERS]
