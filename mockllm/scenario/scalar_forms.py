"""What to write in place of a text or number, where a mapping belongs whose meaning the text or number shows."""

from __future__ import annotations

import re
from typing import Final

from mockllm.scenario.diagnostics import Path

_DURATION: Final = re.compile(r"\d+(\.\d+)?(ms|s|m|h)")
_PERCENT: Final = re.compile(r"\d+(\.\d+)?%")
_COMPARISON: Final = re.compile(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)")
_OPERATORS: Final = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_FOR: Final = ("stall", "silence")
"""Faults whose first setting is a duration, `for`."""


def is_duration(text: str) -> bool:
    """Return whether a text looks like a duration."""
    return _DURATION.fullmatch(text) is not None


def mapping_form(path: Path, value: str | float) -> str | None:
    """Return the mapping that a text or number in place of a mapping means; None if it means none."""
    key, text = path[-1] if path else None, str(value)
    if key == "messages" and isinstance(value, str):
        return f"{{some: {{text: {text}}}}}"
    if key in _FOR and is_duration(text):
        return f"{{for: {text}}}"
    if key not in ("after", "at"):
        return None
    if isinstance(value, int):
        return f"{{{'chunks' if key == 'after' else 'chunk'}: {value}}}"
    if key == "after" and is_duration(text):
        return f"{{time: {text}}}"
    return f"{{fraction: {text}}}" if key == "after" and _PERCENT.fullmatch(text) else None


def comparison_form(text: str) -> str | None:
    """Return the condition that a text such as `>2` means, in place of a number; None if it means none."""
    found = _COMPARISON.fullmatch(text.strip())
    return f"{{{_OPERATORS[found[1]]}: {found[2]}}}" if found else None
