"""The prose of the pages: spelling, and the length of sentences."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.sentences import MAX_WORDS, long_sentences

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CHANGELOG = ROOT / "CHANGELOG.md"
OTHERS = [CHANGELOG, ROOT / "clients/js/README.md", ROOT / "mockllm/cli/starter/scenarios/README.md"]


def test_pages_have_no_long_sentences() -> None:
    found = {
        str(page.relative_to(ROOT)): long
        for page in (*PAGES, *OTHERS)
        if (long := long_sentences(page.read_text(encoding="utf-8")))
    }
    assert found == {}, f"divide the sentences of more than {MAX_WORDS} words"


def test_words_of_pages_are_spelled_right(tmp_path: Path) -> None:
    """Code is left out: it has words of other languages, and deliberate mistakes."""
    pytest.importorskip("codespell_lib")
    for page in [*PAGES, CHANGELOG]:
        text = re.sub(r"(?ms)^ *```.*?^ *```", "", page.read_text(encoding="utf-8"))
        (tmp_path / page.name).write_text(re.sub(r"`[^`]*`", "", text), encoding="utf-8")
    line = [sys.executable, "-m", "codespell_lib", "."]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr
