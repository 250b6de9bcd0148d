"""Short texts that show a JSON value to a person: cut to a length, and the name of its type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockllm.core.json.codec import MISSING, Json, Missing

MAX_LENGTH: Final = 80
HEAD_LENGTH: Final = 60
TAIL_LENGTH: Final = 40
"""Characters at the beginning and the end of a long text that `brief_ends` shows."""
MAX_NAMES_LENGTH: Final = 1000
"""Characters after which `brief_ends` lists no further text of a tuple."""


def shortened(text: str, max_length: int = MAX_LENGTH) -> str:
    """Return the text, shortened to `max_length` characters where it is longer."""
    return text if len(text) <= max_length else text[: max_length - 1] + "…"


def counted(count: int, noun: str) -> str:
    """Return `1 rule`, `2 rules`."""
    return f"{count} {noun}{'s' * (count != 1)}"


def brief(value: Json | Missing, max_depth: int = MAX_LENGTH) -> str:
    """Return the value as JSON, cut short; "missing" where there is none. The result has at most 80 characters, so
    deeper levels than `max_depth` are not visited."""
    if value is MISSING:
        return "missing"
    if isinstance(value, str):
        return '"' + shortened(value).replace("\n", "\\n") + '"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not max_depth:
        return "…"
    if isinstance(value, dict):
        members = (f'"{shortened(str(key))}": {brief(item, max_depth - 1)}' for key, item in value.items())
        return _join("{", members, "}")
    if isinstance(value, (list, tuple)):
        return _join("[", (brief(item, max_depth - 1) for item in value), "]")
    return shortened(str(value))


def brief_ends(value: Json | Missing) -> str:
    """Return the value as `brief` does, but with both ends of a long text, and with all texts of a tuple.

    Two prompts often differ only at their ends, and a rule names one tool of many. All together are bounded: a client
    chooses the number of its tools.
    """
    if isinstance(value, str) and len(value) > MAX_LENGTH:
        text = f"{value[:HEAD_LENGTH]} … {value[-TAIL_LENGTH:]}".replace("\n", "\\n")
        return f'"{text}" ({len(value)} characters)'
    if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
        return brief(value)
    names, length = [], 0
    for item in value:
        names.append(brief(item))
        length += len(names[-1]) + 2
        if length > MAX_NAMES_LENGTH and len(names) < len(value):
            return f"[{', '.join(names)}, … {len(value) - len(names)} more]"
    return f"[{', '.join(names)}]"


def _join(opening: str, items: Iterable[str], closing: str) -> str:
    text = opening
    for number, item in enumerate(items):
        text += (", " if number else "") + item
        if len(text) >= MAX_LENGTH:
            return shortened(text)
    return text + closing


def kind(value: Json | Missing) -> str:
    """Return the name of the value's JSON type."""
    if value is None or value is MISSING:
        return "null" if value is None else "missing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, (int, float)):
        return "a number"
    return "an object" if isinstance(value, dict) else "a list"
