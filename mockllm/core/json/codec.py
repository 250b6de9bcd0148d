"""JSON as this project reads and writes it: one place for orjson's edges.

orjson refuses NaN, bad UTF-8 and lone surrogates, as the providers do. It reads deeper than it writes, and deeper
than anybody who walks a tree can go: what is nested so deep is refused, too.
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

JSONDecodeError = orjson.JSONDecodeError
DEEPEST: Final = 200
"""So deep lists and objects may stand in each other."""
_WRITES: Final = 254
"""So deep orjson writes them."""


def loads(text: bytes | str) -> Json:
    """The JSON of a text. Raises JSONDecodeError where it is none."""
    value = orjson.loads(text)
    if len(text) > 2 * DEEPEST and _is_deep(text, value):
        raise JSONDecodeError(f"nested deeper than {DEEPEST} levels", "", 0)
    return value


def _is_deep(text: bytes | str, value: Json) -> bool:
    opened = (
        text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    )
    if opened <= DEEPEST:  # as good as always
        return False
    for _ in range(_WRITES - DEEPEST):
        value = [value]
    try:
        orjson.dumps(value)
    except TypeError:
        return True
    return False


def json_value(value: object) -> Json:
    """Return the JSON of an object that is none itself (a placeholder). Raises TypeError where it has none."""
    method = getattr(value, "json_value", None)
    if method is None:
        raise TypeError(f"{type(value).__name__} is no JSON")
    return method()


def dumps(value: Json) -> bytes:
    """Compact UTF-8 JSON."""
    return orjson.dumps(value, json_value)


def pretty(value: Json) -> bytes:
    """Two-space indented UTF-8 JSON."""
    return orjson.dumps(value, json_value, orjson.OPT_INDENT_2)


def canonical(value: Json) -> bytes:
    """Compact, key-sorted UTF-8 JSON: equal values give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
