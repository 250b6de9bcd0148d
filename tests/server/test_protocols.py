"""The names of the server's interfaces, `typing.Protocol`s: the suffix says that a class has the rest of the name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import mockllm

PACKAGE: Final = Path(mockllm.__file__).parent
SUFFIX: Final = "Protocol"


def classes(folder: Path) -> Iterator[ast.ClassDef]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield node


def test_interface_with_the_suffix_has_the_name_of_a_class() -> None:
    names = {node.name for node in classes(PACKAGE)}
    interfaces = {
        node.name
        for node in classes(PACKAGE / "server")
        if any(isinstance(base, ast.Name) and base.id == SUFFIX for base in node.bases)
    }
    suffixed = {name for name in interfaces if name.endswith(SUFFIX)}
    assert interfaces > suffixed >= {"EngineProtocol", "StoreClientProtocol"}
    assert {name.removesuffix(SUFFIX) for name in suffixed} <= names
