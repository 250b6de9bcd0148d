"""The text of one rule or modifier, as its file has it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.scenario.overlay import to_yaml
from mockllm.scenario.rule_ids import split_id
from mockllm.scenario.scenario_folder import read_bytes
from mockllm.scenario.source_file import COLUMN_BITS, Mark, Source
from mockllm.scenario.yaml_reader import read_source

LISTS: Final = ("rules", "modifiers", "examples")


def rule_text(where: str, id: str) -> str | None:
    """Return the text of the rule at `where` (file and line), without the indentation of its list. None if the file
    cannot be read or no longer contains the rule."""
    path, _, line = where.rpartition(":")
    try:
        source = read_source(content := read_bytes(path), path)
    except OSError:
        return None
    entry = _entry(source, int(line), split_id(id)[1])
    return None if entry is None else _text(source, *entry, content.decode("utf-8-sig"))


def _entry(source: Source, line: int, name: str) -> tuple[str, int] | None:
    """Return the list and the index of a rule: by its name, else by its line."""
    entries = list(_entries(source))
    for kind, index, item in entries:
        if isinstance(item, dict) and item.get("name") == name:
            return kind, index
    for kind, index, _ in entries:
        if source.position((kind, index)).line == line:
            return kind, index
    return None


def _entries(source: Source) -> Iterator[tuple[str, int, Json]]:
    for kind in LISTS:
        items = source.data.get(kind) if isinstance(source.data, dict) else None
        for index, item in enumerate(items if isinstance(items, list) else ()):
            yield kind, index, item


def _text(source: Source, kind: str, index: int, content: str) -> str:
    """Return the lines from the start of an entry to the next one."""
    place = source.position((kind, index))
    starts = {source.position((key, number)).line for key, number, _ in _entries(source)}
    starts |= {mark[0] >> COLUMN_BITS for mark in _children(source).values()}
    lines = content.splitlines()
    end = min((start for start in starts if start > place.line), default=len(lines) + 1)
    own = lines[place.line - 1 : end - 1]
    before = own[0][: place.column - 1]
    shared = sum(source.position((key, number)).line == place.line for key, number, _ in _entries(source))
    if before.strip() != "-" or shared > 1:  # written on one line, as in JSON
        return to_yaml(source.data[kind][index])
    own[0] = " " * len(before) + own[0][len(before) :]
    while len(own) > 1 and (not own[-1].strip() or own[-1].lstrip().startswith("#")):
        own.pop()
    return textwrap.dedent("\n".join(own)) + "\n"


def _children(source: Source) -> dict[str, Mark]:
    children = source.marks[2]
    return dict(children) if isinstance(children, dict) else {}
