"""The version ranges that scenarios and their packs require; an update must meet them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mockllm.core.json.codec import Json
from mockllm.packing.lockfile_editor import VersionConstraint
from mockllm.scenario.file_loader import load_files
from mockllm.scenario.pack_resolver import PackResolver
from mockllm.scenario.source_file import Source
from mockllm.scenario.version_ranges import parse_range


def version_constraints(
    scenarios: Sequence[str], packs: Sequence[str], lock: str
) -> dict[str, list[VersionConstraint]]:
    """Return the ranges by pack name. Files that cannot be loaded are skipped; `check` reports them."""
    loading = load_files(scenarios, packs, resolver=PackResolver.for_lock(lock))
    constraints: dict[str, list[VersionConstraint]] = {}
    own = [file.source for file in (*loading.files, *loading.disabled) if file.layer == "user"]
    for source in (*own, *(pack.source for pack in loading.packs)):
        for name, constraint in _constraints_of(source):
            constraints.setdefault(name, []).append(constraint)
    return constraints


def _constraints_of(source: Source) -> Iterator[tuple[str, VersionConstraint]]:
    data = source.data
    uses: Json = data.get("use") if isinstance(data, dict) else None
    for index, use in enumerate(uses if isinstance(uses, list) else ()):
        text = use.get("pack") if isinstance(use, dict) else use
        if not isinstance(text, str) or text.startswith("."):
            continue
        name, at, range_text = text.partition("@")
        try:
            line, column = source.position(("use", index))
            if at:
                yield name, VersionConstraint(parse_range(range_text), f"{source.name}:{line}:{column}")
        except ValueError:
            continue
