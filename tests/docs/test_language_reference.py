"""docs/language.md: every example is run, and every word of the language is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydantic import BaseModel

from mockllm.core.failure import NAMED
from mockllm.core.faults import FAULTS
from mockllm.core.templates.scope import NAMES
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language import (
    admission,
    batch,
    conditions,
    content,
    error,
    examples,
    match,
    reply,
    rule,
    settings,
)
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.manifest import PackSpec, UseSpec
from mockllm.scenario.pack_params import ParamSpec
from mockllm.testing.example_runner import Suite

TEXT = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def title(block: str) -> str:
    """The heading above a block."""
    above: list[str] = re.findall(r"^## (.+)$", TEXT[: TEXT.index(block)], re.MULTILINE)
    return above[-1]


@pytest.mark.parametrize("block", BLOCKS, ids=[title(block) for block in BLOCKS])
def test_examples_of_page_pass(block: str, tmp_path: Path) -> None:
    for name, source in _files(block):
        (tmp_path / name).write_text(source, encoding="utf-8")
    suite = Suite(ScenarioSources([str(tmp_path)], known_names=KnownNames(PROVIDERS, DIALECT_NAMES, APIS)))
    assert [str(mistake) for mistake in suite.diagnostics] == []
    results = list(suite.run(""))
    assert results
    assert [(result.name, result.failed) for result in results if not result.passed] == []


def _files(block: str) -> Iterable[tuple[str, str]]:
    """The files of a block: one, or as its `# file:` lines part it."""
    first, *rest = re.split(r"^# file: (\S+)\n", block, flags=re.MULTILINE)
    return zip(rest[::2], rest[1::2], strict=True) if rest else [("a.yaml", first)]


WORDS: list[type[BaseModel]] = [
    match.Match,
    match.ToolResultMatch,
    match.MessagesMatch,
    match.MessageMatch,
    conditions.TextOperators,
    conditions.JsonOperators,
    rule.RuleSpec,
    rule.ModifierSpec,
    settings.PaceSpec,
    settings.InputTimeSpec,
    rule.DuringSpec,
    admission.LimitSpec,
    admission.LoadSpec,
    batch.ContinuousBatchSpec,
    batch.PrefillSpec,
    batch.KvCacheSpec,
    reply.ReplySpec,
    reply.PartSpec,
    reply.ToolCallSpec,
    reply.UsageSpec,
    content.TokensText,
    content.SentencesText,
    content.FileText,
    error.ErrorSpec,
    reply.HttpSpec,
    reply.StepSpec,
    reply.BranchSpec,
    examples.ExampleSpec,
    examples.RequestSpec,
    examples.ExpectSpec,
    PackSpec,
    ParamSpec,
    UseSpec,
]


def words() -> Iterable[str]:
    for model in WORDS:
        for name, field in model.model_fields.items():
            yield field.alias or name
    yield from (*NAMED, *FAULTS, *NAMES)


@pytest.mark.parametrize("name", sorted(set(words())))
def test_page_names_every_key(name: str) -> None:
    assert re.search(
        rf"`[^`\n]*\b{re.escape(name)}\b[^`\n]*`|^ *(- )?.*\b{re.escape(name)}:", TEXT, re.MULTILINE
    ), f"describe `{name}` in docs/language.md"
