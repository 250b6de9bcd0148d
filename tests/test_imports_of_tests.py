"""The tests that run on each Python need the extra `dev` alone: none of their imports leads to the extra `sdk`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent
SDKS: Final = frozenset((
    "agents", "boto3", "botocore", "cohere", "huggingface_hub", "langchain", "langchain_anthropic", "langchain_aws",
    "langchain_ollama", "langchain_openai", "mistralai", "ollama", "perplexity", "pydantic_ai", "zai",
))  # fmt: skip


def folders() -> list[str]:
    script = (ROOT.parent / "scripts/test").read_text(encoding="utf-8")
    (names,) = re.findall(r"tests/\{([\w,]+)\}", script)
    found: list[str] = names.split(",")
    return found


def imported(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports where it is loaded."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def path_to_sdk(file: Path, seen: set[Path]) -> str | None:
    """Return the files that lead to an SDK; None where none is imported."""
    seen.add(file)
    for name in imported(file):
        first, _, rest = name.partition(".")
        if first in SDKS:
            return f"{file.relative_to(ROOT)} imports {first}"
        path = ROOT.joinpath(*rest.split(".")) if first == "tests" else ROOT
        for each in (path.with_suffix(".py"), path.parent.with_suffix(".py")):
            if first == "tests" and each.exists() and each not in seen:
                further = path_to_sdk(each, seen)
                if further is not None:
                    return f"{file.relative_to(ROOT)} > {further}"
    return None


def test_tests_of_each_python_import_no_sdk_of_the_extra() -> None:
    assert len(folders()) > 10
    files = [file for folder in folders() for file in sorted((ROOT / folder).rglob("test_*.py"))]
    assert len(files) > 500
    assert [found for file in files if (found := path_to_sdk(file, set())) is not None] == []
