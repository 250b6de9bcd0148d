"""What to write in place of a text or number, where a mapping belongs whose meaning the text or number shows."""

from __future__ import annotations

import re
from typing import Final, Literal, get_args, get_origin

from mockllm.core.faults import FAULTS
from mockllm.core.json.codec import dumps
from mockllm.scenario.diagnostics import Path
from mockllm.scenario.yaml_nodes import CONSTANTS

_DURATION: Final = re.compile(r"\d+(\.\d+)?(ms|s|m|h)")
_PERCENT: Final = re.compile(r"\d+(\.\d+)?%")
_COMPARISON: Final = re.compile(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)")
_MODEL: Final = re.compile(r"[\w.:/-]*\d[\w.:/-]*")
"""A word with a digit, as nearly all names of models are."""
_STATUS: Final = re.compile(r"[2-5]\d\d")
_OPERATORS: Final = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_UNQUOTED: Final = re.compile(r"[^\W\d][\w./@-]*( [\w./@-]+)*[.!]?")
"""A text that YAML reads without quotes within braces, if it is none of its constants."""
_FOR: Final = ("stall", "silence")
"""Faults whose first setting is a duration, `for`."""


def is_duration(text: str) -> bool:
    """Return whether a text looks like a duration."""
    return _DURATION.fullmatch(text) is not None


def in_braces(text: str) -> str:
    """Return a text as it is written within `{…}`: in quotes where YAML would read something else."""
    return text if _UNQUOTED.fullmatch(text) and text not in CONSTANTS else dumps(text).decode()


def mapping_form(path: Path, value: str | float) -> str | None:
    """Return the mapping that a text or number in place of a mapping means; None if it means none."""
    key, text = path[-1] if path else None, str(value)
    if key == "match" and isinstance(value, str):
        shown = in_braces(value)
        return f"{{model: {shown}}}" if _MODEL.fullmatch(text) else f"{{user: {{contains: {shown}}}}}"
    if key == "tool_result" and isinstance(value, str):
        return f"{{text: {in_braces(value)}}}" if " " in text else f"{{name: {in_braces(value)}}}"
    if path[-2:-1] == ("tool_calls",) and isinstance(value, str):
        return f"{{name: {in_braces(value)}}}"
    if key == "http" and (isinstance(value, int) or _STATUS.fullmatch(text)):
        return f"{{status: {text}}}"
    if key == "messages" and isinstance(value, str):
        return f"{{some: {{text: {in_braces(value)}}}}}"
    if key in _FOR and is_duration(text):
        return f"{{for: {text}}}"
    if key == "during" and is_duration(text):
        return f"{{to: {text}}}"
    if key == "limit" and isinstance(value, int):
        return f"{{strategy: fixed-window, requests: {text}}}"
    if key == "similar" and isinstance(value, str):
        return f"{{to: {in_braces(value)}, at_least: 0.6}}"
    if key == "then_post" and text.startswith(("http://", "https://")):
        return f'{{to: "{text}"}}'
    if isinstance(key, str) and key in FAULTS and (setting := _setting_of(key, text)) is not None:
        return f"{{{setting}: {text}}}"
    if isinstance(key, str) and key in FAULTS and path[-3:-2] == ("faults",):
        return _all_settings(key)
    if key not in ("after", "at"):
        return None
    if isinstance(value, int):
        return f"{{{'chunks' if key == 'after' else 'chunk'}: {value}}}"
    if key == "after" and is_duration(text):
        return f"{{time: {text}}}"
    return f"{{fraction: {text}}}" if key == "after" and _PERCENT.fullmatch(text) else None


def _all_settings(fault: str) -> str:
    """Return the mapping of a fault with all of its settings."""
    names = [field.alias or name for name, field in FAULTS[fault].model_fields.items()]
    if not names:
        return f"{fault} alone: it has no settings"
    return f"{{{', '.join(f'{name}: …' for name in names)}}}"


def _setting_of(fault: str, word: str) -> str | None:
    """Return the first setting of a fault that allows a word; None if none does."""
    for name, field in FAULTS[fault].model_fields.items():
        if word in _words(field.annotation):
            return field.alias or name
    return None


def _words(annotation: object) -> list[object]:
    """Return the words that a setting allows."""
    parts = get_args(annotation)
    return (
        list(parts)
        if get_origin(annotation) is Literal
        else [word for part in parts for word in _words(part)]
    )


def comparison_form(text: str) -> str | None:
    """Return the condition that a text such as `>2` means, in place of a number; None if it means none."""
    found = _COMPARISON.fullmatch(text.strip())
    return f"{{{_OPERATORS[found[1]]}: {found[2]}}}" if found else None
