"""Bundled packs use JSONPaths that only the library evaluates: a wildcard, a filter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mockllm.cli
from mockllm.core.json.jsonpath import compile_path
from mockllm.scenario.pack_resolver import bundled_pack
from mockllm.scenario.yaml_reader import read_source

PACK = bundled_pack("request-controls")
STARTER = Path(mockllm.cli.__file__).parent / "starter"


def paths(folder: Path) -> Iterator[str]:
    """Return every JSONPath that can select several nodes, in the files below a folder."""
    for file in sorted(folder.rglob("*.yaml")):
        for key in _keys(read_source(file.read_bytes(), file.name).data):
            if key.startswith("$") and not compile_path(key).singular:
                yield key


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(each)


@pytest.mark.parametrize(
    ("folder", "sign"),
    [(PACK, "[*]"), (PACK, "[?("), (STARTER, "[?(")],
    ids=["wildcard", "filter", "starter"],
)
def test_bundled_packs_use_every_jsonpath_form(folder: Path | None, sign: str) -> None:
    assert folder is not None
    assert any(sign in path for path in paths(folder))
