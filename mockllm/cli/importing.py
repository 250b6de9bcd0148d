"""`mockllm import`: what other tools have recorded, as scenario files."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mockllm.cli.options import SERVING, BadOption, add, settled, volatile
from mockllm.recordings.atomic_files import file_name, keep
from mockllm.recordings.import_file import ImportFile, NotImported
from mockllm.recordings.importer import KINDS, ImportResult, import_recordings
from mockllm.recordings.scenario_writer import RequestParser

MARK = b"# Imported from "
"""How a file begins that was imported, and may be imported again."""
OPTIONS = tuple(option for option in SERVING if option.key == "hash_ignore")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = f"A file is {KINDS}."
    parser.add_argument("files", metavar="FILE", nargs="*", help="what was recorded; - is the standard input")
    parser.add_argument(
        "--out", metavar="DIR", help="write a scenario file for each FILE there, and print none"
    )
    parser.add_argument("--request", metavar="R.json", help="the request's body, of an answer alone")
    parser.add_argument("--path", metavar="PATH", help="where it was sent to: /v1/chat/completions")
    parser.add_argument(
        "--response", metavar="BODY", help="an answer alone: JSON, SSE text, or what `curl -i` wrote"
    )
    add(parser, OPTIONS)


def run(given: argparse.Namespace) -> int:
    """0 where all was imported, 1 where a file was not, 2 for a mistake of usage."""
    values = settled(given, OPTIONS, os.environ)
    names = [*given.files, *([given.response] if given.response else [])]
    if not names:
        raise BadOption("import: give the files to import, or --request, --path and --response")
    if given.request and len(names) > 1:
        raise BadOption("--request is of one answer, and there are several files")
    request = _material(given.request) if given.request else None
    reader = RequestParser(volatile(values))
    failed = False
    taken: set[str] = set()
    for name in names:
        try:
            found = import_recordings(_material(name), reader, request=request, path=given.path)
        except NotImported as error:
            print(f"mockllm: {error}", file=sys.stderr)
            failed = True
            continue
        for note in found.notes:
            print(f"note: {note}", file=sys.stderr)
        failed = not _told(found, name, given.out, taken) or failed
    return int(failed)


def _told(found: ImportResult, name: str, out: str | None, taken: set[str]) -> bool:
    """Whether it was written."""
    if out is None:
        print(found.text, end="")
        return True
    stem = base = file_name(Path(name).stem if name != "-" else "imported")
    number = 1
    while stem in taken:
        number += 1
        stem = f"{base}-{number}"
    taken.add(stem)
    path = Path(out, f"{stem}.yaml")
    try:
        if path.exists() and not path.read_bytes().startswith(MARK):
            print(
                f"mockllm: {path} is there already, and was not imported: it stays as it is", file=sys.stderr
            )
            return False
        keep(path, found.text)
    except OSError as error:
        print(f"mockllm: {path}: {error.strerror}", file=sys.stderr)
        return False
    print(f"{path}: {found.count} imported", file=sys.stderr)
    return True


def _material(name: str) -> ImportFile:
    if name == "-":
        return ImportFile("standard input", sys.stdin.buffer.read())
    try:
        return ImportFile(name, Path(name).read_bytes())
    except OSError as error:
        raise BadOption(f"{name}: {error.strerror}") from None
