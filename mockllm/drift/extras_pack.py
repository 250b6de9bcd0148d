"""`--fix`: the new fields of a provider as a pack of `extras`, which adds them to all responses."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.drift.change import Change
from mockllm.drift.report import DriftReport, ProtocolRow
from mockllm.recordings.atomic_files import write_file
from mockllm.recordings.scenario_writer import printable_json
from mockllm.scenario.scenario_folder import MANIFEST
from mockllm.scenario.yaml_reader import read_source

PACK: Final = "local/provider-drift"
FOLDER: Final = "provider-drift"
_HEAD: Final = (
    "# Fields that a provider sends, and that mockllm does not. `mockllm drift --fix` writes this file.\n"
)
_BRACKET: Final = re.compile(r"[\[\]]")
_VALUES: Final[dict[str, Json]] = {"null": None, "boolean": False, "number": 0, "string": ""}


def write_extras_pack(report: DriftReport, folder: Path, packs: tuple[str, ...] = ()) -> int:
    """Write the pack into a folder of scenarios, and a file that uses it. Without a field and without a pack of an
    earlier run, write nothing. Return the number of fields.

    The rows of protocols that this run did not compare remain. `packs` are further packs to use: a folder without
    other files replaces the packs of the command line. Raises OSError.
    """
    lines_of = {row.protocol: list(_lines(row)) for row in report.rows.values()}
    older = [entry for entry in _present(folder) if entry.get("name") not in lines_of]
    lines = [f"  - {printable_json(dumps(entry).decode())}\n" for entry in older] + [
        line for each in lines_of.values() for line in each
    ]
    pack = folder / FOLDER
    if not lines and not pack.exists():
        return 0
    write_file(pack / MANIFEST, f'name: {PACK}\nversion: "0.1.0"\n')
    body = f"modifiers:\n{''.join(lines)}" if lines else "modifiers: []\n"
    write_file(pack / "extras.yaml", _HEAD + body)
    used = ", ".join([f"./{FOLDER}", *packs])
    write_file(folder / f"{FOLDER}.yaml", f"{_HEAD}use: [{used}]\n")
    return sum(1 for row in report.rows.values() for each in row.changes if is_fixable(each))


def is_fixable(change: Change) -> bool:
    """Return whether `extras` can add a change: a field of an object, in a response that is not an error."""
    return change.kind == "new field" and not change.place.endswith("[]") and change.events != {"error"}


def _present(folder: Path) -> list[dict[str, Json]]:
    """Return the modifiers of the pack that a run before has written."""
    file = folder / FOLDER / "extras.yaml"
    if not file.is_file():
        return []
    data = read_source(file.read_bytes(), str(file)).data
    entries = data.get("modifiers") if isinstance(data, dict) else None
    return [entry for entry in entries or () if isinstance(entry, dict)]


def _lines(row: ProtocolRow) -> Iterator[str]:
    """Yield the lines of a protocol's modifier."""
    extras = [_extra(change, row) for change in row.changes if is_fixable(change)]
    if not extras:
        return
    stream = str(row.streamed).lower()
    yield f"  - name: {row.protocol}\n"
    yield f"    match: {{provider: {row.provider}, api: {row.api}, stream: {stream}}}\n"
    yield "    extras:\n"
    yield from (f"      - {printable_json(dumps(extra).decode().replace('${', '$${'))}\n" for extra in extras)


def _extra(change: Change, row: ProtocolRow) -> dict[str, Json]:
    at, _, name = change.place.rpartition(".")
    extra: dict[str, Json] = {"at": at, "fields": {name: _value(change)}}
    if row.streamed and row.selectors.keys() - change.events:
        words = {word for event in change.events for word in row.selectors.get(event, ())}
        extra["events"] = sorted(words)
    return extra


def _value(change: Change) -> Json:
    """Return a value of a field's type without a meaning: the provider's own values are not stored."""
    types: defaultdict[str, set[str]] = defaultdict(set)
    members: defaultdict[str, set[str]] = defaultdict(set)
    for path, type_ in change.inside:
        types[path].add(type_)
        holder, _, name = path.rpartition(".")
        members[holder].add(name)
    types[change.place] = set(change.live)
    return _value_at(change.place, types, members)


def _value_at(path: str, types: Mapping[str, set[str]], members: Mapping[str, set[str]]) -> Json:
    """Return the value of a path. `types` and `members` are those of each path."""
    here = types.get(path, ())
    if "array" in here:
        items = f"{path}[]"
        return [_value_at(items, types, members)] if items in types else []
    simple = [value for type_, value in _VALUES.items() if type_ in here]
    if simple:
        return simple[0]
    names = sorted(name for name in members.get(path, ()) if name and not _BRACKET.search(name))
    return {name: _value_at(f"{path}.{name}", types, members) for name in names}
