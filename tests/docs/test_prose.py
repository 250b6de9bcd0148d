"""The prose of the pages: spelling, and the length of sentences.

`long_sentences_in_pages.json` has the number of sentences above 25 words for each page that had some. It may not
rise; with MOCKLLM_UPDATE_RATCHET=1 the test stores lower numbers.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = ("errors.md", "faults.md")
MAX_WORDS = 25
STORED = Path(__file__).parent / "long_sentences_in_pages.json"


def sentences(text: str) -> list[str]:
    """Return the sentences of paragraphs and lists; a table's cells, headings and code have none."""
    text = re.sub(r"(?ms)^ *```.*?^ *```|<!--.*?-->", "", text)
    text = re.sub(r"(?m)^(?:\||#).*$", "", text)
    text = re.sub(r"`[^`]*`", "code", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text))
    paragraphs = re.split(r"\n\s*\n|\n(?= *(?:[-*]|\d+\.) )", text)
    return [part for each in paragraphs for part in re.split(r"(?<=[.?!:;])\s+(?=\S)", each.strip()) if part]


def long_sentences(text: str) -> list[str]:
    return [
        " ".join(each.split()) for each in sentences(text) if len(re.findall(r"[\w'’-]+", each)) > MAX_WORDS
    ]


def test_sentence_ends_at_stops_and_items() -> None:
    assert sentences("One. Two `a. b`?\n\n- three\n- four: five\n\n| not. this |\n") == [
        "One.", "Two code?", "- three", "- four:", "five",
    ]  # fmt: skip
    assert long_sentences("word " * 26) == [("word " * 26).strip()]
    assert long_sentences("word " * 25) == []


def test_pages_get_no_more_long_sentences() -> None:
    stored: dict[str, int] = json.loads(STORED.read_text(encoding="utf-8"))
    found = {
        page.name: long_sentences(page.read_text(encoding="utf-8"))
        for page in PAGES
        if page.name not in GENERATED
    }
    if os.environ.get("MOCKLLM_UPDATE_RATCHET"):
        stored = {name: min(count, len(found.get(name, []))) for name, count in stored.items()}
        STORED.write_text(
            json.dumps({name: count for name, count in stored.items() if count}, indent=2) + "\n"
        )
    risen = {name: each for name, each in found.items() if len(each) > stored.get(name, 0)}
    assert risen == {}, f"divide the sentences of more than {MAX_WORDS} words"


def test_words_of_pages_are_spelled_right(tmp_path: Path) -> None:
    """Code is left out: it has words of other languages, and deliberate mistakes."""
    pytest.importorskip("codespell_lib")
    for page in [*PAGES, ROOT / "CHANGELOG.md"]:
        text = re.sub(r"(?ms)^ *```.*?^ *```", "", page.read_text(encoding="utf-8"))
        (tmp_path / page.name).write_text(re.sub(r"`[^`]*`", "", text), encoding="utf-8")
    line = [sys.executable, "-m", "codespell_lib", "."]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr
