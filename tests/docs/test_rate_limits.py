"""docs/rate-limits.md: every file in it is one without a mistake and its examples hold, every strategy, header and
variable is in it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockllm.core.limits.limit_data import STRATEGIES, BoundStatus, LimitStatus
from mockllm.dialects.provider import Provider
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS, limit_headers
from mockllm.dialects.providers import REGISTERED
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.rule import ModifierSpec
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.testing.example_runner import Suite

TEXT = (Path(__file__).parents[2] / "docs" / "rate-limits.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)


def headings(blocks: list[str]) -> list[str]:
    return [re.findall(r"^## (.+)$", TEXT[: TEXT.index(block)], re.MULTILINE)[-1] for block in blocks]


@pytest.mark.parametrize("block", BLOCKS, ids=headings(BLOCKS))
def test_scenarios_of_page_have_no_diagnostics(block: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    assert [
        str(diagnostic)
        for diagnostic in load_scenarios(
            ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)
        ).diagnostics
    ] == []


@pytest.mark.parametrize("block", BLOCKS, ids=headings(BLOCKS))
def test_examples_of_page_pass(block: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    suite = Suite(ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES))
    results = list(suite.run(""))
    assert results
    assert [(result.name, result.failed) for result in results if not result.passed] == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_is_in_it(strategy: str) -> None:
    assert f"| `{strategy}` |" in TEXT


TELLING = [provider for provider in REGISTERED if provider.limit_headers is not None]


@pytest.mark.parametrize("provider", TELLING, ids=lambda provider: provider.name)
def test_page_names_provider_and_its_headers(provider: Provider) -> None:
    title = provider.title.removesuffix(" OpenAI")
    row = re.search(rf"^\| .*{title}", TEXT, re.MULTILINE)
    assert row, (
        f"add a row for {title} to the table of headers in docs/rate-limits.md, since it has limit_headers"
    )
    gauge = BoundStatus(1, 1, 1.0, 1.0)
    first = limit_headers(provider.name, LimitStatus(gauge, gauge), 0.0)[0][0]
    named = provider.name == "xai" or first in TEXT or first.replace("input-tokens", "requests") in TEXT
    assert named, f"name {first} in the row of {title} in docs/rate-limits.md"


PACK = {
    "pack.yaml": """
        name: limits
        version: "1.0"
        params:
          rate_limit_mode: {type: [fixed-window, fixed_window, after_n], default: fixed_window, env: RATE_LIMIT_MODE}
          rate_limit_requests: {type: integer, default: 10, env: RATE_LIMIT_REQUESTS}
          rate_limit_window_ms: {type: integer, default: 60000, env: RATE_LIMIT_WINDOW_MS}
    """,
    "a.yaml": """
        modifiers:
          - limit:
              strategy: "${rate_limit_mode}"
              requests: "${rate_limit_requests}"
              window: "${rate_limit_window_ms}ms"
    """,
}


def test_limit_accepts_pack_parameters(tmp_path: Path) -> None:
    for name, text in PACK.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    gathered = load_scenarios(ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES))
    assert [str(diagnostic) for diagnostic in gathered.diagnostics] == []
    (entry,) = gathered.entries
    assert isinstance(entry.spec, ModifierSpec)
    assert entry.spec.limit is not None
    limit = entry.spec.limit.limit
    assert (limit.strategy, limit.requests, limit.window) == ("fixed-window", 10, 60.0)
