"""What an unquoted YAML scalar means: YAML 1.2's core schema, and nothing beyond it.

Apart from the parser because the parser's own defaults differ: there a date becomes a timestamp, `1_000` and
`0b1` numbers and `yes` a truth value. Here they stay the texts that a person sees.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, TypeAlias

Scalar: TypeAlias = "str | int | float | bool | None"

WORDS: Final[Mapping[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_NUMBER: Final = re.compile(
    r"(?P<int>[-+]?[0-9]+)\Z"
    r"|0o(?P<octal>[0-7]+)\Z"
    r"|0x(?P<hex>[0-9a-fA-F]+)\Z"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)\Z"
    r"|(?P<endless>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
_FIRST: Final = frozenset("0123456789+-.")
_BASES: Final = {"int": 10, "octal": 8, "hex": 16}
LARGEST_BITS: Final = 64


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar. ValueError, with a person's message, for a number that JSON has not:
    infinite, not a number, or an integer beyond 64 bits."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in _FIRST:
        return text
    found = _NUMBER.match(text)
    if found is None:
        return text
    kind = str(found.lastgroup)
    if kind in _BASES:
        return _integer(found[kind], _BASES[kind])
    value = float(text) if kind == "float" else math.inf
    if not math.isfinite(value):
        raise ValueError(f'{text} is not a finite number; write "{text}" if a text is meant')
    return value


def _integer(digits: str, base: int) -> int:
    if len(digits) <= LARGEST_BITS + 1:  # never hand thousands of digits to int()
        value = int(digits, base)
        if -(2 ** (LARGEST_BITS - 1)) <= value < 2**LARGEST_BITS:
            return value
    shown = digits if len(digits) <= 24 else f"{digits[:20]}…"
    raise ValueError(f"the number {shown} is beyond {LARGEST_BITS} bits; put it in quotes if a text is meant")
