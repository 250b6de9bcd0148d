"""docs/glossary.md is short, a class name is used once, and retired names are not used again."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from tests.docs.test_retired_words import IN_NAMES, LIST, WRITTEN_BY_TOOLS, words_of

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mockllm"
TESTS = ROOT / "tests"
DASHBOARD = PACKAGE / "dashboard" / "src"
MAX_TERMS = 45
MAX_TEST_NAME = 60


@cache
def retired_names() -> dict[str, list[str]]:
    names: dict[str, list[str]] = json.loads((TESTS / "docs/retired_names.json").read_text(encoding="utf-8"))
    return names


@cache
def class_names(folder: Path = PACKAGE) -> dict[str, list[str]]:
    """The modules that define a class, by the name of the class."""
    modules: defaultdict[str, list[str]] = defaultdict(list)
    for path in modules_of(folder):
        for name in re.findall(r"(?m)^ *class (\w+)[(:\[]", path.read_text(encoding="utf-8")):
            modules[name].append(str(path.relative_to(folder)))
    return modules


def modules_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.py")) if WRITTEN_BY_TOOLS.isdisjoint(path.parts)]


def glossary_terms() -> list[str]:
    page = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    table = page.partition("## Older names")[0]
    rows = re.findall(r"(?m)^\| (?!term \|)(\w[^|]*) \|", table)
    return [term for row in rows for term in row.split(", ")]


def test_glossary_has_at_most_45_terms() -> None:
    """Rows with two terms count twice."""
    assert 30 < len(glossary_terms()) <= MAX_TERMS


def test_glossary_terms_are_sorted_and_unique() -> None:
    terms = [
        term.lower() for term in glossary_terms() if term not in ("decoder", "vendor")
    ]  # second in their rows
    assert terms == sorted(set(terms))


def test_class_name_is_used_once_in_package() -> None:
    twice = {name: modules for name, modules in class_names().items() if len(modules) > 1}
    assert twice == {}, "put before its name what it belongs to: its provider, its call or its family"


def type_aliases(path: Path) -> set[str]:
    """The public type aliases of a module, with and without `TypeAlias`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            names.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp | ast.Name):
            names.update(ast.unparse(target) for target in node.targets)
    return {name for name in names if re.fullmatch(r"[A-Z][a-z]\w*", name)}


def test_name_of_type_is_used_once_in_package() -> None:
    """A name is a class or a type alias, in one module. Other modules import it."""
    modules = {name: set(modules) for name, modules in class_names().items()}
    aliases: defaultdict[str, set[str]] = defaultdict(set)
    for path in modules_of(PACKAGE):
        for name in type_aliases(path):
            aliases[name].add(str(path.relative_to(PACKAGE)))
    assert len(aliases) > 200
    twice = {
        name: (found, modules.get(name))
        for name, found in aliases.items()
        if name in modules or len(found) > 1
    }
    assert twice == {}, "a name for two things, or a type that is defined twice"


def test_names_in_vocabulary_decision_exist() -> None:
    page = (ROOT / "docs/adr/010-one-vocabulary.md").read_text(encoding="utf-8")
    table = re.findall(r"(?m)^\| [^|]*\| ([^|]*)\|$", page)
    names = {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
    sources = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    used = {word for source in sources for word in re.findall(r"\w+", source)}
    assert len(names) > 30
    assert names - used == set()


@pytest.mark.parametrize("folder", [PACKAGE, TESTS], ids=["package", "tests"])
def test_retired_class_name_is_not_used(folder: Path) -> None:
    used = set(retired_names()["classes"]) & class_names(folder).keys()
    assert {name: class_names(folder)[name] for name in used} == {}, "a retired name: see docs/glossary.md"


def test_retired_class_name_is_not_used_in_dashboard() -> None:
    """Classes, interfaces and types of TypeScript, and components: functions whose names begin with a capital."""
    defined = re.compile(
        r"(?m)^ *(?:export )?(?:default )?(?:abstract )?(?:class|interface|type|enum|function) ([A-Z]\w*)"
    )
    sources = [path for path in sorted(DASHBOARD.glob("*.ts*")) if path.suffix in (".ts", ".tsx")]
    assert len(sources) > 20
    names = [
        (path.name, name) for path in sources for name in defined.findall(path.read_text(encoding="utf-8"))
    ]
    used = [(file, name) for file, name in names if name in retired_names()["classes"]]
    assert used == [], "a retired name: see docs/glossary.md"


@pytest.mark.parametrize("folder", [PACKAGE, TESTS], ids=["package", "tests"])
def test_retired_module_path_is_not_used(folder: Path) -> None:
    """The tests of `cli/main.py` are in `cli/test_main.py`."""
    modules = {path.relative_to(folder) for path in modules_of(folder)}
    unprefixed = {str(path.with_name(path.name.removeprefix("test_"))) for path in modules}
    assert unprefixed.isdisjoint(retired_names()["modules"]), "a retired name: see docs/glossary.md"


@cache
def names_of_tests() -> dict[str, str]:
    """The file of each test, by the name of the test."""
    return {
        name: path.name
        for path in sorted(TESTS.rglob("test_*.py"))
        for name in re.findall(r"(?m)^ *(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"))
    }


def test_names_of_tests_have_at_most_60_characters() -> None:
    assert {name: file for name, file in names_of_tests().items() if len(name) > MAX_TEST_NAME} == {}


def test_names_of_tests_have_no_retired_words() -> None:
    """`spoken` is also a word of speech."""
    retired = IN_NAMES - {"spoken"}
    used = {name: file for name, file in names_of_tests().items() if not retired.isdisjoint(words_of(name))}
    assert used == {}, f"use the words of docs/glossary.md: those of {LIST.name} are retired"
