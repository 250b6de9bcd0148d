"""The retired words of docs/glossary.md are not in the tests, nor in the names and comments of the shipped packs.

Of tests, the names that they define and their prose count. What imitates users, clients and providers does not count:
scenarios, requests and recorded bodies.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from tests.docs.test_retired_words import (
    IN_PROSE,
    PROMISED_NAMES,
    RETIRED_IDENTIFIERS,
    ROOT,
    WRITTEN_BY_TOOLS,
    comments,
    docstrings,
    identifiers,
    words_in_prose,
    words_of,
)

TESTS = ROOT / "tests"
PACKS = ROOT / "scenarios"
PROMISED_RULES = frozenset(
    {
        "asked-tool-call",
        "gemini-stream-sse-without-asking",
        "made",
        "vertex-stream-sse-without-asking",
    }
)
"""Names of shipped rules: users refer to them in their scenarios, examples and requests."""
OTHER_LANGUAGES = frozenset({".go", ".java", ".js", ".mjs", ".ts"})
YAML_COMMENT = re.compile(r"(?m)(?:^|\s)# (.*)$")


@cache
def modules() -> dict[Path, ast.Module]:
    paths = (path for path in sorted(TESTS.rglob("*.py")) if WRITTEN_BY_TOOLS.isdisjoint(path.parts))
    return {path: ast.parse(path.read_bytes()) for path in paths}


@cache
def is_retired(name: str) -> bool:
    return name not in PROMISED_NAMES and not RETIRED_IDENTIFIERS.isdisjoint(words_of(name))


def is_test(name: str) -> bool:
    """The name of a test is a sentence. `test_glossary.py` compares its words with fewer."""
    return name.startswith("test_")


def places_in_prose(path: Path, tree: ast.Module) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    # To find the comments takes long, so only where a text behind a `#` has such a word.
    may_comment = any(IN_PROSE.search(text) for text in re.findall("#.*", source))
    for text in (*docstrings(tree), *(comments(source) if may_comment else ())):
        for word in words_in_prose(text):
            yield f"{path.relative_to(ROOT)}: {word}: {text.strip()}"


@cache
def pack_files() -> dict[str, str]:
    return {str(path.relative_to(PACKS)): path.read_text("utf-8") for path in sorted(PACKS.rglob("*.yaml"))}


def names_in_pack(text: str, *sections: str) -> Iterator[str]:
    document = YAML(typ="safe").load(text) or {}
    for section in sections:
        yield from (entry["name"] for entry in document.get(section) or () if "name" in entry)


def test_identifiers_of_tests_have_no_retired_words() -> None:
    used = {
        f"{path.relative_to(TESTS)}: {name}"
        for path, tree in modules().items()
        for name in identifiers(tree)
        if is_retired(name) and not is_test(name)
    }
    assert used == set(), (
        "name it by the words of docs/glossary.md: `message`, `text` or `content` in place of `said`, `request` or "
        "`fields` in place of `asked`, `values` in place of `given`, `stored` or `cached` in place of `kept`"
    )


def test_modules_of_tests_have_no_retired_words() -> None:
    used = [str(path.relative_to(TESTS)) for path in modules() if is_retired(path.stem.removeprefix("test_"))]
    assert used == [], "name it by the words of docs/glossary.md"


def test_prose_of_tests_has_no_retired_words() -> None:
    places = [place for path, tree in modules().items() for place in places_in_prose(path, tree)]
    assert places == [], "use the words of docs/glossary.md"


def test_scripts_of_tests_have_no_retired_words() -> None:
    """The names of values may be `answer`, as in Python."""
    paths = [path for path in sorted(TESTS.rglob("*")) if path.suffix in OTHER_LANGUAGES]
    used = [
        f"{path.relative_to(TESTS)}: {word}"
        for path in paths
        if WRITTEN_BY_TOOLS.isdisjoint(path.parts)
        for word in words_in_prose(path.read_text(encoding="utf-8"))
        if word not in {"answer", "answers"}
    ]
    assert len(paths) > 20
    assert used == [], "use the words of docs/glossary.md"


def test_comments_of_packs_have_no_retired_words() -> None:
    used = [
        f"{file}: {word}: {comment}"
        for file, text in pack_files().items()
        for comment in YAML_COMMENT.findall(text)
        for word in words_in_prose(comment)
    ]
    assert used == []


def test_examples_of_packs_have_no_retired_words() -> None:
    used = [
        f"{file}: {word}: {name}"
        for file, text in pack_files().items()
        for name in names_in_pack(text, "examples")
        for word in words_in_prose(name)
    ]
    assert used == []


def test_rules_of_packs_have_no_further_retired_words() -> None:
    used = {
        name
        for file, text in pack_files().items()
        for name in (*names_in_pack(text, "rules", "modifiers"), *file.removesuffix(".yaml").split("/"))
        if is_retired(name.replace("-", "_"))
    }
    assert used == PROMISED_RULES, "a new rule has a name of the words of docs/glossary.md"
