"""Each module, file or package that the architecture page or a decision names by its path is in the repository."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.test_retired_words import WRITTEN_BY_TOOLS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mockllm"
PAGES = [ROOT / "docs" / "architecture.md", *sorted((ROOT / "docs" / "adr").glob("*.md"))]
PATH = re.compile(r"`((?:\w+/)*\w+\.(?:py|lua|json|ini|ts|tsx|yml)|(?:\w+/)+\w+)`")
"""A file, or a folder in another one."""


@cache
def file_names() -> frozenset[str]:
    """The names of the modules, by which pages name some without their folders."""
    return frozenset(
        path.name
        for folder in ("docs", "mockllm", "scripts", "tests")
        for path in (ROOT / folder).rglob("*.*")
        if WRITTEN_BY_TOOLS.isdisjoint(path.parts)
    )


def is_there(path: str) -> bool:
    if "/" not in path:
        return path in file_names()
    return (ROOT / path).exists() or (PACKAGE / path).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_module_paths_of_page_exist(page: Path) -> None:
    paths = PATH.findall(page.read_text(encoding="utf-8"))
    assert [path for path in paths if not is_there(path)] == [], "a module has another name, or is no more"


def test_missing_modules_are_found() -> None:
    text = "`server/wire.py` of `core/claims`, `heads.py`, `server/player.py`, `player.py`, `scripts/docs`"
    assert [path for path in PATH.findall(text) if not is_there(path)] == [
        "server/wire.py",
        "core/claims",
        "heads.py",
    ]
