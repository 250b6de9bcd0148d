"""Words that docs/glossary.md replaced, counted per package: in prose, in names, and in the pages.

Prose is docstrings, comments and help texts; of the command line all messages. Text in backticks is code and does not
count, nor do the texts that imitate a provider. Tests and packs: `test_retired_words_in_tests.py`.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.docs.ratchet import check_ratchet

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mockllm"
LIST = ROOT / "prose" / "styles" / "Mockllm" / "RetiredWords.yml"
"""Vale reads the same list for the pages."""
RETIRED = re.findall(r"(?m)^  - (.+)$", LIST.read_text("utf-8"))
WORDS = [term for term in RETIRED if " " not in term]
PHRASES = tuple(term for term in RETIRED if " " in term)
IN_PROSE = re.compile(rf"\b(?:{'|'.join((*WORDS, *PHRASES))})\b", re.IGNORECASE)
JOINED = re.compile(r'"\s*\n\s*[rf]?"')
"""Where one text goes on in the next line."""
IN_NAMES = frozenset(WORDS) - {"answer", "answers", "score", "scores"}
"""`answer` and `score` are also fields of providers and promised names."""
RETIRED_IDENTIFIERS = IN_NAMES | {
    "drawn", "facts", "lasting", "lease", "leases", "loading", "made", "memorable", "recall", "recalled", "settle",
    "stamp", "tallied", "tally", "tended", "whole_answer",
}  # fmt: skip
"""Words that no name of the package may have, be it of a class, a function, a parameter, a variable or a field."""
PROMISED_NAMES = frozenset(
    {
        "DrawnNumber",
        "VerdictGiven",
        "ca_loading_skipped",
        "connection_made",
        "drawn",
        "kept",
        "rule_of_conduct",
    }
)
"""Names of JSON keys and components that users know, of asyncio and of the language; drawn numbers are statistics."""
MISTAKES_OF_OTHER_KINDS = frozenset(
    {
        "core/faults/meaning_tool_calls.py",
        "core/hunting/outcome.py",
        "dialects/path_hints.py",
        "hunting/pytest_hunt.py",
        "scenario/yaml_errors.py",
        "server/engine_builder.py",
        "testing/plugin.py",
    }
)
"""The modules with a name `mistake` that is no diagnostic: it is of a model, a program, a path, a marker or a line of
YAML. `Broken.mistakes` is promised."""
HELP = frozenset({"help", "description", "epilog", "summary", "title"})
MESSAGES = ("cli",)
"""Packages all of whose strings are read by users."""
OTHER_SOURCES = {
    "benchmarks": ("*.py",),
    "clients/go": ("*.go",),
    "clients/java/src": ("*.java",),
    "clients/js/src": ("*.ts",),
    "deploy": ("*",),
    "mockllm/dashboard/src": ("*.css", "*.ts", "*.tsx"),
    "scripts": ("*",),
}
"""The files outside of the package's modules, by folder. All of their words count.

In `deploy`, `kept` stays: it is the name of a volume, which a new name would leave behind with the token in it.
"""
WRITTEN_BY_TOOLS = frozenset({"node_modules", "__pycache__", "generated"})
"""Folders that are not in a clone, but there after a build."""


def packages() -> list[str]:
    return sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())


def docstrings(tree: ast.AST) -> Iterator[str]:
    """Also those that follow a constant or a field."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.value


def help_texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in HELP:
            yield from strings(node.value)


def strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def comments(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def words_in_prose(text: str) -> list[str]:
    return IN_PROSE.findall(re.sub(r"`[^`]*`", "", text))


def count_in_prose(text: str) -> int:
    return len(words_in_prose(text))


def public_names(tree: ast.Module) -> Iterator[str]:
    """The names of classes, functions, methods and module constants that begin with a letter."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def identifiers(tree: ast.Module) -> Iterator[str]:
    """The names that a module defines: classes, functions, parameters, variables, fields, and those after `as`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def words_of(name: str) -> list[str]:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")


@cache
def names() -> dict[Path, tuple[list[str], frozenset[str]]]:
    """The public names and the identifiers of each module."""
    trees = ((path, ast.parse(path.read_bytes())) for path in sorted(PACKAGE.rglob("*.py")))
    return {path: ([*public_names(tree)], frozenset(identifiers(tree))) for path, tree in trees}


def count_in_name(name: str) -> int:
    return 0 if name.startswith("_") else sum(term in IN_NAMES for term in words_of(name))


def places_in_prose(package: str) -> Iterator[str]:
    """The retired words of a package's prose, with their files and the lines of text around them."""
    for path in sorted((PACKAGE / package).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if IN_PROSE.search(JOINED.sub("", source)) is None:
            continue  # most files: to find their comments takes long
        tree = ast.parse(source)
        texts = strings(tree) if package in MESSAGES else [*docstrings(tree), *help_texts(tree)]
        for text in (*texts, *comments(source)):
            for word in words_in_prose(text):
                line = next((line for line in text.splitlines() if word in line), word)
                yield f"{path.relative_to(ROOT)}: {word}: {line.strip()}"


def page_counts() -> Counter[str]:
    docs = ROOT / "docs"
    pages = [ROOT / "README.md", *sorted(docs.glob("*.md")), *sorted((docs / "adr").glob("*.md"))]
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    prose = {name: re.sub(r"(?ms)^ *```.*?^ *```", "", text) for name, text in texts.items()}
    return Counter(f"{name}: {word}" for name, text in prose.items() for word in words_in_prose(text))


def other_count(folder: str) -> int:
    paths = {path for pattern in OTHER_SOURCES[folder] for path in (ROOT / folder).rglob(pattern)}
    files = [path for path in paths if path.is_file() and WRITTEN_BY_TOOLS.isdisjoint(path.parts)]
    return sum(count_in_prose(path.read_text(encoding="utf-8")) for path in files)


def test_count_in_prose_ignores_code_and_parts_of_words() -> None:
    assert count_in_prose("It tells `said` what nobody stands.") == 3
    assert count_in_prose("Standing pieces on its way") == 2


def test_count_in_name_splits_words() -> None:
    assert [count_in_name(name) for name in ("told_wait", "HeardCall", "said_and_told", "_said", "standing")] == [
        1, 1, 2, 0, 0,
    ]  # fmt: skip


def test_retired_words_in_prose_only_become_fewer() -> None:
    places = {package: [*places_in_prose(package)] for package in packages()}
    check_ratchet("retired_words_in_prose", {key: len(found) for key, found in places.items()}, places)


def test_retired_words_in_names_only_become_fewer() -> None:
    counts = Counter(
        {
            package: sum(
                count_in_name(name)
                for path, (public, _) in names().items()
                if PACKAGE / package in path.parents
                for name in public
            )
            for package in packages()
        }
    )
    check_ratchet("retired_words_in_names", counts)


def test_identifiers_have_no_retired_words() -> None:
    used = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path, (_, defined) in names().items()
        for name in defined
        if name not in PROMISED_NAMES and not RETIRED_IDENTIFIERS.isdisjoint(words_of(name))
    }
    assert used == set(), (
        "names of variables, too, use the words of docs/glossary.md; those of "
        f"{LIST.relative_to(ROOT)} and RETIRED_IDENTIFIERS are retired: "
        "`text`, `decoded` or `stated` in place of `said`, `wanted` in place of `asked`"
    )


def test_diagnostics_are_not_named_mistakes() -> None:
    """Users read `mistake`, for an error in their files; in code, that is a `Diagnostic`."""
    used = {
        str(path.relative_to(PACKAGE))
        for path, (_, defined) in names().items()
        if any({"mistake", "mistakes"} & set(words_of(name)) for name in defined)
    }
    assert used == MISTAKES_OF_OTHER_KINDS, "name a `Diagnostic`, and what has some, by this word"


def test_retired_words_in_pages_only_become_fewer() -> None:
    check_ratchet("retired_words_in_pages", page_counts())


def test_retired_words_in_other_sources_only_become_fewer() -> None:
    check_ratchet("retired_words_in_other_sources", {folder: other_count(folder) for folder in OTHER_SOURCES})
