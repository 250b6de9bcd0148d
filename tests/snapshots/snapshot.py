"""Comparison of a text with its expected file, and the masks for values that change from run to run.

Set `MOCKLLM_UPDATE_SNAPSHOTS=1` to write the expected files anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

import pytest

UPDATE: Final = "MOCKLLM_UPDATE_SNAPSHOTS"
EXPECTED: Final = Path(__file__).parent / "expected"


def check_snapshot(name: str, text: str) -> None:
    """Fail with a unified diff if `text` differs from the expected file `name`."""
    check_snapshots({name: text})


def check_snapshots(texts: Mapping[str, str]) -> None:
    """The same for several expected files; all that differ are named."""
    differences = [difference for name, text in texts.items() if (difference := compare(name, text))]
    if differences:
        differences.append(f"If the change is intended, {UPDATE}=1 writes the files anew.")
        pytest.fail("\n".join(differences), pytrace=False)


def compare(name: str, text: str) -> str:
    """The difference from the expected file `name`, or nothing; writes the file if the environment says so."""
    path = EXPECTED / name
    if os.environ.get(UPDATE) == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return ""
    if not path.is_file():
        return f"there is no expected file {name}; run with {UPDATE}=1 to write it"
    expected = path.read_bytes().decode()
    if text == expected:
        return ""
    old, new = expected.split("\n"), text.split("\n")
    return "\n".join(unified_diff(old, new, f"expected/{name}", "found", lineterm="", n=2))


def to_json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def mask_keys(value: Any, keys: frozenset[str]) -> Any:
    """The same value with `<key>` in place of each number or text at one of these keys."""
    if isinstance(value, dict):
        return {
            key: f"<{key}>"
            if key in keys and isinstance(item, int | float | str) and not isinstance(item, bool)
            else mask_keys(item, keys)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [mask_keys(item, keys) for item in value]
    return value


def mask_text(text: str, *replacements: tuple[str, str]) -> str:
    """The same text with each pattern replaced."""
    for pattern, replacement in replacements:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text
