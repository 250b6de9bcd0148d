"""The version ranges that scenarios and their packs require of packs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.packing.atomic_store import put_file
from mockllm.scenario.file_loader import load_files
from mockllm.scenario.pack_resolver import PackResolver
from mockllm.scenario.source_file import Source
from mockllm.scenario.version_ranges import Range, parse_range

_WHOLE: Final = r"(?<![\w./-]){}(?![\w.+-])"
"""A name and its range, without further characters of either around them."""


class VersionConstraint(Struct, frozen=True):
    """A required version range. `where` is its file, line and column; `pack` is the pack whose manifest it is,
    None for the user's own files."""

    range: Range
    where: str
    pack: str | None = None


def version_constraints(
    scenarios: Sequence[str], packs: Sequence[str], lock: str
) -> dict[str, list[VersionConstraint]]:
    """Return the version ranges that scenarios and their packs require, by pack name; an update must meet them.

    Files that cannot be loaded are skipped; `check` reports them.
    """
    loaded = load_files(scenarios, packs, resolver=PackResolver.for_lock(lock))
    constraints: dict[str, list[VersionConstraint]] = {}
    sources: list[tuple[Source, str | None]] = [
        (file.source, None) for file in (*loaded.files, *loaded.disabled) if file.layer == "user"
    ]
    sources += [(pack.source, pack.manifest.name) for pack in loaded.packs]
    for source, pack in sources:
        for name, constraint in _constraints_of(source):
            constraints.setdefault(name, []).append(replace(constraint, pack=pack))
    return constraints


def uses_in_files(scenarios: Sequence[str], lock: str) -> dict[str, list[str]]:
    """Return where the user's scenarios use packs, by pack name."""
    loaded = load_files(scenarios, (), resolver=PackResolver.for_lock(lock))
    uses: dict[str, list[str]] = {}
    for file in (*loaded.files, *loaded.disabled):
        for name, _, where in _uses_of(file.source) if file.layer == "user" else ():
            uses.setdefault(name, []).append(where)
    return uses


def _constraints_of(source: Source) -> Iterator[tuple[str, VersionConstraint]]:
    for name, range_text, where in _uses_of(source):
        try:
            if range_text is not None:
                yield name, VersionConstraint(parse_range(range_text), where)
        except ValueError:
            continue


def _uses_of(source: Source) -> Iterator[tuple[str, str | None, str]]:
    """Yield the name, the range and the place of each pack that a file uses by name."""
    data = source.data
    uses: Json = data.get("use") if isinstance(data, dict) else None
    for index, use in enumerate(uses if isinstance(uses, list) else ()):
        text = use.get("pack") if isinstance(use, dict) else use
        if not isinstance(text, str) or text.startswith("."):
            continue
        name, at, range_text = text.partition("@")
        line, column = source.position(("use", index))
        yield name, range_text if at else None, f"{source.name}:{line}:{column}"


def raise_range(name: str, constraint: VersionConstraint, version: str) -> bool:
    """Replace the range in the user's file by `^version`. Return whether the line has the range as `NAME@RANGE`."""
    path, line_number, column = constraint.where.rsplit(":", 2)
    lines = Path(path).read_bytes().decode().splitlines(keepends=True)
    index = int(line_number) - 1
    line, written = lines[index], f"{name}@{constraint.range}"
    starts = [found.start() for found in re.finditer(_WHOLE.format(re.escape(written)), line)]
    if not starts:
        return False
    # the nearest: ranges that were raised before it in the line have moved it
    start = min(starts, key=lambda start: abs(start + 1 - int(column)))
    lines[index] = f"{line[:start]}{name}@^{version}{line[start + len(written) :]}"
    put_file("".join(lines).encode(), Path(path))
    return True
