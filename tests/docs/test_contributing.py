"""CONTRIBUTING.md is true: the paths that it names exist, and so do its commands and variables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockllm.cli.main import COMMANDS
from mockllm.core.faults import FAMILIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"\b(?:mockllm|tests|docs|scripts|schemas)/[\w./-]*\w", PAGE)))
VARIABLES = sorted(set(re.findall(r"\bMOCKLLM_\w+", PAGE)))


def test_contributing_names_files() -> None:
    assert len(PATHS) > 20


@pytest.mark.parametrize("path", PATHS)
def test_contributing_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", VARIABLES)
def test_contributing_variable_is_read_by_a_test(name: str) -> None:
    assert any(name in path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))


def test_contributing_commands_exist() -> None:
    assert set(re.findall(r"^mockllm (\w+)", PAGE, re.MULTILINE)) <= set(COMMANDS)


def test_contributing_command_contract_holds() -> None:
    for name in COMMANDS:
        source = (ROOT / "mockllm" / "cli" / f"{'importing' if name == 'import' else name}.py").read_text()
        assert re.search(r"^def arguments\(parser: ", source, re.MULTILINE), name
        assert name == "pack" or re.search(r"^def run\(\w+: ", source, re.MULTILINE), name


def test_pages_name_each_family_of_faults() -> None:
    guide = (ROOT / "docs/adding-a-fault.md").read_text(encoding="utf-8")
    for family in FAMILIES:
        module = family.__name__.replace(".", "/") + ".py"
        assert module in PAGE
        assert f"`{Path(module).name}`" in guide
