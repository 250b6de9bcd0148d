"""Texts that a regular expression matches, made from its parse tree.

Own code, since what is there makes a hundred random signs of every `.*`: here a reader shall believe the
text. Assertions are not solved: whoever asks checks the text, and asks again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from math import inf
from random import Random
from re import _constants, _parser  # type: ignore[attr-defined]
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Any, Final

from mockllm.core.budget import Budget
from mockllm.core.schema_values.document import Unsatisfiable

_ANY: Final = ascii_lowercase + digits
_SIGNS: Final = _ANY + ascii_uppercase + " -_.,:;!?/()@#$%&*+='\"<>[]{}|\\^~`\t\n"
"""What is looked through for a character outside a set; the likeliest first."""
_CATEGORIES: Final = {
    _constants.CATEGORY_DIGIT: digits,
    _constants.CATEGORY_NOT_DIGIT: ascii_letters,
    _constants.CATEGORY_SPACE: " ",
    _constants.CATEGORY_NOT_SPACE: _ANY,
    _constants.CATEGORY_WORD: ascii_letters + digits,
    _constants.CATEGORY_NOT_WORD: "-",
}
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_UNICODE: Final = {"L": "a-zA-Z", "Lu": "A-Z", "Ll": "a-z", "N": "0-9", "Nd": "0-9", "P": "!-/", "Z": " "}
_LONGEST: Final = 10_000
"""No text is longer by chance."""
_LONG: Final = 2_500
"""The length of the shortest text of a pattern from which on only the budget limits its texts."""
_HUGE: Final = 10**12
_SET_COST: Final = 8
"""So many characters of a set cost as much as one of a text."""


class Pattern:
    """A pattern as JSON Schemas have them (ECMA's), read once."""

    def __init__(self, source: str, budget: Budget) -> None:
        """Raises Impossible where it cannot be read."""
        budget.add_characters(len(source))
        self._tree, self._budget = _parsed(source), budget
        least = self._tree.getwidth()[0]
        budget.require_characters(least)
        self._longest = _LONGEST if least < _LONG else inf

    def text(self, random: Random, more: int | None = None) -> str:
        """A text. `more`: so many times more than it must, where something may be repeated; else a few."""
        try:
            return _PatternGenerator(random, more, self._budget, self._longest).said(self._tree)
        except RecursionError:
            raise Unsatisfiable("the pattern is nested too deep") from None


def _parsed(source: str) -> Any:
    """Parse a pattern. Raise Impossible where it cannot be read."""
    source = re.sub(r"\(\?<(?![=!])", "(?P<", source)
    try:
        return _parser.parse(_without_classes(source))
    except (re.error, RecursionError, OverflowError):
        raise Unsatisfiable("the pattern cannot be read") from None


@lru_cache(256)
def pattern_size(source: str) -> int:
    """Return about how many states a pattern has when it is compiled: its parts, each as often as it is repeated."""
    try:
        return _size(_parsed(source))
    except (
        Unsatisfiable,
        RecursionError,
    ):  # what only others can read: its parts, as if each repeat were around all of it
        size = len(source)
        for found in re.finditer(r"\{(?:\d{1,9},)?(\d{1,9})\}", source):
            size = min(_HUGE, size * max(1, int(found[1])))
        return size


def _size(tree: Any) -> int:
    return min(_HUGE, sum(_size_of(operation, argument) for operation, argument in tree))


def _size_of(operation: Any, argument: Any) -> int:
    if operation in _REPEATS:
        least, most, inner = argument
        times: int = max(1, least, 0 if most is _constants.MAXREPEAT else most)
        return times * _size(inner)
    if operation is _constants.SUBPATTERN:
        return _size(argument[3])
    if operation is _constants.BRANCH:
        return sum(_size(each) for each in argument[1])
    if operation in (_constants.ASSERT, _constants.ASSERT_NOT):
        return _size(argument[1])
    if operation is _constants.ATOMIC_GROUP:
        return _size(argument)
    return 1


def _without_classes(source: str) -> str:
    """Unicode's classes as ranges of ASCII, inside brackets and outside."""
    seen = depth = 0

    def ranges(found: re.Match[str]) -> str:
        nonlocal seen, depth
        depth += source.count("[", seen, found.start()) - source.count("]", seen, found.start())
        seen = found.start()
        within = depth > 0
        known = _UNICODE.get(found[2], "a-zA-Z")
        return known if within else f"[{'^' if found[1] == 'P' else ''}{known}]"

    return re.sub(r"\\([pP])\{(\w+)(?:=\w+)?\}", ranges, source)


class _PatternGenerator:
    def __init__(self, random: Random, more: int | None, budget: Budget, longest: float) -> None:
        self._random, self._more = random, more
        self._budget, self._longest = budget, longest
        self._groups: dict[int, str] = {}
        self._length = 0

    def said(self, tree: Any) -> str:
        return "".join([self._one(operation, argument) for operation, argument in tree])

    def _one(self, operation: Any, argument: Any) -> str:
        self._budget.add_characters(1)
        if operation is _constants.LITERAL:
            return chr(argument)
        if operation is _constants.NOT_LITERAL:
            return self._choice([sign for sign in _ANY if ord(sign) != argument])
        if operation is _constants.ANY:
            return self._choice(_ANY)
        if operation is _constants.IN:
            return self._of_set(argument)
        if operation in _REPEATS:
            return self._repeated(*argument)
        if operation is _constants.SUBPATTERN:
            group, _, _, inner = argument
            self._groups[group] = said = self.said(inner)
            return said
        if operation is _constants.BRANCH:
            return self.said(self._random.choice(argument[1]))
        if operation is _constants.GROUPREF:
            said = self._groups.get(argument, "")
            self._budget.add_characters(len(said))
            return said
        return ""  # an assertion: whoever asked checks

    def _repeated(self, least: int, most: int, inner: Any) -> str:
        if least > self._longest:
            raise Unsatisfiable("the pattern is too long")
        more = self._random.randint(0, 4) if self._more is None else self._more
        said = []
        for _ in range(min(most, least + more)):
            said.append(self.said(inner))
            self._length += len(said[-1]) + 1
            self._budget.add_characters(len(said[-1]))
            if self._length > self._longest:
                raise Unsatisfiable("the pattern is too long")
        return "".join(said)

    def _of_set(self, members: Sequence[tuple[Any, Any]]) -> str:
        signs: list[str] = []
        negated = members[0][0] is _constants.NEGATE
        for operation, argument in members:
            if operation is _constants.LITERAL:
                signs.append(chr(argument))
            elif operation is _constants.RANGE:
                signs += _range(argument[0], argument[1], self._random)
            elif operation is _constants.CATEGORY:
                signs += _CATEGORIES[argument]
        self._budget.add_characters(len(signs) // _SET_COST)
        if not negated:
            return self._choice(signs)
        taken = set(signs)
        left = [sign for sign in _SIGNS if sign not in taken]
        return self._choice(left[: len(_ANY)] if left else ["é"])

    def _choice(self, signs: Sequence[str]) -> str:
        return self._random.choice(signs)


def _range(first: int, last: int, random: Random) -> list[str]:
    """The characters of a range; of a long one some."""
    few = last - first < 256
    codes = range(first, last + 1) if few else [random.randint(first, last) for _ in range(64)]
    return [chr(code) for code in codes if not 0xD800 <= code < 0xE000] or [chr(first)]
