"""`Any` is named in annotations only where a value has no type that Python can state."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.test_import_circles import module_files

EXCUSED: Final = {
    "mockllm.cli.option": "each option has its own type",
    "mockllm.cli.options": "some limits are whole numbers",
    "mockllm.core.json.codec": "JSON enters",
    "mockllm.core.regex.translate": "`re` has no types for its parse tree",
    "mockllm.core.rendering.placeholders": "a placeholder passes for a text or a number",
    "mockllm.core.request.divided_bodies": "each name has its own type",
    "mockllm.core.schema_values.normal_schema": "each word has its own type",
    "mockllm.core.templates.compiler": "each method takes its own class of nodes",
    "mockllm.core.values.dynamic": "a copy has the class of its tree",
    "mockllm.dialects.vendors.vendor": "the module of the class imports this one",
    "mockllm.scenario.match_compiler": "each operator has its own type",
    "mockllm.scenario.model_walk": "pydantic has a class for each kind of schema",
    "mockllm.scenario.settings_merge": "each key of a pace has its own type",
    "mockllm.scenario.source_file": "whether a step fits is seen when it is used",
    "mockllm.store.connection": "`hiredis` has no type for replies",
    "mockllm.testing.expectations": "each key has its own type",
    "mockllm.testing.plugin": "pytest does not check keywords of markers",
}
"""The modules that name `Any` in an annotation, with the reason. The list may only become shorter."""


def annotations_in(tree: ast.Module) -> Iterator[ast.expr | None]:
    """Yield the annotations of a module, and the values of its type aliases."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            yield from (node.annotation, node.value if "TypeAlias" in ast.unparse(node.annotation) else None)
        elif isinstance(node, ast.arg):
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.returns


def test_any_is_named_only_where_it_is_excused() -> None:
    sources = {name: path.read_text(encoding="utf-8") for name, path in module_files().items()}
    named = {
        name
        for name, source in sources.items()
        if "Any" in source
        for each in annotations_in(ast.parse(source))
        if each is not None and re.search(r"\bAny\b", ast.unparse(each))
    }
    assert named == {*EXCUSED}
