"""JSON parsing and serialization with orjson, and its limits.

orjson refuses NaN, invalid UTF-8 and lone surrogates, as the providers do. It parses deeper nesting than it
serializes, and deeper than recursive functions can walk: such nesting is refused, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from json import JSONEncoder
from typing import Any, Final, TypeAlias

import orjson

Json: TypeAlias = Any
"""None, bool, int, float, str, list or dict with string keys."""
JsonObject: TypeAlias = dict[str, Json]
Scalar: TypeAlias = str | int | float | bool | None
"""JSON that is neither a list nor an object."""


class Missing:
    """The type of MISSING, the value of an absent member: different from JSON's null."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()

JSONDecodeError = orjson.JSONDecodeError
MAX_DEPTH: Final = 200
"""The maximum nesting of lists and objects."""
MANY_ITEMS: Final = 64
"""A list of more items is serialized item by item."""
_TINY: Final = 128
"""The most bytes of a text whose depth is bounded by its length alone."""
_SHORT: Final = 256
"""The most bytes of a text in which counting brackets is quick."""
_CONTAINERS: Final = frozenset({dict, list})


def loads(text: bytes | str) -> Json:
    """Return the JSON value of a text. Raise JSONDecodeError where the text is not JSON."""
    value = orjson.loads(text)
    if len(text) > 2 * MAX_DEPTH:
        brackets = text.count("[") + text.count("{") if isinstance(text, str) else opening_brackets(text)
        if brackets > MAX_DEPTH:
            _check_depth(value)
    return value


def loads_and_depth_bound(text: bytes) -> tuple[Json, int]:
    """Return the JSON value of a text, and an upper bound of its depth: its `opening_brackets`, or half of the bytes
    of a tiny one. Raise JSONDecodeError where the text is not JSON."""
    value = orjson.loads(text)
    if len(text) <= _TINY:
        return value, len(text) // 2
    brackets = opening_brackets(text) if len(text) > _SHORT else text.count(b"[") + text.count(b"{")
    if brackets > MAX_DEPTH:
        _check_depth(value)
    return value, brackets


def opening_brackets(text: bytes) -> int:
    """Return the number of brackets that begin a list or an object; above `MAX_DEPTH` some may be left out."""
    # `count` looks at each byte: for a usual body it takes four times as long
    lists, objects = text.replace(b"[", b"", MAX_DEPTH + 1), text.replace(b"{", b"", MAX_DEPTH + 1)
    return 2 * len(text) - len(lists) - len(objects)


def _check_depth(value: Json) -> None:
    """Raise JSONDecodeError for a value that nests too deep. orjson 3.13 must not serialize such a value: beyond
    about 210 levels it writes behind its buffer, and the process ends."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return
    raise JSONDecodeError(f"nested deeper than {MAX_DEPTH} levels", "", 0)


def json_value(value: object) -> Json:
    """Return the JSON of an object that is not JSON itself (a placeholder). Raise TypeError where there is none."""
    method = getattr(value, "json_value", None)
    if method is None:
        raise TypeError(f"{type(value).__name__} is not JSON")
    return method()


def dumps(value: Json) -> bytes:
    """Return compact UTF-8 JSON."""
    return _exact(orjson.dumps(value, json_value))


def dumps_temporary(value: Json) -> bytes:
    """Return compact UTF-8 JSON in an over-allocated buffer (see `_exact`): the caller copies it at once."""
    return orjson.dumps(value, json_value)


dumps_temporary_text: Final[Callable[[str], bytes]] = orjson.dumps
"""What `dumps_temporary` is for a text, in half the time."""


def pretty(value: Json, end: bytes = b"") -> bytes:
    """Return UTF-8 JSON with an indentation of two spaces, then `end`."""
    if type(value) is dict:
        for item in value.values():
            if type(item) is list and len(item) > MANY_ITEMS:
                return b"".join([*_pretty_by_items(value), end])
    return b"".join((orjson.dumps(value, json_value, orjson.OPT_INDENT_2), end))


_ENCODE_SPACED: Final = JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ": "), default=json_value
).encode


def spaced(value: Json) -> bytes:
    """Return UTF-8 JSON on one line, with a space after colons."""
    return _ENCODE_SPACED(value).encode()


def without_angles(encoded: bytes) -> bytes:
    """Return JSON with its angle brackets escaped."""
    return encoded.replace(b"<", b"\\u003c").replace(b">", b"\\u003e")


def _pretty_by_items(value: dict[str, Json]) -> Iterator[bytes]:
    """Yield the parts of an object with long lists. Each item is one call. A single call for all vectors of a
    request would hold the interpreter for 70 ms, and each copy of them for 20 ms."""
    opening = b"{\n  "
    for key, item in value.items():
        yield b"%b%b: " % (opening, orjson.dumps(key))
        opening = b",\n  "
        if type(item) is list and len(item) > MANY_ITEMS:
            yield from _pretty_list(item)
        else:
            yield _indented(item, b"\n  ")
    yield b"\n}"


def _pretty_list(items: list[Json]) -> Iterator[bytes]:
    opening = b"[\n    "
    for item in items:
        yield opening
        yield _indented(item, b"\n    ")
        opening = b",\n    "
    yield b"\n  ]"


def _indented(value: Json, line_break: bytes) -> bytes:
    return orjson.dumps(value, json_value, orjson.OPT_INDENT_2).replace(b"\n", line_break)


def _exact(data: bytes) -> bytes:
    """Return a copy that is not over-allocated. orjson's own result has a buffer of 4 to 8 KB at least, and stores of
    responses would hold that buffer."""
    return b"".join((data, b""))


def canonical(value: Json) -> bytes:
    """Return compact, key-sorted UTF-8 JSON: equal values have equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
