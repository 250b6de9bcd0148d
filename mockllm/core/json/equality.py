"""The equality of JSON values: `1` equals `1.0`, and `true` is not a number.

Separate, because conditions compare values, and the rule index must agree with them by hash.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from mockllm.core.json.codec import Json

DEPTH: Final = 64
"""The maximum nesting for `freeze`. A deeper value equals no frozen value."""

_TOO_DEEP: Final = ("too deep",)


def equal(left: Json, right: Json) -> bool:
    """Return whether two values have equal type and content; lists in order, objects in any order."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(equal(value, right[key]) for key, value in left.items())
        )
    if isinstance(left, (list, tuple)):
        return isinstance(right, (list, tuple)) and len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def subset(part: Json, whole: Json) -> bool:
    """Return whether `whole` contains all of `part`: an object's members, and a list's items in any order."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and subset(value, whole[key]) for key, value in part.items()
        )
    if isinstance(part, (list, tuple)):
        return isinstance(whole, (list, tuple)) and all(
            any(subset(item, other) for other in whole) for item in part
        )
    return equal(part, whole)


def freeze(value: Json, depth: int = DEPTH) -> Hashable:
    """Return a key that only equal values share."""
    if value is None or isinstance(value, bool):
        return ("constant", value)
    if isinstance(value, dict):
        if not depth:
            return _TOO_DEEP
        return ("object", frozenset((key, freeze(item, depth - 1)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        if not depth:
            return _TOO_DEEP
        return ("list", tuple(freeze(item, depth - 1) for item in value))
    return value  # type: ignore[no-any-return]


def is_deep(value: Json, depth: int = DEPTH) -> bool:
    """Return whether a value is nested too deep for `freeze`."""
    if isinstance(value, dict):
        return not depth or any(is_deep(item, depth - 1) for item in value.values())
    if isinstance(value, (list, tuple)):
        return not depth or any(is_deep(item, depth - 1) for item in value)
    return False
