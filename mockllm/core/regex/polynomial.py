"""Regexes whose time grows with a high power of the text: repeats behind each other that take the same characters.

`.*.*.*.*x` may cut up a line in n^4 ways before it gives up; `x?` thirty times over in 2^30. Apart from
`core.runaway`, which finds loops in loops on a graph: this counts on `re`'s own parse tree, for one character at
a time, how many parts of the pattern may share a run of it between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

_ONE: Final = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_USUAL: Final = "aZ5_ -\n\x00é中"
"""Characters of all classes, beside those at the edges of what the pattern names."""
MOST: Final = 1000
"""As many as need be told."""


class _Run(NamedTuple):
    """What a part makes of a run of one character: whether it may take nothing else, and how many of its repeats
    then share it; and the most that do anywhere in it."""

    through: bool
    shares: int
    most: int


_NOTHING: Final = _Run(True, 0, 0)


def overlaps(pattern: str, ignore_case: bool = False) -> int:
    """How many repeats of a (valid) pattern may share a run of some character, up to `MOST`: its time grows at
    most with that power of the run's length, and once more with that of a text it is searched in."""
    try:
        tree = _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)
        ones = _Ones(tree.state)
        ones.read(tree, tree.state.flags)
        return max(_sequence(tree, ones, letter).most for letter in ones.letters)
    except (re.error, RecursionError, OverflowError):
        return MOST


class _Ones:
    """The parts of a pattern that take one character, and which characters tell them apart."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self._known: dict[int, re.Pattern[str]] = {}
        self._kept: list[Any] = []
        self.letters = set(_USUAL)

    def read(self, tree: Any, flags: int) -> None:
        """Remembers all of a tree."""
        for node in tree:
            operation, argument = node
            if operation in _ONE:
                one = _parser.SubPattern(self._state, [node])
                self._known[id(node)] = _compiler.compile(one, flags)
                self._kept.append(node)  # so that no other gets its id
                self.letters.update(_named(operation, argument))
            own = flags
            if operation is _constants.SUBPATTERN:
                own = (flags | argument[1]) & ~argument[2]
            for below in _below(operation, argument):
                self.read(below, own)

    def take(self, node: Any, letter: str) -> bool:
        return self._known[id(node)].match(letter) is not None


def _named(operation: Any, argument: Any) -> Iterator[str]:
    """The characters that a part names, in both cases."""
    for kind, said in argument if operation is _constants.IN else ((operation, argument),):
        if kind is _constants.RANGE:
            yield from (chr(said[0]), chr(said[1]))
        elif kind in (_constants.LITERAL, _constants.NOT_LITERAL):
            yield from {chr(said), chr(said).swapcase()[:1]}


def _below(operation: Any, argument: Any) -> Sequence[Any]:
    """The parts in a part."""
    if operation is _constants.BRANCH:
        return list(argument[1])
    if operation is _constants.ATOMIC_GROUP:
        return [argument]
    if operation is _constants.GROUPREF_EXISTS:
        return [argument[1], argument[2] or []]
    if operation in (_constants.SUBPATTERN, *_REPEATS, _constants.POSSESSIVE_REPEAT):
        return [argument[-1]]
    return [argument[1]] if operation in (_constants.ASSERT, _constants.ASSERT_NOT) else []


def _sequence(tree: Any, ones: _Ones, letter: str) -> _Run:
    """Neighbours share what runs through them."""
    through, shares, most = True, 0, 0
    for node in tree:
        one = _part(node, ones, letter)
        most = max(most, one.most, shares + one.shares if one.through else 0)
        shares = shares + one.shares if one.through else 0
        through = through and one.through
    return _Run(through, min(shares, MOST) if through else 0, min(most, MOST))


def _part(node: Any, ones: _Ones, letter: str) -> _Run:
    operation, argument = node
    if operation in _ONE:
        return _Run(ones.take(node, letter), 0, 0)
    inside = [_sequence(tree, ones, letter) for tree in _below(operation, argument)]
    if operation in _REPEATS:
        return _repeat(argument[0], argument[1], inside[0])
    if operation in (_constants.ATOMIC_GROUP, _constants.POSSESSIVE_REPEAT):
        return inside[0]._replace(shares=0)  # it takes what it takes in one way
    if operation in (_constants.ASSERT, _constants.ASSERT_NOT):
        return _Run(True, 0, inside[0].most)
    if not inside:  # a place between characters, or what a group has caught
        return _NOTHING
    through = any(each.through for each in inside)
    return _Run(through, max(each.shares for each in inside), max(each.most for each in inside))


def _repeat(least: int, most: int, inside: _Run) -> _Run:
    if not inside.through:
        return inside._replace(through=least == 0)
    times = max(least, 1) if most is _constants.MAXREPEAT else most  # a loop in a loop is told elsewhere
    shares = min(inside.shares * times + (most != least), MOST)
    return _Run(True, shares, max(inside.most, shares))
