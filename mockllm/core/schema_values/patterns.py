"""The generation of texts that match a regular expression, from its parse tree.

Libraries generate a hundred random characters for every `.*`; these texts look realistic. Assertions are ignored: the
caller validates the text, and requests another one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from math import inf
from random import Random
from re import _constants, _parser  # type: ignore[attr-defined]
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Final, Protocol, cast

from mockllm.core.budget import Budget
from mockllm.core.json.schema import Validator, validator
from mockllm.core.regex.compile import varying_repeats
from mockllm.core.regex.translate import (
    AssertionArgument,
    AtomicGroupArgument,
    BranchArgument,
    GroupArgument,
    RangeArgument,
    RepeatArgument,
    SetArgument,
    TreeItem,
)
from mockllm.core.schema_values.document import Schema, Unsatisfiable, patterns
from mockllm.core.text_cache import text_cache

_ANY: Final = ascii_lowercase + digits
_CHARS: Final = _ANY + ascii_uppercase + " -_.,:;!?/()@#$%&*+='\"<>[]{}|\\^~`\t\n"
"""The candidates for a character outside a set, the most usual first."""
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
_MAX_LENGTH: Final = 10_000
"""The maximum length of a text, unless the pattern requires a long one."""
_LONG: Final = 2_500
"""A pattern whose shortest text is so long has no maximum length but the budget."""
_MAX_SIZE: Final = 10**12
_COMPILE_COST: Final = 10
"""The cost in characters of compiling one state of a pattern."""
_SHORT: Final = 256
_PARSE_COST: Final = 10
"""The characters of a pattern that cost one each to parse, and what each further one costs."""
_STEPS_PER_CHARACTER: Final = 1_000
_AMBIGUOUS_STEPS_PER_CHARACTER: Final = 2
"""Steps of matching a pattern that cost as much as one character, where few or all states are active at once."""
_MAX_CACHED: Final = 256
_MAX_CACHED_LENGTH: Final = 20_000
"""The most patterns whose sizes are cached, and the characters of one: each text that is matched needs its size."""
_SET_CHARACTERS_PER_CHARACTER: Final = 8
"""Characters of a set that cost as much as one of a text."""


class ParsedPattern(Protocol):
    """A parse tree of `re`, which has no types."""

    def __iter__(self) -> Iterator[TreeItem]:
        """Return the items in order."""

    def getwidth(self) -> tuple[int, int]:
        """Return the least and the greatest length of a match."""


class Pattern:
    """A parsed pattern of a JSON Schema (in ECMA's syntax)."""

    def __init__(self, source: str, budget: Budget) -> None:
        """Raise Unsatisfiable where the pattern cannot be parsed."""
        budget.add_characters(len(source) + _PARSE_COST * max(0, len(source) - _SHORT))
        self._tree, self._budget = _parsed(source), budget
        least = self._tree.getwidth()[0]
        budget.require_characters(least)
        self._max_length = _MAX_LENGTH if least < _LONG else inf

    def text(self, random: Random, more: int | None = None) -> str:
        """Return a text. `more`: the repetitions beyond the minimum of each repeat; None for a few."""
        try:
            return _PatternGenerator(random, more, self._budget, self._max_length).generate(self._tree)
        except RecursionError:
            raise Unsatisfiable("the pattern is nested too deep") from None


def _parsed(source: str) -> ParsedPattern:
    """Parse a pattern. Raise Unsatisfiable where that is impossible."""
    source = re.sub(r"\(\?<(?![=!])", "(?P<", source)
    try:
        tree: ParsedPattern = _parser.parse(_without_classes(source))
    except (re.error, RecursionError, OverflowError):
        raise Unsatisfiable("the pattern cannot be read") from None
    return tree


def add_compile_cost(sources: Collection[str], budget: Budget) -> None:
    """Count the cost of compiling patterns. Raise BudgetExceeded, before any is read where they are too long."""
    budget.require_patterns(sum(map(len, sources)))
    budget.add_characters(_COMPILE_COST * sum(map(pattern_size, sources)))


def budgeted_validator(root: Schema, budget: Budget) -> Validator:
    """Return the validator of a normalized schema. Raise BudgetExceeded where its patterns are too much work to
    compile, ValueError where the schema is invalid."""
    add_compile_cost(tuple(patterns(root)), budget)
    return validator(root)


def match_cost(source: str, length: int) -> int:
    """Return the cost in characters of matching a pattern with a text of this length.

    Matching takes a step for each character and each state that may be active. With at most one repeat of varying
    counts few states are active; with several, all may be.
    """
    return length * pattern_size(source) // steps_per_character(source)


@text_cache(_MAX_CACHED, _MAX_CACHED_LENGTH)  # clients repeat their schemas
def steps_per_character(source: str) -> int:
    """Return how many steps of matching a pattern cost as much as one character."""
    try:
        few = varying_repeats(_parsed(source)) <= 1
    except (Unsatisfiable, RecursionError):
        few = False
    return _STEPS_PER_CHARACTER if few else _AMBIGUOUS_STEPS_PER_CHARACTER


@text_cache(_MAX_CACHED, _MAX_CACHED_LENGTH)  # clients repeat their schemas
def pattern_size(source: str) -> int:
    """Return about how many states a compiled pattern has: its parts, each times its repetitions. Where `re`
    cannot parse the pattern, each repeat counts for the whole pattern."""
    try:
        return _size(_parsed(source))
    except (Unsatisfiable, RecursionError):
        size = len(source)
        for match in re.finditer(r"\{(?:\d{1,9},)?(\d{1,9})\}", source):
            size = min(_MAX_SIZE, size * max(1, int(match[1])))
        return size


def _size(tree: Iterable[TreeItem]) -> int:
    return min(_MAX_SIZE, sum(_size_of(operation, argument) for operation, argument in tree))


def _size_of(operation: object, argument: object) -> int:
    if operation in _REPEATS:
        least, most, inner = cast(RepeatArgument, argument)
        times = max(1, least, 0 if most is _constants.MAXREPEAT else most)
        return times * _size(inner)
    if operation is _constants.SUBPATTERN:
        return _size(cast(GroupArgument, argument)[3])
    if operation is _constants.BRANCH:
        return sum(_size(branch) for branch in cast(BranchArgument, argument)[1])
    if operation in (_constants.ASSERT, _constants.ASSERT_NOT):
        return _size(cast(AssertionArgument, argument)[1])
    if operation is _constants.ATOMIC_GROUP:
        return _size(cast(AtomicGroupArgument, argument))
    return 1


def _without_classes(source: str) -> str:
    """Return the pattern with ranges of ASCII in place of Unicode's classes, inside brackets and outside."""
    seen = depth = 0

    def ranges(match: re.Match[str]) -> str:
        nonlocal seen, depth
        depth += source.count("[", seen, match.start()) - source.count("]", seen, match.start())
        seen = match.start()
        characters = _UNICODE.get(match[2], "a-zA-Z")
        return characters if depth > 0 else f"[{'^' if match[1] == 'P' else ''}{characters}]"

    return re.sub(r"\\([pP])\{(\w+)(?:=\w+)?\}", ranges, source)


class _PatternGenerator:
    """The generation of one text."""

    def __init__(self, random: Random, more: int | None, budget: Budget, max_length: float) -> None:
        self._random, self._more = random, more
        self._budget, self._max_length = budget, max_length
        self._groups: dict[int | None, str] = {}
        self._length = 0

    def generate(self, tree: Iterable[TreeItem]) -> str:
        return "".join([self._one(operation, argument) for operation, argument in tree])

    def _one(self, operation: object, argument: object) -> str:
        self._budget.add_characters(1)
        if operation is _constants.LITERAL:
            return chr(cast(int, argument))
        if operation is _constants.NOT_LITERAL:
            return self._random.choice([char for char in _ANY if ord(char) != argument])
        if operation is _constants.ANY:
            return self._random.choice(_ANY)
        if operation is _constants.IN:
            return self._of_set(cast(SetArgument, argument))
        if operation in _REPEATS:
            return self._repeated(*cast(RepeatArgument, argument))
        if operation is _constants.SUBPATTERN:
            group, _, _, inner = cast(GroupArgument, argument)
            self._groups[group] = text = self.generate(inner)
            return text
        if operation is _constants.BRANCH:
            return self.generate(self._random.choice(cast(BranchArgument, argument)[1]))
        if operation is _constants.GROUPREF:
            text = self._groups.get(cast(int, argument), "")
            self._budget.add_characters(len(text))
            return text
        return ""  # an assertion: the caller validates the text

    def _repeated(self, least: int, most: int, inner: Iterable[TreeItem]) -> str:
        if least > self._max_length:
            raise Unsatisfiable("the pattern is too long")
        more = self._random.randint(0, 4) if self._more is None else self._more
        texts = []
        for _ in range(min(most, least + more)):
            texts.append(self.generate(inner))
            self._length += len(texts[-1]) + 1
            self._budget.add_characters(len(texts[-1]))
            if self._length > self._max_length:
                raise Unsatisfiable("the pattern is too long")
        return "".join(texts)

    def _of_set(self, members: SetArgument) -> str:
        chars: list[str] = []
        negated = members[0][0] is _constants.NEGATE
        for operation, argument in members:
            if operation is _constants.LITERAL:
                chars.append(chr(cast(int, argument)))
            elif operation is _constants.RANGE:
                chars += _range(*cast(RangeArgument, argument), self._random)
            elif operation is _constants.CATEGORY:
                chars += _CATEGORIES[argument]
        self._budget.add_characters(len(chars) // _SET_CHARACTERS_PER_CHARACTER)
        if not negated:
            return self._random.choice(chars)
        excluded = set(chars)
        left = [char for char in _CHARS if char not in excluded]
        return self._random.choice(left[: len(_ANY)] if left else ["é"])


def _range(first: int, last: int, random: Random) -> list[str]:
    """Return the characters of a range; a random sample of a long one."""
    few = last - first < 256
    codes = range(first, last + 1) if few else [random.randint(first, last) for _ in range(64)]
    return [chr(code) for code in codes if not 0xD800 <= code < 0xE000] or [chr(first)]
