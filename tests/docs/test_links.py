"""Every link between the pages leads to a page, a picture or a heading, and every page is found from the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
INDEX = ROOT / "docs" / "index.md"
PAGES = sorted([README, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md")])


def links(page: Path) -> list[str]:
    return re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The headings as GitHub names them."""
    text = re.sub(r"(?ms)^ *```.*?^ *```", "", page.read_text(encoding="utf-8"))
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_page_have_targets(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_navigation() -> None:
    navigation = re.findall(
        r"(?m)^ +- (?:[^:\n]+: )?(\S+\.md)$", (ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8")
    )
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    missing = sorted(pages - set(navigation))
    assert not missing, f"add {missing} below `nav` in docs/mkdocs.yml, and to the table of docs/index.md"
    assert sorted(navigation) == sorted(set(navigation)), "a page is there twice"
    assert set(navigation) - pages <= {"a-z.md", "changes.md", "contributing.md", "adr/index.md"}, (
        "no such page"
    )


def test_every_page_is_linked_from_the_index() -> None:
    linked = {(INDEX.parent / link.partition("#")[0]).resolve() for link in links(INDEX)}
    pages = {page for page in PAGES if page not in (README, INDEX) and page.parent.name != "adr"}
    assert pages - linked == set()
    assert ROOT / "docs" / "adr" in linked


def test_readme_links_the_index_and_most_used_pages() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(README)}
    names = ("index", "tutorial", "language", "clients", "testing", "architecture", "glossary")
    assert {ROOT / "docs" / f"{name}.md" for name in names} <= linked
