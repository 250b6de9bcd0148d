"""`mockllm import`: convert recordings of other tools to scenario files."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mockllm.cli.option import BadOption, add
from mockllm.cli.options import SERVING, option_values, volatile
from mockllm.cli.progress_bar import ProgressBar
from mockllm.cli.sources import read_input
from mockllm.recordings.atomic_files import file_name, write_file
from mockllm.recordings.import_file import ImportFile, NotImported
from mockllm.recordings.importer import KINDS, ImportResult, import_recordings
from mockllm.recordings.scenario_writer import TOO_LARGE, RequestParser
from mockllm.scenario.diagnostics import readable

LARGE: Final = 5_000_000
"""Bytes of a file that is likely to take seconds: a pipe gets a line at once."""
OTHER: Final = "exists with other content, not overwritten; remove it, or choose another --out"
"""The error for a file that may have been edited since its import."""
OPTIONS = tuple(option for option in SERVING if option.key in ("hash_ignore", "redact"))


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = f"A file is {KINDS}."
    parser.add_argument("files", metavar="FILE", nargs="*", help="recordings; - reads standard input")
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="write one scenario file for each FILE to this folder instead of standard output",
    )
    parser.add_argument("--request", metavar="R.json", help="the request's body, for a single response")
    parser.add_argument("--path", metavar="PATH", help="path of the request, such as /v1/chat/completions")
    parser.add_argument(
        "--response", metavar="BODY", help="a single response: JSON, SSE text, or the output of `curl -i`"
    )
    add(parser, OPTIONS)


def run(args: argparse.Namespace) -> int:
    """Return 0 if all files were imported, 1 if one was not, 2 for a usage mistake."""
    values = option_values(args, OPTIONS, os.environ)
    names = [*args.files, *([args.response] if args.response else [])]
    if not names:
        raise BadOption("import: expected the files to import, or --request, --path and --response")
    if args.request and len(names) > 1:
        raise BadOption("--request belongs to one response, but there are several files")
    request = _import_file(args.request) if args.request else None
    reader = RequestParser(volatile(values), values["redact"] or ())
    failed = False
    used_names: set[str] = set()
    with ProgressBar(sys.stderr, "exchange") as progress:
        for number, name in enumerate(names, 1):
            about = name if len(names) == 1 else f"file {number} of {len(names)}: {name}"
            try:
                found = _import(name, about, reader, request, args.path, progress)
            except NotImported as error:
                print(readable(f"mockllm: {error}"), file=sys.stderr)
                failed = True
                continue
            for note in _grouped(found.notes):
                print(readable(f"note: {note}"), file=sys.stderr)
            failed = not _write(found, name, args.out, used_names, progress) or failed
    return int(failed)


def _grouped(notes: Iterable[str]) -> Iterator[str]:
    """Yield one line for all notes with the same text, with the place of the first. A note is `PLACE: TEXT`."""
    places: dict[str, list[str]] = {}
    for note in notes:
        place, _, text = note.partition(": ")
        places.setdefault(text, []).append(place)
    for text, (first, *others) in places.items():
        more = f" (and at {len(others):,} more place{'s' * (len(others) > 1)})" if others else ""
        yield f"{first}: {text}{more}"


def _import(
    name: str,
    about: str,
    reader: RequestParser,
    request: ImportFile | None,
    path: str | None,
    progress: ProgressBar,
) -> ImportResult:
    """Import one file."""
    if name == "-":  # another program writes on the terminal meanwhile, or a person
        progress.clear()
    file = _import_file(name)
    progress.begin(f"reads {about}", long=len(file.raw) >= LARGE)

    def watch(done: int, total: int | None) -> None:
        if done == total:
            progress.begin(f"writes the rules of {about}")
        else:
            progress.update(done, total, about)

    return import_recordings(file, reader, request=request, path=path, watch=watch)


def _write(
    found: ImportResult, name: str, out: str | None, used_names: set[str], progress: ProgressBar
) -> bool:
    """Write the result and return whether that succeeded."""
    if out is None:
        progress.clear()  # the program that reads this may write on the terminal
        if len(found.texts) > 1:
            print(f"mockllm: {name}: {len(found.texts)} files, {TOO_LARGE}; use --out DIR", file=sys.stderr)
            return False
        print(found.text, end="")
        return True
    base = file_name(Path(name).stem if name != "-" else "imported")
    paths = [Path(out, f"{_unused_name(base, used_names)}.yaml") for _ in found.texts]
    files = list(zip(paths, found.texts, strict=True))
    path = paths[0]
    try:
        for path, text in files:
            if path.exists() and path.read_bytes() != text.encode():
                print(f"mockllm: {path}: {OTHER}", file=sys.stderr)
                return False
        for path, text in files:
            progress.begin(f"writes {path}", long=len(text) >= LARGE)
            write_file(path, text)
    except OSError as error:
        print(f"mockllm: {path}: {error.strerror}", file=sys.stderr)
        return False
    print(f"{', '.join(map(str, paths))}: {found.count} imported", file=sys.stderr)
    return True


def _unused_name(base: str, used_names: set[str]) -> str:
    """Return a name for a file that has no other one, and remember it."""
    name, number = base, 1
    while name in used_names:
        number += 1
        name = f"{base}-{number}"
    used_names.add(name)
    return name


def _import_file(name: str) -> ImportFile:
    raw, shown = read_input(name, "standard input")
    return ImportFile(shown, raw)
