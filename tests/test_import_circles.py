"""No import circle in the package: imports of modules, of functions and for the type checker all count."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

import mockllm

ROOT: Final = Path(mockllm.__file__).parent

KNOWN_CIRCLES: Final[frozenset[frozenset[str]]] = frozenset()
"""Circles that are still to be removed. The list may only become shorter, and has none of `mockllm.core`."""


def module_files() -> dict[str, Path]:
    """Return the file of each module by the module's name."""
    files = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = (ROOT.name, *path.relative_to(ROOT).with_suffix("").parts)
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def imported_modules(tree: ast.AST, modules: Mapping[str, object]) -> set[str]:
    """Return which of the `modules` a syntax tree imports, at any depth."""
    targets: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for name in node.names:
                submodule = f"{node.module}.{name.name}"
                targets.add(submodule if submodule in modules else str(node.module))
    return targets & modules.keys()


def circles(graph: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """Return the strongly connected components of several modules (Kosaraju's algorithm, without recursion)."""
    reverse: dict[str, set[str]] = {module: set() for module in graph}
    for module, targets in graph.items():
        for target in targets:
            reverse[target].add(module)
    order: list[str] = []
    visited: set[str] = set()
    for start in graph:
        stack = [] if start in visited else [(start, iter(sorted(graph[start])))]
        visited.add(start)
        while stack:
            module, targets_left = stack[-1]
            unvisited = next((target for target in targets_left if target not in visited), None)
            if unvisited is None:
                order.append(module)
                stack.pop()
            else:
                visited.add(unvisited)
                stack.append((unvisited, iter(sorted(graph[unvisited]))))
    components: set[frozenset[str]] = set()
    assigned: set[str] = set()
    for start in reversed(order):
        component, waiting = set(), [start]
        while waiting:
            module = waiting.pop()
            if module not in assigned:
                assigned.add(module)
                component.add(module)
                waiting += reverse[module]
        if len(component) > 1:
            components.add(frozenset(component))
    return components


@pytest.fixture(scope="module")
def import_circles() -> set[frozenset[str]]:
    files = module_files()
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        graph[module] = imported_modules(tree, files) - {module}
    return circles(graph)


def test_package_has_no_import_circle_but_the_known(import_circles: set[frozenset[str]]) -> None:
    """A circle that became smaller is no new one."""
    new = [circle for circle in import_circles if not any(circle <= known for known in KNOWN_CIRCLES)]
    assert [sorted(circle) for circle in new] == []


def test_known_circles_that_are_gone_are_not_listed(import_circles: set[frozenset[str]]) -> None:
    gone = [known for known in KNOWN_CIRCLES if not any(circle <= known for circle in import_circles)]
    assert [sorted(circle) for circle in gone] == []


def test_known_circles_name_no_module_of_core() -> None:
    names = {name for circle in KNOWN_CIRCLES for name in circle}
    assert [name for name in names if name.startswith("mockllm.core")] == []


def test_imported_modules_are_those_of_every_level() -> None:
    source = (
        "import a\nif TYPE_CHECKING:\n    from b import C\nclass K:\n    from c import d\n"
        "def f():\n    import e\n    import os\n"
    )
    modules = dict.fromkeys(("a", "b", "c", "c.d", "e", "f"))
    assert imported_modules(ast.parse(source), modules) == {"a", "b", "c.d", "e"}


def test_circles_lists_circles_of_graph() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert circles(graph) == {frozenset("abc"), frozenset("de")}
