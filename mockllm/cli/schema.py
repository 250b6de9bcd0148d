"""`mockllm schema`: the JSON Schemas of scenario files and packs, to print, to write, to check for drift."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from mockllm.dialects.registry import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.editor_schemas import schemas, written
from mockllm.scenario.vocabulary import Vocabulary

SCHEMAS: Final = "schemas"
"""The folder that they are written to where none is named."""


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("kind", nargs="?", choices=("scenario", "pack"), help="print this schema")
    which.add_argument("--out", type=Path, metavar="DIR", help="write both to this folder (default schemas)")
    which.add_argument("--check", type=Path, metavar="DIR", help="fail if the folder's schemas are not these")


def run(given: argparse.Namespace) -> int:
    if given.kind is not None:
        sys.stdout.write(made()[f"{given.kind}.schema.json"])
        return 0
    if given.check is not None:
        return _check(given.check)
    folder = given.out or Path(SCHEMAS)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)
    return 0


def made() -> dict[str, str]:
    """The schemas as their files hold them, by name."""
    found = schemas(Vocabulary(PROVIDERS, DIALECT_NAMES, APIS))
    return {name: written(schema) for name, schema in found.items()}


def _check(folder: Path) -> int:
    """Whether the files are what would be written."""
    stale = []
    for name, text in made().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
    for path in stale:
        print(f"{path}: out of date; run `mockllm schema --out {folder}`", file=sys.stderr)
    return 1 if stale else 0
