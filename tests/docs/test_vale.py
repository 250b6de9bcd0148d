"""The rules of prose for Vale: what they report, and that the pages hold them. `scripts/prose.py` builds Vale."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
VALE = ROOT / ".venv" / "vale" / "vale"
CONFIG = ROOT / "prose" / "vale.ini"

needs_vale = pytest.mark.skipif(not VALE.exists(), reason="scripts/docs builds Vale where Go is installed")


def alerts(*pages: Path, level: str = "error") -> list[dict[str, Any]]:
    line = [
        str(VALE),
        "--config",
        str(CONFIG),
        "--output",
        "JSON",
        "--minAlertLevel",
        level,
        *map(str, pages),
    ]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return [alert for page in found.values() for alert in page]


def test_accepted_words_are_sorted_and_unique() -> None:
    words = (ROOT / "prose/styles/config/vocabularies/Mockllm/accept.txt").read_text("utf-8").splitlines()
    plain = [re.sub(r"\[(\w)\w\]", r"\1", word.replace("(?:'s)?", "")).lower() for word in words]
    assert plain == sorted(plain)
    assert len(set(words)) == len(words)


@needs_vale
def test_mistakes_are_reported_by_rule(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\nThe server told a clint. It was stopped. {'Word ' * 30}.\n")
    found = Counter(alert["Check"] for alert in alerts(page, level="suggestion"))
    rules = ("RetiredWords", "Spelling", "Passive", "SentenceLength")
    assert found == {f"Mockllm.{rule}": 1 for rule in rules}


@needs_vale
@pytest.mark.full
def test_pages_have_no_mistakes() -> None:
    pages = map(
        Path, ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs")
    )  # as the sections of vale.ini name them
    assert [(alert["Line"], alert["Message"]) for alert in alerts(*pages)] == []
