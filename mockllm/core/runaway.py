"""Regexes that may take for ever: those whose loops read one text in ever more ways.

`^(a+)+$` tries each of the 2^n ways to cut up n letters before it gives up. That is so where a place in the
pattern can come back to itself by two ways that read the same characters, and something must still follow it
that may fail. Found on the graph of the pattern's places, by `re`'s own parse tree; where that graph would
not tell the whole truth (look-arounds, back references, atomic groups), nothing is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Set
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

PLACES: Final = 64
STEPS: Final = 100_000
"""A larger pattern, or a longer search, is left alone."""
_ONE: Final = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_ENDS: Final = (_constants.AT_END, _constants.AT_END_STRING)
_USUAL: Final = "aZ5_ -\n\x00é中"
"""Characters of all classes, beside those at the edges of what the pattern names."""


class _Unsure(Exception):
    """The graph would not tell the whole truth."""


class _Part(NamedTuple):
    """A part of a pattern: the places where it may begin and end, and whether it may be empty."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    empty: bool


_NOTHING: Final = _Part((), (), True)


def runaway(pattern: str, ignore_case: bool = False) -> bool:
    """Whether a (valid) pattern certainly takes exponential time on some texts."""
    try:
        tree = _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)
        graph = _Graph(tree.state)
        whole = graph.sequence(tree, tree.state.flags)
        return graph.ambiguous(frozenset(whole.last))
    except (_Unsure, re.error, RecursionError, OverflowError):
        return False


class _Graph:
    """The places of a pattern, each one character (or the text's end), and in how many ways another follows."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self._ones: list[re.Pattern[str] | None] = []
        self._ways: Counter[tuple[int, int]] = Counter()
        self._alphabet = set(_USUAL)

    # --- from the parse tree -------------------------------------------------------------------

    def sequence(self, tree: Any, flags: int) -> _Part:
        part = _NOTHING
        for operation, argument in tree:
            part = self._join(part, self._part(operation, argument, flags))
        return part

    def _part(self, operation: Any, argument: Any, flags: int) -> _Part:
        if operation in _ONE:
            return self._one(operation, argument, flags)
        if operation in _REPEATS:
            least, most, inside = argument
            return self._repeat(least, most, inside, flags)
        if operation is _constants.SUBPATTERN:
            _, added, removed, inside = argument
            return self.sequence(inside, (flags | added) & ~removed)
        if operation is _constants.BRANCH:
            parts = [self.sequence(tree, flags) for tree in argument[1]]
            return _Part(
                tuple(place for part in parts for place in part.first),
                tuple(place for part in parts for place in part.last),
                any(part.empty for part in parts),
            )
        if operation is _constants.AT:
            return self._place(None) if argument in _ENDS else _NOTHING
        raise _Unsure

    def _one(self, operation: Any, argument: Any, flags: int) -> _Part:
        for kind, said in argument if operation is _constants.IN else ((operation, argument),):
            if kind is _constants.RANGE:
                self._alphabet |= {chr(said[0]), chr(said[1]), chr(said[1] - 1)}
            elif kind in (_constants.LITERAL, _constants.NOT_LITERAL):
                self._alphabet.add(chr(said))
        one = _parser.SubPattern(self._state, [(operation, argument)])
        return self._place(_compiler.compile(one, flags))

    def _place(self, one: re.Pattern[str] | None) -> _Part:
        if len(self._ones) == PLACES:
            raise _Unsure
        self._ones.append(one)
        here = (len(self._ones) - 1,)
        return _Part(here, here, False)

    def _repeat(self, least: int, most: int, tree: Any, flags: int) -> _Part:
        part = last = _NOTHING
        for _ in range(least):
            last = self.sequence(tree, flags)
            part = self._join(part, last)
        if most is _constants.MAXREPEAT:
            if least:
                self._follow(last, last)
                return part
            last = self.sequence(tree, flags)
            self._follow(last, last)
            return last._replace(empty=True)
        more = _NOTHING
        for _ in range(most - least):
            more = self._join(self.sequence(tree, flags), more)._replace(empty=True)
        return self._join(part, more)

    def _join(self, one: _Part, other: _Part) -> _Part:
        self._follow(one, other)
        return _Part(
            one.first + other.first * one.empty,
            other.last + one.last * other.empty,
            one.empty and other.empty,
        )

    def _follow(self, one: _Part, other: _Part) -> None:
        self._ways.update((before, after) for before in one.last for after in other.first)

    # --- what it tells -------------------------------------------------------------------------

    def ambiguous(self, done: Set[int]) -> bool:
        """Whether a place comes back to itself by two ways that read the same. `done` are those where the
        pattern may end: behind them nothing can fail."""
        after: dict[int, list[int]] = {}
        for here, there in self._ways:
            after.setdefault(here, []).append(there)
        reached = {here: _reached(here, after) for here in after}
        steps = 0
        for here in after.keys() - done:
            loop = {there for there in reached[here] if here in reached.get(there, ())}
            inside = {there: [each for each in after[there] if each in loop] for there in loop}
            for again in self._returns(here, inside) if loop else ():
                steps += 1
                if again:
                    return True
                if steps > STEPS:
                    raise _Unsure
        return False

    def _returns(self, here: int, inside: dict[int, list[int]]) -> Iterator[bool]:
        """Walks both ways at once through a loop; true where both have come back and were apart meanwhile."""
        letters = self._letters(inside)
        seen = {(here, here, False)}
        waiting = [(here, here, False)]
        while waiting:
            one, other, apart = waiting.pop()
            for left in inside[one]:
                for right in inside[other]:
                    double = one == other and left == right and self._ways[one, left] > 1
                    parted = apart or left != right or double
                    step = (left, right, parted)
                    yield step == (here, here, True) and bool(letters[here])
                    if step not in seen and letters[left] & letters[right]:
                        seen.add(step)
                        waiting.append(step)

    def _letters(self, places: dict[int, list[int]]) -> dict[int, Set[str]]:
        """The characters that each place takes, of those that tell places apart."""
        alphabet = self._alphabet | {char.swapcase() for char in self._alphabet}
        return {
            place: frozenset(char for char in alphabet if one is not None and one.match(char))
            for place in places
            for one in (self._ones[place],)
        }


def _reached(here: int, after: dict[int, list[int]]) -> Set[int]:
    """The places that can come behind one."""
    found: set[int] = set()
    waiting = [here]
    while waiting:
        for there in after.get(waiting.pop(), ()):
            if there not in found:
                found.add(there)
                waiting.append(there)
    return found
