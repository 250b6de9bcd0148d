"""The documentation site: how pages become the site's, what the build refuses, and a whole build in strict mode."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


PAGES = script("docs_pages")
BUILD = script("build_docs")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build in strict mode: a link without a target fails."""
    pytest.importorskip("zensical")
    folder = tmp_path_factory.mktemp("site")
    BUILD.generate(folder)
    return folder / "site"


@pytest.mark.parametrize(
    ("link", "folder", "expected"),
    [
        ("faults.md#reset", "docs", "faults.md#reset"),
        ("../README.md#install", "docs", "install.md"),
        ("../CHANGELOG.md", "docs", "changes.md"),
        ("../glossary.md", "docs/adr", "../glossary.md"),
        ("docs/adr", "", "adr/index.md"),
        ("../mockllm/core/redaction.py", "docs", None),
        ("https://example.com/a", "docs", "https://example.com/a"),
        ("#here", "docs", "#here"),
    ],
)
def test_link_leads_to_the_page_of_the_site(link: str, folder: str, expected: str | None) -> None:
    assert PAGES.site_link(link, folder) == expected


def test_list_after_paragraph_gets_an_empty_line() -> None:
    assert PAGES.site_text("A:\n- b\n- c\n\n1. d\n", "x.md") == "A:\n\n- b\n- c\n\n1. d\n"


def test_code_is_left_as_it_is() -> None:
    block = "```md\nA:\n- [b](../CHANGELOG.md)\n```"
    assert PAGES.site_text(f"{block}\n", "x.md") == f"{block}\n"


def test_diagram_without_picture_is_refused() -> None:
    with pytest.raises(PAGES.MissingDiagram, match="scripts/diagrams"):
        PAGES.site_text("```mermaid\ngraph TD\n```\n", "x.md")


def test_index_has_headings_and_words_of_tables() -> None:
    index = PAGES.alphabetical_index({"x.md": "# Ducks\n\n## Wild [ones](y.md)\n\n| `drake` | x |\n"})
    assert "## D\n\n- `drake`: [Ducks](x.md#wild-ones)\n- Ducks: [Ducks](x.md)" in index
    assert "- Wild ones: [Ducks](x.md#wild-ones)" in index


def test_broken_link_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("zensical")
    docs = tmp_path / "docs"
    (docs / "assets").mkdir(parents=True)
    (docs / "index.md").write_text("# Home\n\n[gone](gone.md)\n")
    monkeypatch.setattr(PAGES, "write_pages", lambda target: shutil.copytree(docs, target))
    monkeypatch.setattr(BUILD, "CONFIG", tmp_path / "mkdocs.yml")
    (tmp_path / "mkdocs.yml").write_text(
        "site_name: x\nsite_dir: site\ntheme: {name: material, font: false}\n"
    )
    with pytest.raises(BUILD.NotBuilt, match=r"index\.md"):
        BUILD.generate(tmp_path / "work")


def test_wheel_gets_a_reason_where_nothing_can_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BUILD, "SITE", tmp_path / "site")
    monkeypatch.setattr(BUILD, "UNBUILT", tmp_path / "site" / "unbuilt.txt")
    monkeypatch.setattr(BUILD, "CONFIG", tmp_path / "mkdocs.yml")
    monkeypatch.delenv("MOCKLLM_DOCS", raising=False)
    hook = BUILD.BuildHook.__new__(BUILD.BuildHook)
    assert hook.dependencies() == []
    hook.initialize("editable", {})
    assert not BUILD.UNBUILT.exists()
    hook.initialize("standard", {})
    assert BUILD.UNBUILT.read_text() == "this copy has no folder docs\n"
    monkeypatch.setenv("MOCKLLM_DOCS", "required")
    with pytest.raises(BUILD.NotBuilt):
        hook.initialize("standard", {})


def test_site_loads_nothing_from_other_hosts(site: Path) -> None:
    outside = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    assert {page.name: found for page in pages if (found := outside.findall(page.read_text("utf-8")))} == {}


def test_site_has_search_and_every_page(site: Path) -> None:
    assert (site / "search.json").stat().st_size > 100_000
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages <= {page.stem for page in site.glob("*.html")}


def test_links_within_the_site_have_targets(site: Path) -> None:
    """Zensical checks links between pages, and this test the anchors, too."""
    texts = {page: page.read_text("utf-8") for page in site.rglob("*.html") if page.name != "404.html"}
    ids = {page: set(re.findall(r'\bid="?([^\s">]+)', text)) for page, text in texts.items()}
    broken = []
    for page, text in texts.items():
        for link in set(re.findall(r'<a [^>]*href="?([^\s">]+)', text)):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if ":" in path or path.endswith("/") or path in (".", ".."):
                continue
            if not target.exists() or (anchor and target in ids and anchor not in ids[target]):
                broken.append(f"{page.name}: {link}")
    assert broken == []
