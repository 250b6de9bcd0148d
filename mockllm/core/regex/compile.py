"""Regular expressions as scenarios use them: compiled with a person's message, and their required literal.

A regex that cannot match without a certain literal is looked at only where that literal stands: ten
thousand of them then cost as much as one. Apart, because it reads `re`'s own parse tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

_GROUPS: Final = (_constants.SUBPATTERN, _constants.ATOMIC_GROUP)
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)


def fold(text: str) -> str:
    """The text as `ignore_case` compares it: case-folded, and Turkish i is i (dotted or not), as in `re`."""
    if text.isascii():
        return text.lower()
    return text.casefold().replace("i\u0307", "i").replace("\u0131", "i")


def compile_regex(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """Raises ValueError with what is wrong and where."""
    try:
        return re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ValueError(f"not a valid regex: {error.msg}{where}") from None
    except (RecursionError, OverflowError):
        raise ValueError("not a valid regex: it is too large or nested too deep") from None


def required_literal(pattern: str, ignore_case: bool = False) -> str | None:
    """The longest text that stands in whatever the (valid) pattern matches; None when unsure.

    Where the pattern ignores case, the literal is folded and stands in the folded text.
    """
    try:
        tree = _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError):
        return None
    ignores = bool(tree.state.flags & re.IGNORECASE)
    runs = "".join(_literals(tree, ignores)).split("\0")
    longest = max(runs, key=len)
    if len(longest) < 2 and longest.isascii():
        return None
    return fold(longest) if ignores else longest


def _literals(tree: Any, ignores: bool) -> Iterator[str]:
    """The characters that must stand one after another; NUL where something else may stand between them."""
    for operation, argument in tree:
        if operation is _constants.LITERAL:
            # Beyond ASCII, what `re` and folding take for equal differs in places.
            yield chr(argument) if argument and (argument < 128 or not ignores) else "\0"
        elif operation is _constants.AT:
            continue
        elif operation in _GROUPS and _keeps_flags(operation, argument):
            yield from _literals(_inside(operation, argument), ignores)
        elif operation in _REPEATS and argument[0] >= 1:
            yield "\0"
            yield from _literals(argument[2], ignores)
            yield "\0"
        else:
            yield "\0"


def _keeps_flags(operation: Any, argument: Any) -> bool:
    return operation is not _constants.SUBPATTERN or not (argument[1] or argument[2])


def _inside(operation: Any, argument: Any) -> Any:
    return argument[3] if operation is _constants.SUBPATTERN else argument
