"""`mockllm cookbook`: scenarios for known symptoms of clients."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mockllm.cli.recipes import CookbookEntry, entries
from mockllm.scenario.diagnostics import suggestion


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="print the entries that contain all these words; without a word, list all entries",
    )
    parser.add_argument(
        "--write", type=Path, metavar="DIR", help="write the scenario of each found entry to DIR/NAME.yaml"
    )


def run(args: argparse.Namespace) -> int:
    """Return 0 if entries were found, 1 if none was, or if a file to write exists."""
    known = entries()
    found = [entry for entry in known if entry.name in args.words]  # its name alone is enough
    found = found or [entry for entry in known if all(map(entry.mentions, args.words))]
    if not found:
        names = [entry.name for entry in known]
        hint = suggestion(args.words[0], names) if len(args.words) == 1 else ""
        print(
            f"no entry with {' and '.join(args.words)}{hint or '; `mockllm cookbook` lists all'}",
            file=sys.stderr,
        )
        return 1
    if args.write is not None:
        return _write(found, args.write)
    if args.words:
        print("\n\n".join(map(entry_text, found)))
    else:
        width = max(len(entry.name) for entry in found)
        print("\n".join(f"{entry.name:{width}}  {entry.symptom}" for entry in found))
    return 0


def entry_text(entry: CookbookEntry) -> str:
    """Return an entry as the text of a scenario file."""
    calls = ", ".join(dict.fromkeys(call.partition(" ")[0] for call in entry.sent))
    head = f"# {entry.name}: {entry.symptom}\n# source: {entry.source}\n# tested with: {calls}\n"
    return head + entry.scenario.rstrip()


def _write(found: Sequence[CookbookEntry], folder: Path) -> int:
    """Write a file for each entry. Existing files stay."""
    paths = {folder / f"{entry.name}.yaml": entry for entry in found}
    existing = [path for path in paths if path.exists()]
    for path in existing:
        print(f"{path}: exists already; nothing was written", file=sys.stderr)
    if existing:
        return 1
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, entry in paths.items():
            path.write_text(entry_text(entry) + "\n", encoding="utf-8")
            print(path)
    except OSError as error:
        print(f"mockllm: {path}: {error.strerror}", file=sys.stderr)
        return 1
    return 0
