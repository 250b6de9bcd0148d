"""`mockllm schema`: print, write or check the JSON Schemas of scenario files and packs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.editor_schemas import schema_text, schemas
from mockllm.scenario.known_names import KnownNames

SCHEMAS: Final = "schemas"
"""The default folder."""


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("kind", nargs="?", choices=("scenario", "pack"), help="print this schema")
    which.add_argument("--out", type=Path, metavar="DIR", help="write both to this folder (default schemas)")
    which.add_argument("--check", type=Path, metavar="DIR", help="fail if the schemas in this folder differ")


def run(args: argparse.Namespace) -> int:
    if args.kind is not None:
        sys.stdout.write(schema_files()[f"{args.kind}.schema.json"])
        return 0
    if args.check is not None:
        return _check(args.check)
    folder = args.out or Path(SCHEMAS)
    for name, text in schema_files().items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            print(f"mockllm: {folder / name}: {error.strerror}", file=sys.stderr)
            return 1
        print(folder / name)
    return 0


@cache
def schema_files() -> Mapping[str, str]:
    """Return the text of each schema by its file name."""
    found = schemas(KnownNames(PROVIDERS, DIALECT_NAMES, APIS))
    return {name: schema_text(schema) for name, schema in found.items()}


def _check(folder: Path) -> int:
    """Return 0 if the files in the folder are up to date, else 1."""
    paths = {folder / name: text for name, text in schema_files().items()}
    stale = [path for path, text in paths.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{path}: out of date; run `mockllm schema --out {folder}`", file=sys.stderr)
    return 1 if stale else 0
