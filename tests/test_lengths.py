"""Functions of the package have at most 40 lines; its files and those of the tests have at most 400."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import mockllm

ROOT: Final = Path(mockllm.__file__).parent
FILES: Final = sorted(ROOT.rglob("*.py"))
TESTS: Final = Path(__file__).parent
PACKAGES_OF_OTHERS: Final = "node_modules"
MAX_FUNCTION: Final = 40
MAX_FILE: Final = 400


def test_functions_have_at_most_40_lines() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": length
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION
    }
    assert long == {}, f"divide the functions of more than {MAX_FUNCTION} lines"


def test_files_have_at_most_400_lines() -> None:
    tests = [path for path in TESTS.rglob("*.py") if PACKAGES_OF_OTHERS not in path.parts]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (*FILES, *tests)}
    long = {
        f"{path.parent.name}/{path.name}": length for path, length in lengths.items() if length > MAX_FILE
    }
    assert long == {}, f"divide the files of more than {MAX_FILE} lines"
