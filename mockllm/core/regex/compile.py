"""The compilation of regular expressions with messages for a person, and their required literals.

A regex that cannot match without a certain literal is tried only for texts with that literal. Ten thousand
regexes then cost as much as one. The module is separate because it reads `re`'s own parse tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Final, Protocol, cast

from mockllm.core.regex.timed_search import RegexMatch, TimedSearch
from mockllm.core.regex.translate import (
    BOUNDARY_MARKER,
    MAX_COUNT,
    AtomicGroupArgument,
    GroupArgument,
    RepeatArgument,
    TreeItem,
    Untranslatable,
    has_boundary,
    translate,
)

_GROUPS: Final = (_constants.SUBPATTERN, _constants.ATOMIC_GROUP)
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)


def fold_case(text: str) -> str:
    """Return the text for comparisons with `ignore_case`: case-folded, with one i for Turkish i's, as in `re`."""
    if text.isascii():
        return text.lower()
    return text.casefold().replace("i\u0307", "i").replace("\u0131", "i")


class CompiledRegex:
    """A pattern in Python's syntax. RE2 searches in time linear in the text, where it can express the pattern (see
    `core.regex.translate` and `is_linear`). Otherwise an engine that backtracks searches, for a limited time."""

    __slots__ = ("_marked", "_plain", "_python", "_timed")

    def __init__(self, pattern: str, ignore_case: bool = False) -> None:
        """Raise re.error, RecursionError or OverflowError where the pattern is not valid."""
        flags = re.IGNORECASE if ignore_case else 0
        self._python = re.compile(pattern, flags)
        self._plain = _Linear.of(pattern, ignore_case, marked=False)
        self._marked = self._plain
        """The pattern for texts with other characters than ASCII: different where word boundaries must be marked."""
        if self._plain is not None and has_boundary(_parser.parse(pattern, flags)):
            self._marked = _Linear.of(pattern, ignore_case, marked=True)
        self._timed = None if self.is_linear else TimedSearch(pattern, flags)

    @property
    def is_linear(self) -> bool:
        """Whether each search takes time linear in the text."""
        return self._plain is not None and self._marked is not None

    @property
    def ignores_case(self) -> bool:
        return bool(self._python.flags & re.IGNORECASE)

    def matches(self, text: str) -> bool:
        """Return whether the pattern occurs anywhere in the text. Raise SearchTooLong."""
        return self._engine(text).search(text) is not None

    def captures(self, text: str) -> dict[str, str] | None:
        """Return the groups of the first occurrence by number, 0 for the whole match, and by name. A group without
        a match is left out. Return None where the pattern does not occur. Raise SearchTooLong."""
        groups = self._engine(text).groups(text)
        if groups is None:
            return None
        names = {number: name for name, number in self._python.groupindex.items()}
        named = {names[number]: group for number, group in groups.items() if number in names}
        return {str(number): group for number, group in groups.items()} | named

    def _engine(self, text: str) -> _Linear | TimedSearch:
        engine = (self._plain if text.isascii() else self._marked) or self._timed
        assert engine is not None, "a pattern has one of them for each text"
        return engine


class _Re2Pattern(Protocol):
    """A pattern that RE2 compiled; its package has no types."""

    def search(self, text: str) -> RegexMatch | None:
        """Return the first occurrence."""


class _Linear:
    """A pattern for RE2. `marker`: the character that marks the word boundaries of a text; empty for none."""

    __slots__ = ("_compiled", "_marker", "_numbers")

    def __init__(self, compiled: _Re2Pattern, numbers: tuple[int, ...], marker: str) -> None:
        self._compiled, self._numbers, self._marker = compiled, numbers, marker

    @classmethod
    def of(cls, pattern: str, ignore_case: bool, *, marked: bool) -> _Linear | None:
        """Compile a pattern; None where it has no RE2 form or needs more memory than RE2 takes."""
        import re2  # 4 ms that a start without a regex does not need

        options = re2.Options()
        options.log_errors = False
        try:
            translation = translate(pattern, ignore_case, marked=marked)
            compiled = re2.compile(translation.pattern, options)
        except (Untranslatable, re2.error):
            return None
        return cls(compiled, translation.groups, BOUNDARY_MARKER if marked else "")

    def search(self, text: str) -> RegexMatch | None:
        """Return RE2's match of the first occurrence, or None."""
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot hold
            text = text.encode("utf-8", "replace").decode()
        return self._compiled.search(_BOUNDARY.sub(self._marker, text) if self._marker else text)

    def groups(self, text: str) -> dict[int, str] | None:
        """Return the groups with a match by Python's numbers, 0 for the whole match."""
        match = self.search(text)
        if match is None:
            return None
        result = {0: match.group()}
        for number, group in zip(self._numbers, match.groups(), strict=True):
            if number == 0:
                result[0] = result[0].removesuffix(group or "")
            elif group is not None:
                result[number] = group
        return (
            {number: group.replace(self._marker, "") for number, group in result.items()}
            if self._marker
            else result
        )


_BOUNDARY: Final = re.compile(r"\b")


def compile_regex(pattern: str, ignore_case: bool = False) -> CompiledRegex:
    """Return the compiled pattern. Raise ValueError with the error and its place."""
    try:
        return CompiledRegex(pattern, ignore_case)
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        if error.msg.startswith("unknown extension ?<"):
            where += "; a named group is (?P<name>…)"
        raise ValueError(f"not a valid regex: {error.msg}{where}") from None
    except (RecursionError, OverflowError):
        raise ValueError("not a valid regex: it is too large or nested too deep") from None


def backtracks_little(pattern: str) -> bool:
    """Return whether an engine that backtracks searches for a (valid) pattern in time at most quadratic in the text.
    Then at most one repeat has different counts, and no repeat is inside of another."""
    return varying_repeats(_parser.parse(pattern)) <= 1


def varying_repeats(tree: Iterable[TreeItem]) -> int:
    """Return how many repeats of a parse tree may take different counts; one with another inside counts as two."""
    total = 0
    for operation, argument in tree:
        if operation in _REPEATS:
            least, most, part = cast(RepeatArgument, argument)
            inner = varying_repeats(part)
            varies = least != most or most > MAX_COUNT
            total += 2 * inner + varies if inner else int(varies)
        else:
            parts = argument if isinstance(argument, tuple | list) else (argument,)
            total += sum(varying_repeats(each) for each in _subpatterns(parts))
    return total


def _subpatterns(parts: Iterable[object]) -> Iterator[Iterable[TreeItem]]:
    """Yield the parse trees in an item's arguments: of groups, branches, look-arounds and conditions."""
    for part in parts:
        if isinstance(part, _parser.SubPattern):
            yield part
        elif isinstance(part, list):
            yield from _subpatterns(part)


def required_literal(pattern: str, ignore_case: bool = False) -> str | None:
    """Return the longest text that every match of the (valid) pattern contains; None when uncertain. Where the
    pattern ignores case, the literal is folded, and the folded text contains it."""
    try:
        tree = _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError):
        return None
    ignores = bool(tree.state.flags & re.IGNORECASE)
    runs = "".join(_literals(tree, ignores)).split("\0")
    longest = max(runs, key=len)
    if len(longest) < 2 and longest.isascii():
        return None
    return fold_case(longest) if ignores else longest


def _literals(tree: Iterable[TreeItem], ignores: bool) -> Iterator[str]:
    """Yield the characters that must follow each other; NUL where other characters may be between them."""
    for operation, argument in tree:
        if operation is _constants.LITERAL:
            # Outside of ASCII, `re` and folding differ in some characters.
            code = cast(int, argument)
            yield chr(code) if code and (code < 128 or not ignores) else "\0"
        elif operation is _constants.AT:
            continue
        elif operation in _GROUPS and (inner := _inside(operation, argument)) is not None:
            yield from _literals(inner, ignores)
        elif operation in _REPEATS and (repeat := cast(RepeatArgument, argument))[0] >= 1:
            yield "\0"
            yield from _literals(repeat[2], ignores)
            yield "\0"
        else:
            yield "\0"


def _inside(operation: object, argument: object) -> Iterable[TreeItem] | None:
    """Return the parse tree of a group; None where it has its own flags."""
    if operation is _constants.ATOMIC_GROUP:
        return cast(AtomicGroupArgument, argument)
    _, added, removed, tree = cast(GroupArgument, argument)
    return None if added or removed else tree
