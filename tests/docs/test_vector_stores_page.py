"""docs/vector-stores.md: its file has no mistake, its program runs; it names each route, api and bound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mockllm.core.text_search import MAX_WORDS
from mockllm.dialects.openai.responses.file_search import MAX_STORES
from mockllm.dialects.openai.vector_stores.added_files import EXTENSIONS, MAX_FILES
from mockllm.dialects.openai.vector_stores.filters import MAX_FILTERS, MAX_VALUES
from mockllm.dialects.openai.vector_stores.retrieval import MAX_RESULTS
from mockllm.dialects.openai.vector_stores.search import MAX_QUERIES, MAX_QUERY
from mockllm.dialects.openai.vector_stores.served_calls import SERVED
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from tests.dialects.openai.vector_stores.store_requests import file, files_in, send, store
from tests.language.virtual_server import VirtualServer
from tests.live import live

TEXT = (Path(__file__).parents[2] / "docs" / "vector-stores.md").read_text(encoding="utf-8")
BLOCK, TOOL = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("block", [BLOCK, TOOL])
def test_scenario_of_page_has_no_mistake(tmp_path: Path, block: str) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    sources = ScenarioSources([str(tmp_path)], known_names=KnownNames(PROVIDERS, DIALECT_NAMES, APIS))
    assert [str(each) for each in load_scenarios(sources).diagnostics] == []


def test_scenario_of_page_does_what_it_says() -> None:
    server = VirtualServer(BLOCK)
    id = store(server)
    found = send(server, f"/{id}/search", {"query": "my refund"}).json["data"]
    assert found[0]["filename"] == "policy.pdf"
    for attributes in ({"kind": "broken"}, {"slow": True}):
        send(server, f"/{id}/files", {"file_id": file(server), "attributes": attributes})
    assert [each["status"] for each in files_in(server, id, after=29)] == ["failed", "in_progress"]


def test_programs_of_page_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(BLOCK, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(TOOL, encoding="utf-8")
    with live(tmp_path) as server:
        names: dict[str, Any] = {}
        exec("\n".join(PROGRAMS).replace("http://localhost:8080", server.url), names)
    assert capsys.readouterr().out.endswith(
        "paris.txt 0.75 The tower is in Paris.\nThe tower is in Paris.\nparis.txt\n"
    )


@pytest.mark.parametrize("path", [path for _, path, _, _ in SERVED])
def test_page_names_each_route(path: str) -> None:
    assert f"/{re.sub(r'{.*?}', '{id}', path)}`" in TEXT


def test_page_names_each_api_and_bound() -> None:
    assert all(f"| `{call.api}` |" in TEXT for _, _, _, call in SERVED)
    for bound in (
        MAX_FILES,
        MAX_FILTERS,
        MAX_VALUES,
        MAX_WORDS,
        MAX_QUERIES,
        MAX_QUERY,
        MAX_RESULTS,
        MAX_STORES,
    ):
        assert f" {bound:,} " in TEXT
    assert not {"png", "csv"} & EXTENSIONS
