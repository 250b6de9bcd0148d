"""Regular expressions as scenarios use them: compiled with a person's message, and their required literal.

A regex that cannot match without a certain literal is looked at only where that literal stands: ten
thousand of them then cost as much as one. Apart, because it reads `re`'s own parse tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

from mockllm.core.regex.translate import MARK, MAX_COUNT, Untranslatable, has_boundary, translate

_GROUPS: Final = (_constants.SUBPATTERN, _constants.ATOMIC_GROUP)
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)


def fold(text: str) -> str:
    """The text as `ignore_case` compares it: case-folded, and Turkish i is i (dotted or not), as in `re`."""
    if text.isascii():
        return text.lower()
    return text.casefold().replace("i\u0307", "i").replace("\u0131", "i")


class CompiledRegex:
    """A pattern in Python's syntax. RE2 searches in time linear in the text, where it can express the pattern
    (see `core.regex.translate`); `is_linear` says so. Python's engine searches otherwise."""

    __slots__ = ("_marked", "_plain", "_python")

    def __init__(self, pattern: str, ignore_case: bool = False) -> None:
        """Raises re.error, RecursionError or OverflowError where the pattern is not valid."""
        flags = re.IGNORECASE if ignore_case else 0
        self._python = re.compile(pattern, flags)
        self._plain = _Linear.of(pattern, ignore_case, marked=False)
        self._marked = self._plain
        """For texts beyond ASCII: another pattern where word boundaries must be marked."""
        if self._plain is not None and has_boundary(_parser.parse(pattern, flags)):
            self._marked = _Linear.of(pattern, ignore_case, marked=True)

    @property
    def is_linear(self) -> bool:
        """Whether each search takes time linear in the text."""
        return self._plain is not None and self._marked is not None

    @property
    def ignores_case(self) -> bool:
        return bool(self._python.flags & re.IGNORECASE)

    def matches(self, text: str) -> bool:
        """Return whether the pattern occurs anywhere in the text."""
        engine = self._plain if text.isascii() else self._marked
        return self._python.search(text) is not None if engine is None else engine.search(text) is not None

    def captures(self, text: str) -> dict[str, str] | None:
        """Return the groups of the first occurrence by number, 0 for all of it, and by name; without those that
        took no part. None where the pattern does not occur."""
        engine = self._plain if text.isascii() else self._marked
        groups = _groups(self._python.search(text)) if engine is None else engine.groups(text)
        if groups is None:
            return None
        names = {number: name for name, number in self._python.groupindex.items()}
        named = {names[number]: group for number, group in groups.items() if number in names}
        return {str(number): group for number, group in groups.items()} | named


def _groups(match: re.Match[str] | None) -> dict[int, str] | None:
    """Return the groups that took part, 0 for the whole match."""
    if match is None:
        return None
    texts = (match[0], *match.groups())
    return {number: text for number, text in enumerate(texts) if text is not None}


class _Linear:
    """A pattern that RE2 searches. `mark`: what is put at the word boundaries of a text before; or nothing."""

    __slots__ = ("_compiled", "_mark", "_numbers")

    def __init__(self, compiled: Any, numbers: tuple[int, ...], mark: str) -> None:
        self._compiled, self._numbers, self._mark = compiled, numbers, mark

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
        return cls(compiled, translation.groups, MARK if marked else "")

    def search(self, text: str) -> Any:
        """Return RE2's match of the first occurrence, or None."""
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot hold
            text = text.encode("utf-8", "replace").decode()
        return self._compiled.search(_BOUNDARY.sub(self._mark, text) if self._mark else text)

    def groups(self, text: str) -> dict[int, str] | None:
        """Return the groups that took part, 0 for the whole match, as Python counts them."""
        match = self.search(text)
        if match is None:
            return None
        found = {0: match.group()}
        for number, group in zip(self._numbers, match.groups(), strict=True):
            if number == 0:
                found[0] = found[0].removesuffix(group or "")
            elif group is not None:
                found[number] = group
        return (
            {number: group.replace(self._mark, "") for number, group in found.items()}
            if self._mark
            else found
        )


_BOUNDARY: Final = re.compile(r"\b")


def compile_regex(pattern: str, ignore_case: bool = False) -> CompiledRegex:
    """Compile a pattern. Raises ValueError with what is wrong and where."""
    try:
        return CompiledRegex(pattern, ignore_case)
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ValueError(f"not a valid regex: {error.msg}{where}") from None
    except (RecursionError, OverflowError):
        raise ValueError("not a valid regex: it is too large or nested too deep") from None


def backtracks_little(pattern: str) -> bool:
    """Return whether Python's engine searches for a (valid) pattern in time at most quadratic in the text: one
    repeat at most may take different counts, and no repeat is inside of another."""
    return _repeats(_parser.parse(pattern)) <= 1


def _repeats(tree: Any) -> int:
    """Count the repeats that may take different counts; a repeat with another inside counts as two."""
    total = 0
    for operation, argument in tree:
        if operation in _REPEATS:
            inner = _repeats(argument[2])
            varies = argument[0] != argument[1] or argument[1] > MAX_COUNT
            total += 2 * inner + varies if inner else int(varies)
        else:
            parts = argument if isinstance(argument, tuple | list) else (argument,)
            total += sum(_repeats(part) for part in _subpatterns(parts))
    return total


def _subpatterns(parts: Any) -> Iterator[Any]:
    """Yield the parse trees in an item's arguments: of groups, branches, look-arounds and conditions."""
    for part in parts:
        if isinstance(part, _parser.SubPattern):
            yield part
        elif isinstance(part, list):
            yield from _subpatterns(part)


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
