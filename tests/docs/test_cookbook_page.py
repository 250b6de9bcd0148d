"""docs/cookbook.md: it has the entries of `mockllm cookbook`."""

from __future__ import annotations

import os
from pathlib import Path

from mockllm.cli.recipes import CHAPTERS, CookbookEntry, cookbook

FILE = Path(__file__).parents[2] / "docs/cookbook.md"
BEGIN, END = "<!-- made from mockllm/cli/recipes -->\n", "<!-- end -->"


def page_entries() -> str:
    parts = []
    for chapter, found in cookbook().items():
        parts += [f"## {CHAPTERS[chapter]}\n", *map(page_entry, found)]
    return "\n" + "\n".join(parts) + "\n"


def page_entry(entry: CookbookEntry) -> str:
    calls = ", ".join(f"`{call}`" for call in dict.fromkeys(call.partition(" ")[0] for call in entry.sent))
    return (
        f"### {entry.symptom}\n\n`{entry.name}` ([source]({entry.source})), tested with {calls}.\n\n"
        f"```yaml\n{entry.scenario.rstrip()}\n```\n"
    )


def test_page_has_all_entries() -> None:
    """MOCKLLM_UPDATE_DOCS=1 writes it anew; look at the diff before it is committed."""
    page = FILE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    documented, _, behind = rest.partition(END)
    if os.environ.get("MOCKLLM_UPDATE_DOCS"):
        FILE.write_text(before + BEGIN + page_entries() + END + behind, encoding="utf-8")
        documented = page_entries()
    assert documented == page_entries()
