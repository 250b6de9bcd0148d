"""Counts that may only fall: stored in a JSON file beside the tests, compared with the counts of today."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
UPDATE = "MOCKLLM_UPDATE_RATCHET"


def check_ratchet(name: str, counts: Mapping[str, int], places: Mapping[str, Sequence[str]] = {}) -> None:
    """Fail where a count differs from its stored number. With MOCKLLM_UPDATE_RATCHET=1, store the lower ones.

    `places` are what is counted, shown where a count is too high.

    A number without a stored one counts from zero, unless the file is updated. A risen count is never
    stored: who means it edits the file.
    """
    path = HERE / f"{name}.json"
    stored: dict[str, int] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if os.environ.get(UPDATE):
        stored = {key: min(count, stored.get(key, count)) for key, count in sorted(counts.items()) if count}
        path.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    risen = {key: count for key, count in counts.items() if count > stored.get(key, 0)}
    shown = "".join(f"\n  {place}" for key in risen for place in places.get(key, ()))
    assert not risen, (
        f"{path.name}: {risen} is more than the stored {stored}: use the words of docs/glossary.md{shown}"
    )
    fallen = {key: counts.get(key, 0) for key in stored if counts.get(key, 0) < stored[key]}
    assert not fallen, f"{path.name}: lower the numbers to {fallen}: run the test with {UPDATE}=1"
