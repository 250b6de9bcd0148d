"""YAML in flow style, in which a person reads short values more easily than in JSON."""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.json.codec import Json, dumps

_PLAIN: Final = re.compile(r"[A-Za-z_/$][A-Za-z0-9_./$-]*\Z")
_DURATION: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:ms|s|m)\Z")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def flow(value: Json) -> str:
    """Return a JSON value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(name)}: {flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and _is_plain(value):
        return value
    return dumps(value).decode()


def _is_plain(text: str) -> bool:
    named = _PLAIN.match(text) is not None and text.lower() not in _WORDS
    return named or _DURATION.match(text) is not None
