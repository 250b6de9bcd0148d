"""docs/gemini.md: its files have no mistake, their examples hold, its Python runs, and it names each route."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockllm.dialects.gemini.live.session import HANDLERS
from mockllm.dialects.google.provider import GEMINI
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.testing.example_runner import Suite
from tests.live import live
from tests.process import serving

TEXT = (Path(__file__).parents[2] / "docs" / "gemini.md").read_text(encoding="utf-8")
SCENARIOS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
CODE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)


@pytest.mark.parametrize("block", SCENARIOS, ids=range(len(SCENARIOS)))
def test_scenario_of_page_has_no_mistake_and_its_examples_hold(block: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    sources = ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)
    assert [str(each) for each in load_scenarios(sources).diagnostics] == []
    assert [(each.name, each.failed) for each in Suite(sources).run("") if not each.passed] == []


def test_python_of_page_prints_the_reply_and_its_cached_tokens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(SCENARIOS[0], encoding="utf-8")
    with live(file) as server:
        exec(CODE[0].replace("http://localhost:8080", server.url), {})
    text, tokens = capsys.readouterr().out.split()
    assert (text, int(tokens) > 5) == ("Arr.", True)


def test_python_of_file_search_prints_the_text_of_a_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(next(text for text in SCENARIOS if "fileSearch" in text), encoding="utf-8")
    with live(file) as server:
        code = next(text for text in CODE if "file_search_stores" in text)
        exec(code.replace("http://localhost:8080", server.url), {})
    assert capsys.readouterr().out == "The tower is in Paris.\n"


@pytest.mark.parametrize("message", [name for name in HANDLERS if name != "realtimeInput"])
def test_page_names_each_message_of_a_live_client(message: str) -> None:
    assert f"| `{message}` |" in TEXT


def test_python_of_live_prints_the_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(next(text for text in SCENARIOS if "transcripts" in text))
    with (
        serving("--tls-self-signed", cwd=tmp_path, MOCKLLM_TLS_DIR=str(tmp_path)) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        code = next(text for text in CODE if "live.connect" in text)
        exec(code.replace("localhost:8080", f"localhost:{server.port}"), {})
    assert capsys.readouterr().out == "It is sunny."


def test_page_names_every_call_of_gemini() -> None:
    for route in GEMINI.routes:
        if "openai" not in route.path:
            call = route.path.rpartition("/")[2].rpartition(":")[2].strip("()").split("|")
            assert all(f"{name}`" in TEXT or f"{{{name}" in TEXT for name in call if "{" not in name), route
