"""Modules with pydantic models evaluate their annotations at once.

pydantic compiles and evaluates the text of each postponed annotation: for all models a twentieth of a start.
"""

from __future__ import annotations

import ast

from tests.test_import_circles import module_files

BASES = {"BaseModel", "StrictModel", "Spec", "NullableSpec", "Fault", "ControlModel"}
"""The base classes of models."""


def has_models(tree: ast.Module) -> bool:
    """Return whether a module defines a model by one of the base classes."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return any(ast.unparse(base) in BASES for each in classes for base in each.bases)


def test_modules_with_models_postpone_no_annotation() -> None:
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in module_files().items()}
    with_models = {name: tree for name, tree in trees.items() if has_models(tree)}
    assert len(with_models) > 40
    postponed = {
        name
        for name, tree in with_models.items()
        if any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    }
    assert postponed == set()
