"""JSON as this project reads and writes it: one place for orjson's edges.

orjson refuses NaN, bad UTF-8 and lone surrogates, as the providers do.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import orjson

Json: TypeAlias = Any
"""None, bool, int, float, str, list or dict with string keys."""


class Missing:
    """What stands where a body has nothing: told apart from JSON's null."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()

loads = orjson.loads
JSONDecodeError = orjson.JSONDecodeError


def dumps(value: Json) -> bytes:
    """Compact UTF-8 JSON."""
    return orjson.dumps(value)


def pretty(value: Json) -> bytes:
    """Two-space indented UTF-8 JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)


def canonical(value: Json) -> bytes:
    """Compact, key-sorted UTF-8 JSON: equal values give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
