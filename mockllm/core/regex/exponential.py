"""Regexes that may take for ever: those whose loops read one text in ever more ways.

`^(a+)+$` tries each of the 2^n ways to cut up n letters before it gives up. That is so where a place in the
pattern can come back to itself by two ways that read the same characters, and something must still follow it
that may fail. Found on the graph of the pattern's places, by `re`'s own parse tree. Where that graph would not
tell the whole truth (look-arounds, back references, atomic groups, great numbers), nothing is certain; whoever
trusts a pattern only where it is certainly sound asks `doubtful`.
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
COPIES: Final = 8
"""So often a part with a number is looked at where not all must be certain."""
_ONE: Final = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_ENDS: Final = (_constants.AT_END, _constants.AT_END_STRING)
_USUAL: Final = "aZ5_ -\n\x00é中"
"""Characters of all classes, beside those at the edges of what the pattern names."""
_ANYTHING: Final = re.compile("(?s:.)")


class _Unsure(Exception):
    """The graph would not tell the whole truth."""


class _Part(NamedTuple):
    """A part of a pattern: the places where it may begin and end, and in how many ways it may be empty (0, 1, or
    2 for more)."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    empty: int


_NOTHING: Final = _Part((), (), 1)


def runaway(pattern: str, ignore_case: bool = False) -> bool:
    """Whether a (valid) pattern certainly takes exponential time on some texts."""
    try:
        tree = _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)
        return _ambiguous(_Graph(tree.state, PLACES), tree, tree.state.flags)
    except (_Unsure, re.error, RecursionError, OverflowError):
        return False


def doubtful(pattern: str, ignore_case: bool = False) -> bool:
    """Whether a (valid) pattern may take exponential time: certainly, or for all that can be told. A great number
    of repeats is taken for a few, so what many of them do to each other is told by `core.overlaps`."""
    try:
        tree = _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)
        return _ambiguous(_Rough(tree.state, 64 * PLACES), tree, tree.state.flags)
    except (_Unsure, re.error, RecursionError, OverflowError):
        return True


def _ambiguous(graph: _Graph, tree: Any, flags: int) -> bool:
    whole = graph.sequence(tree, flags)
    return graph.ambiguous(frozenset(whole.last))


class _Graph:
    """The places of a pattern, each one character (or the text's end), and in how many ways another follows."""

    def __init__(self, state: Any, places: int) -> None:
        self._state = state
        self._places = places
        self._ones: list[tuple[re.Pattern[str], ...]] = []
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
            return self._repeat(*self._numbers(least, most), inside, flags)
        if operation is _constants.SUBPATTERN:
            _, added, removed, inside = argument
            return self.sequence(inside, (flags | added) & ~removed)
        if operation is _constants.BRANCH:
            return self._either(argument[1], flags)
        if operation is _constants.AT:
            return self._place() if argument in _ENDS else _NOTHING
        return self._other(operation, argument, flags)

    def _other(self, operation: Any, argument: Any, flags: int) -> _Part:
        """What cannot be told for certain."""
        raise _Unsure

    def _numbers(self, least: int, most: int) -> tuple[int, int]:
        """How often a repeat is looked at."""
        return least, most

    def _either(self, trees: Any, flags: int) -> _Part:
        parts = [self.sequence(tree, flags) for tree in trees]
        return _Part(
            tuple(place for part in parts for place in part.first),
            tuple(place for part in parts for place in part.last),
            min(2, sum(part.empty for part in parts)),
        )

    def _one(self, operation: Any, argument: Any, flags: int) -> _Part:
        for kind, said in argument if operation is _constants.IN else ((operation, argument),):
            if kind is _constants.RANGE:
                self._alphabet |= {chr(said[0]), chr(said[1]), chr(said[1] - 1)}
            elif kind in (_constants.LITERAL, _constants.NOT_LITERAL):
                self._alphabet.add(chr(said))
        one = _parser.SubPattern(self._state, [(operation, argument)])
        return self._place(_compiler.compile(one, flags))

    def _place(self, *ones: re.Pattern[str]) -> _Part:
        """A place that takes what one of these takes."""
        if len(self._ones) == self._places:
            raise _Unsure
        self._ones.append(ones)
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
            return last._replace(empty=1)
        more = _NOTHING
        for _ in range(most - least):
            more = self._join(self.sequence(tree, flags), more)._replace(empty=1)
        return self._join(part, more)

    def _join(self, one: _Part, other: _Part) -> _Part:
        self._follow(one, other)
        return _Part(
            one.first + other.first * one.empty,
            other.last + one.last * other.empty,
            min(2, one.empty * other.empty),
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
        after = _looping(after)
        reached = {here: _reached(here, after) for here in after}
        steps, known = 0, set(done)
        for here in after:
            if here in known:
                continue
            loop = {there for there in reached[here] if here in reached.get(there, ())}
            known |= loop  # what one place of a loop tells, all tell
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
        letters = {place: self._letters(place) for place in inside}
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

    def _letters(self, place: int) -> Set[str]:
        """The characters that a place takes, of those that tell places apart."""
        alphabet = self._alphabet | {char.swapcase() for char in self._alphabet}
        return frozenset(char for char in alphabet if any(one.match(char) for one in self._ones[place]))


class _Rough(_Graph):
    """A graph that has more ways than the pattern, where it cannot be told which: it may find what is not so."""

    def _numbers(self, least: int, most: int) -> tuple[int, int]:
        if most is _constants.MAXREPEAT:
            return min(least, COPIES), most
        return min(least, COPIES), min(least, COPIES) + min(most - least, COPIES)

    def _other(self, operation: Any, argument: Any, flags: int) -> _Part:
        if operation is _constants.GROUPREF:
            return self._place(_ANYTHING)._replace(empty=1)
        if operation is _constants.GROUPREF_EXISTS:
            return self._either([argument[1], argument[2] or []], flags)
        if operation in (_constants.ASSERT, _constants.ASSERT_NOT):
            self._alone(argument[1], flags)
            return _NOTHING
        if operation is _constants.ATOMIC_GROUP:
            return self._alone(argument, flags)
        least, most, inside = argument  # a possessive repeat
        return self._alone([(_constants.MAX_REPEAT, (least, most, inside))], flags)

    def _alone(self, tree: Any, flags: int) -> _Part:
        """A part that takes what it takes in one way only, whatever follows: one place."""
        graph = _Rough(self._state, self._places)
        part = graph.sequence(tree, flags)
        if graph.ambiguous(frozenset(part.last)):
            raise _Unsure
        self._alphabet |= graph._alphabet
        here = self._place(*(one for place in part.first for one in graph._ones[place]))
        return here._replace(empty=min(1, part.empty))


def _looping(after: dict[int, list[int]]) -> dict[int, list[int]]:
    """Without those that neither come back to themselves nor stand between such: those in front, then behind."""
    for _ in range(2):
        before: dict[int, list[int]] = {}
        for here, others in after.items():
            for there in others:
                before.setdefault(there, []).append(here)
        left = {here: len(after.get(here, ())) for here in (*before, *after)}
        waiting = [here for here, others in left.items() if not others]
        while waiting:
            for here in before.get(waiting.pop(), ()):
                left[here] -= 1
                if not left[here]:
                    waiting.append(here)
        after = {
            here: [there for there in before.get(here, ()) if left[there]] for here in left if left[here]
        }
    return after


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
