"""docs/sessions.md: its files have no mistake and their examples hold, its recipe separates tests of parallel
workers, its headers and options are the real ones."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from mockllm.cli.options import SERVING
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.engine.override_headers import RESTRICTED, SEED_HEADER
from mockllm.engine.session_id import SESSION_HEADER
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources
from mockllm.server.server_limits import ServerLimits, environment_name
from mockllm.testing.example_runner import Suite
from tests.live import live
from tests.testing.inner_runs import apart

TEXT = (Path(__file__).parents[2] / "docs" / "sessions.md").read_text(encoding="utf-8")
(RULES,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
CONFTEST, FAILING = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
TESTS = f"""
import openai
import pytest


@pytest.mark.parametrize("number", range(12))
def test_flaky(client, number):
    client = client.with_options(max_retries=0)
    for _ in range(2):
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="flaky", messages=[{{"role": "user", "content": "hi"}}])
    answer = client.chat.completions.create(model="flaky", messages=[{{"role": "user", "content": "hi"}}])
    assert answer.choices[0].message.content == "third time lucky"


def test_failing(client):
    stream = {FAILING.strip().replace(chr(10), chr(10) + "    ").replace('"gpt-4o"', '"steady"')}
    with pytest.raises(openai.APIConnectionError):
        for _ in stream:
            pass
"""


def test_examples_of_page_pass(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULES, encoding="utf-8")
    known_names = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)
    results = list(Suite(ScenarioSources([str(tmp_path)], known_names=known_names)).run(""))
    assert [(result.name, result.failed) for result in results if not result.passed] == []
    assert len(results) == 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.full
def test_workers_of_pytest_xdist_share_one_server(tmp_path: Path) -> None:
    scenarios, suite = tmp_path / "scenarios", tmp_path / "suite"
    scenarios.mkdir()
    suite.mkdir()
    (scenarios / "a.yaml").write_text(RULES.partition("examples:")[0], encoding="utf-8")
    (scenarios / "b.yaml").write_text(
        "rules: [{match: {model: steady}, reply: one two three}]", encoding="utf-8"
    )
    with live(scenarios, allow_overrides=True) as server:
        (suite / "conftest.py").write_text(
            CONFTEST.replace("http://localhost:8080", server.url), encoding="utf-8"
        )
        (suite / "test_it.py").write_text(TESTS)
        ran = apart(suite, "-q", "-p", "xdist", "-n", "2", "--rootdir", ".")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "13 passed" in ran.stdout


@pytest.mark.parametrize("header", [SESSION_HEADER, SEED_HEADER, *RESTRICTED])
def test_every_header_is_in_it(header: str) -> None:
    assert f"`{header}" in TEXT


def test_options_of_page_have_real_defaults() -> None:
    rows = dict(re.findall(r"^\| `(--[\w-]+)[^`]*` \| (`\w+` \| \w+) \|$", TEXT, re.MULTILINE))
    defaults = {option.name: option.default for option in SERVING}
    defaults |= {field.metadata["option"]: field.default for field in fields(ServerLimits)}
    assert len(rows) == 4
    for name, row in rows.items():
        default = "off" if defaults[name] is False else f"{defaults[name]:g}"
        assert row == f"`{environment_name(name)}` | {default}"
