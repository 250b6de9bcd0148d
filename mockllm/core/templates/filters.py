"""The filters and tests of templates: pure functions of plain JSON values, in two tables.

They behave like Jinja2's of the same name, except for unsuitable values: these raise TemplateTypeError instead of a
silent 0 or an empty text. The length of a result is checked before it is built, so no small input makes a huge text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

from mockllm.core.json.codec import MISSING, Json, dumps, pretty
from mockllm.core.templates.template import MAX_OUTPUT_LENGTH, TemplateTypeError, as_text, capped, too_long

Filter = Callable[..., Json]


def number(value: Json) -> int | float:
    """Return the value, where it is a number."""
    if type(value) is int or type(value) is float:
        return value
    raise TemplateTypeError(f"it is {shown(value)}, not a number")


NUMBER_LIMIT: Final = 1 << 63
"""Numbers must be smaller: JSON parsers do not support larger ones."""


def bounded(value: int | float) -> int | float:
    """Return the number, where JSON supports it."""
    if abs(value) < NUMBER_LIMIT:
        return value
    raise TemplateTypeError("the number is too large")


def shown(value: Json) -> str:
    """Return a value for a message, shortened."""
    text = dumps(value).decode() if value is not MISSING else "absent"
    return text if len(text) <= 40 else text[:39] + "…"


def _sized(value: Json) -> Json:
    if type(value) in (str, list, dict):
        return value
    raise TemplateTypeError(f"{shown(value)} has no length")


def _ends(value: Json, end: int) -> Json:
    if type(value) in (str, list):
        return value[end] if value else MISSING
    raise TemplateTypeError(f"{shown(value)} is neither a text nor a list")


def _default(value: Json, instead: Json = "", boolean: bool = False) -> Json:
    return instead if value is MISSING or (boolean and not value) else value


def _join(value: Json, separator: Json = "") -> str:
    if type(value) is not list:
        raise TemplateTypeError(f"{shown(value)} is not a list")
    texts, between, length = [], as_text(separator), 0
    for part in value:
        texts.append(as_text(part))
        length += len(texts[-1]) + len(between)
        _check_length(length)
    return between.join(texts)


def _replace(value: Json, old: Json, new: Json, count: int = -1) -> str:
    text, old, new = as_text(value), as_text(old), as_text(new)
    replaced = text.count(old) if count < 0 else min(count, text.count(old))
    _check_length(len(text) + replaced * (len(new) - len(old)))
    return text.replace(old, new, count)


def _check_length(length: int) -> None:
    if length > MAX_OUTPUT_LENGTH:
        raise too_long()


def _title(value: Json) -> str:
    return _TITLE_WORD.sub(lambda word: word[0][0].upper() + word[0][1:].lower(), as_text(value))


_TITLE_WORD: Final = re.compile(r"[^-\s({\[<]+")


def _truncate(
    value: Json, length: int = 255, killwords: bool = False, end: str = "...", leeway: int = 5
) -> str:
    text = as_text(value)
    if len(text) <= length + leeway:
        return text
    start = text[: max(0, length - len(end))]
    return (start if killwords else start.rsplit(" ", 1)[0]) + end


def _int(value: Json, default: Json = MISSING) -> Json:
    try:
        return bounded(int(value if type(value) in (int, float) or "." not in value else float(value)))
    except (TypeError, ValueError, OverflowError, TemplateTypeError):
        if default is MISSING:
            raise TemplateTypeError(f"{shown(value)} is not a number") from None
        return default


def _float(value: Json, default: Json = MISSING) -> Json:
    try:
        if type(value) is not bool:
            return bounded(float(value))
    except (TypeError, ValueError, OverflowError, TemplateTypeError):
        pass
    if default is MISSING:
        raise TemplateTypeError(f"{shown(value)} is not a number")
    return default


_ROUNDINGS: Final = {"common": ROUND_HALF_EVEN, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}


def _round(value: Json, precision: int = 0, method: str = "common") -> float:
    if method not in _ROUNDINGS:
        raise TemplateTypeError(f'round knows "common", "ceil" and "floor", not {shown(method)}')
    if not -12 <= precision <= 12:
        raise TemplateTypeError(f"{precision} is too fine a precision")
    step, plain = Decimal(1).scaleb(-precision), number(value)
    exact = Decimal(plain) if method == "common" else Decimal(repr(plain))  # 1.1 is slightly more than 1.1
    return float(exact.quantize(step, _ROUNDINGS[method]))


def _split(value: Json, separator: str | None = None) -> list[Json]:
    return list(as_text(value).split(separator or None))


def _tojson(value: Json, indent: int | None = None) -> str:
    return (pretty(value) if indent else dumps(value)).decode()


_WORD: Final = re.compile(r"\w+")
FILTERS: Final[Mapping[str, Filter]] = {
    "default": _default,
    "d": _default,
    "upper": lambda value: as_text(value).upper(),
    "lower": lambda value: as_text(value).lower(),
    "trim": lambda value, chars=None: as_text(value).strip(chars),
    "title": _title,
    "capitalize": lambda value: as_text(value).capitalize(),
    "length": lambda value: len(_sized(value)),
    "count": lambda value: len(_sized(value)),
    "wordcount": lambda value: len(_WORD.findall(as_text(value))),
    "first": lambda value: _ends(value, 0),
    "last": lambda value: _ends(value, -1),
    "join": _join,
    "replace": _replace,
    "truncate": _truncate,
    "split": _split,
    "int": _int,
    "float": _float,
    "round": _round,
    "abs": lambda value: abs(number(value)),
    "string": lambda value: as_text(value),
    "tojson": _tojson,
}
"""All filters by name; the first argument is the value before the bar."""

TAKES_ABSENT: Final = frozenset({"default", "d"})


def call(name: str, value: Json, arguments: list[Json], named: dict[str, Json]) -> Json:
    """Return a filter's value. Raise Unfit where the value or its arguments do not fit."""
    try:
        return capped(FILTERS[name](value, *arguments, **named))
    except TemplateTypeError:
        raise
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise TemplateTypeError(f'"{name}" cannot be applied to {shown(value)}: {error}') from None


TESTS: Final[Mapping[str, Callable[[Json], bool]]] = {
    "defined": lambda value: value is not MISSING,
    "undefined": lambda value: value is MISSING,
    "none": lambda value: value is None or value is MISSING,
    "string": lambda value: type(value) is str,
    "number": lambda value: type(value) in (int, float),
    "integer": lambda value: type(value) is int,
    "float": lambda value: type(value) is float,
    "boolean": lambda value: type(value) is bool,
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "mapping": lambda value: type(value) is dict,
    "sequence": lambda value: type(value) in (list, str),
    "odd": lambda value: number(value) % 2 == 1,
    "even": lambda value: number(value) % 2 == 0,
}
"""By name, without arguments: `is defined`, `is not none` …"""
