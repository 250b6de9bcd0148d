"""docs/anthropic.md: its files have no mistake, their examples hold, its program runs, and it names each route."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockllm.dialects.anthropic.provider import PROVIDER
from mockllm.dialects.anthropic.server_tools import SUPPORTED
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.testing.example_runner import Suite
from tests.live import live as serve

TEXT = (Path(__file__).parents[2] / "docs" / "anthropic.md").read_text(encoding="utf-8")
KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("block", blocks("yaml"), ids=range(len(blocks("yaml"))))
def test_scenario_of_page_has_no_mistake_and_its_examples_hold(block: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    sources = ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)
    assert [str(each) for each in load_scenarios(sources).diagnostics] == []
    assert [(each.name, each.failed) for each in Suite(sources).run("") if not each.passed] == []


def test_page_names_every_route_of_models() -> None:
    for route in PROVIDER.routes:
        if route.call.id not in ("messages", "count_tokens", "complete", "models"):
            continue  # batches and files have a page of their own
        assert f"`{route.method} {route.path}`" in TEXT or f"`{route.path}`" in TEXT


def test_page_names_every_server_tool() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert set(rows) == SUPPORTED


def test_program_of_page_gets_response(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("python")
    file = tmp_path / "hello.yaml"
    file.write_text("mockllm: 1\nrules: [{match: {provider: azure}, reply: Hello there.}]\n")
    with serve(file) as server:
        names: dict[str, object] = {}
        exec(block.replace("http://localhost:8080", server.url), names)
        names["client"].close()  # type: ignore[attr-defined]
    assert capsys.readouterr().out == "Hello there.\n"
