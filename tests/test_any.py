"""`Any` is named in annotations only where JSON enters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.test_import_circles import module_files

JSON: Final = "mockllm.core.json.codec"
"""The module of the type `Json`."""


def annotations_in(tree: ast.Module) -> Iterator[ast.expr | None]:
    """Yield the annotations of a module, the values of its type aliases, and the types of its casts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            yield from (node.annotation, node.value if "TypeAlias" in ast.unparse(node.annotation) else None)
        elif isinstance(node, ast.arg):
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.returns
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "cast":
            yield node.args[0]


def test_any_is_named_only_where_json_enters() -> None:
    sources = {name: path.read_text(encoding="utf-8") for name, path in module_files().items()}
    named = {
        name
        for name, source in sources.items()
        if "Any" in source
        for each in annotations_in(ast.parse(source))
        if each is not None and re.search(r"\bAny\b", ast.unparse(each))
    }
    assert named == {JSON}
