"""Turns the Markdown of this repository into the pages of the documentation site.

The pages in docs are written for a reader of the repository. Some of them link to files outside of docs, and lists
may follow a paragraph without an empty line. The site has its own copy, in which both are changed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
OUTSIDE = {"CHANGELOG.md": "changes.md", "CONTRIBUTING.md": "contributing.md"}
"""Files beside docs that become pages, and the names of the pages."""
README_SECTIONS = {"install": "install.md", "": "index.md"}
"""Where a link to README leads on the site."""
FENCE = re.compile(r"(?ms)^( *)(```+).*?^\1\2 *$")
LINK = re.compile(r"(\[[^\]]*\])\(([^)\s]+)\)")
ITEM = re.compile(r"( *)(?:[-*]|\d+\.) ")
LEFT_OUT = re.compile(r"\d+\. |Where to go$")
"""Headings of tutorials that the index leaves out."""
GENERATED = ("a-z.md", "changes.md", "contributing.md", "adr/index.md")
"""Pages that are only on the site."""


class MissingDiagram(Exception):
    """A Mermaid diagram has no picture, or the picture of an earlier version."""


def write_pages(target: Path) -> None:
    """Write all pages and pictures to a folder. Raises MissingDiagram."""
    shutil.copytree(DOCS, target, ignore=shutil.ignore_patterns("*.md", "*.yml"))
    (target / "assets/icon.svg").write_bytes((ROOT / "mockllm/dashboard/src/icon.svg").read_bytes())
    pages = {path.relative_to(DOCS).as_posix(): path for path in sorted(DOCS.rglob("*.md"))}
    pages |= {name: ROOT / outside for outside, name in OUTSIDE.items()}
    texts = {name: site_text(path.read_text(encoding="utf-8"), name) for name, path in pages.items()}
    texts["adr/index.md"] = decisions(texts)
    texts["a-z.md"] = alphabetical_index(texts)
    for name, text in texts.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text, encoding="utf-8")


def site_text(text: str, name: str) -> str:
    """Return a page's text for the site: links, lists and diagrams changed, code blocks as they are."""
    parts, end = [], 0
    for block in FENCE.finditer(text):
        parts += [prose(text[end : block.start()], name), diagram(block[0])]
        end = block.end()
    return "".join([*parts, prose(text[end:], name)])


def prose(text: str, name: str) -> str:
    folder = "docs" if name not in OUTSIDE.values() else ""
    here = (Path(folder) / name).parent.as_posix() if folder else ""

    def link(match: re.Match[str]) -> str:
        return match[1] + f"({target})" if (target := site_link(match[2], here)) else match[1][1:-1]

    return separate_lists(LINK.sub(link, text))


def site_link(link: str, folder: str) -> str | None:
    """Return a link of a page in a folder of the repository as the site has it; None for a file that is no page."""
    if re.match(r"[a-z]+:|#", link):
        return link
    path, _, anchor = link.partition("#")
    parts: list[str] = []
    for part in [*folder.split("/"), *path.split("/")]:
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    place = "/".join(parts)
    up = "../" if folder == "docs/adr" else ""
    if place == "README.md":
        return up + README_SECTIONS.get(anchor, README_SECTIONS[""])
    if place in OUTSIDE:
        return up + OUTSIDE[place] + (f"#{anchor}" if anchor else "")
    if place == "docs/adr":
        return up + "adr/index.md"
    if parts[:1] == ["docs"]:
        return up + "/".join(parts[1:]) + (f"#{anchor}" if anchor else "")
    return None


def separate_lists(text: str) -> str:
    """Insert the empty line that Python's Markdown needs between a paragraph and a list."""
    lines: list[str] = []
    for line in text.split("\n"):
        before = lines[-1] if lines else ""
        starts = ITEM.match(line) and before.strip() and not before.startswith((" ", "|", "#"))
        if starts and not ITEM.match(before):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def diagram(block: str) -> str:
    """Return a Mermaid diagram as the picture of its source: the site has no script from another host to draw it."""
    if not block.startswith("```mermaid"):
        return block
    name = diagram_name(block)
    if not (DOCS / "assets" / name).is_file():
        raise MissingDiagram(f"docs/assets/{name} is missing: `scripts/diagrams` draws it")
    return f"![Diagram: the text below describes it](assets/{name})"


def diagram_name(block: str) -> str:
    return f"diagram-{sha256(block.encode()).hexdigest()[:12]}.svg"


def title(text: str) -> str:
    found = re.search(r"(?m)^# (.+)$", text)
    return found[1] if found else ""


def decisions(texts: dict[str, str]) -> str:
    rows = [
        f"- [{title(text)}]({name.removeprefix('adr/')})"
        for name, text in sorted(texts.items())
        if name.startswith("adr/")
    ]
    head = "# Decisions\n\nEach record has a decision about mockllm's design, its reasons, and what was rejected.\n\n"
    return head + "\n".join(rows) + "\n"


def alphabetical_index(texts: dict[str, str]) -> str:
    """Return a page with every heading, and every code word that begins a row of a table, from A to Z."""
    found: dict[str, dict[str, str]] = {}
    for name, text in texts.items():
        if not name.startswith(("adr/", "changes", "contributing")):
            for term, anchor in terms(text):
                places = found.setdefault(term, {})
                places.setdefault(name, f"[{title(text)}]({name}{anchor})")
    lines = ["# Index from A to Z", "", "Headings of these pages, and the words of their tables.", ""]
    letter = ""
    for term in sorted(found, key=lambda term: (sort_key(term), term)):
        first = sort_key(term)[:1].upper()
        first = first if first.isascii() and first.isalpha() else "0–9"
        if first != letter:
            letter = first
            lines += ["", f"## {letter}", ""]
        lines.append(f"- {term}: {', '.join(found[term].values())}")
    return "\n".join(lines) + "\n"


def sort_key(term: str) -> str:
    """Return the letters and digits by which the index sorts: without an article."""
    return re.sub(r"^(?:an?|the) ", "", re.sub(r"[^a-z0-9]+", " ", term.lower()).strip())


def terms(text: str) -> Iterator[tuple[str, str]]:
    """Yield what the index lists of a page, each with the anchor of its section."""
    anchor = ""
    for line in FENCE.sub("", text).splitlines():
        if heading := re.match(r"(#{1,3}) (.+)$", line):
            anchor = "" if len(heading[1]) == 1 else "#" + slug(heading[2])
            words = LINK.sub(lambda match: match[1][1:-1], heading[2])
            if sort_key(words) and not LEFT_OUT.match(words):
                yield words, anchor
        elif (row := re.match(r"\| (`[^`|]{2,40}`) \|", line)) and sort_key(row[1]):
            yield row[1], anchor


def slug(heading: str) -> str:
    """Return the anchor of a heading as Python's Markdown makes it."""
    words = re.sub(r"[^\w\s-]", "", LINK.sub(lambda match: match[1], heading)).strip().lower()
    return re.sub(r"[-\s]+", "-", words)
