"""The base class of conditions, equality, and the conditions on texts; all but the first and `Similar` can
ignore case."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cached_property
from typing import Final

from msgspec import Struct

from mockllm.core.display import brief, brief_ends, shortened
from mockllm.core.json.codec import Json, Missing
from mockllm.core.json.equality import equal
from mockllm.core.matching import hints
from mockllm.core.regex.compile import CompiledRegex, compile_regex, fold_case, required_literal
from mockllm.core.regex.timed_search import LIMIT, MAX_TEXT, SearchTooLong
from mockllm.core.text_vectors import similarity

TOO_LONG: Final = (
    "the search ended without a result: the regex needs an engine that backtracks, which gets "
    f"{LIMIT * 1000:.0f} ms, and texts of {MAX_TEXT:,} characters at most"
)


class Condition:
    """A test on one value. Not an ABC, so that a Struct can be a condition."""

    def matches(self, value: Json | Missing) -> bool:
        """Return whether the value meets the condition. Never raises."""
        raise NotImplementedError  # pragma: no cover - abstract

    def describe(self) -> str:
        """Return the expected value in a few words."""
        raise NotImplementedError  # pragma: no cover - abstract

    def difference(self, value: Json | Missing) -> str | None:
        """Return a hint why the value does not meet the condition; None where there is no hint."""
        return None


class HasMembers(ABC):
    """A value with members that is not a JSON object."""

    @abstractmethod
    def member(self, name: str) -> Json | Missing:
        """Return the member's value; MISSING where there is none."""


class Equals(Struct, Condition, frozen=True):
    """The value equals a JSON value: 1 equals 1.0, true is not a number."""

    value: Json
    ignore_case: bool = False

    def matches(self, value: Json | Missing) -> bool:
        if self.ignore_case and isinstance(value, str) and isinstance(self.value, str):
            return fold_case(value) == fold_case(self.value)
        return equal(self.value, value)

    def describe(self) -> str:
        return brief_ends(self.value) + _case_note(self.ignore_case)

    def difference(self, value: Json | Missing) -> str | None:
        return hints.equality_hint(self.value, value)


class Contains(Struct, Condition, frozen=True):
    """The text contains a text; the list contains an item."""

    value: Json
    ignore_case: bool = False

    def matches(self, value: Json | Missing) -> bool:
        if isinstance(value, str):
            if not isinstance(self.value, str):
                return False
            return fold_case(self.value) in fold_case(value) if self.ignore_case else self.value in value
        if isinstance(value, (list, tuple)):
            same = Equals(self.value, self.ignore_case)
            return any(same.matches(item) for item in value)
        return False

    def describe(self) -> str:
        return f"contains {brief_ends(self.value)}{_case_note(self.ignore_case)}"

    def difference(self, value: Json | Missing) -> str | None:
        return hints.text_hint(self.value, value, str.__contains__)


class StartsWith(Struct, Condition, frozen=True):
    """The text starts with a text."""

    text: str
    ignore_case: bool = False

    def matches(self, value: Json | Missing) -> bool:
        if not isinstance(value, str):
            return False
        return (
            fold_case(value).startswith(fold_case(self.text))
            if self.ignore_case
            else value.startswith(self.text)
        )

    def describe(self) -> str:
        return f"starts with {brief_ends(self.text)}{_case_note(self.ignore_case)}"

    def difference(self, value: Json | Missing) -> str | None:
        return hints.text_hint(self.text, value, str.startswith)


class EndsWith(Struct, Condition, frozen=True):
    """The text ends with a text."""

    text: str
    ignore_case: bool = False

    def matches(self, value: Json | Missing) -> bool:
        if not isinstance(value, str):
            return False
        return (
            fold_case(value).endswith(fold_case(self.text)) if self.ignore_case else value.endswith(self.text)
        )

    def describe(self) -> str:
        return f"ends with {brief_ends(self.text)}{_case_note(self.ignore_case)}"

    def difference(self, value: Json | Missing) -> str | None:
        return hints.text_hint(self.text, value, str.endswith)


@dataclass(frozen=True)
class Glob(Condition):
    """The whole text matches a pattern: `*` for any text, `/` included, `?` for a character, `[abc]` for one of
    three."""

    pattern: str
    ignore_case: bool = False
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pattern = fold_case(self.pattern) if self.ignore_case else self.pattern
        object.__setattr__(self, "_compiled", re.compile(translate(pattern)))

    def matches(self, value: Json | Missing) -> bool:
        if not isinstance(value, str):
            return False
        return self._compiled.match(fold_case(value) if self.ignore_case else value) is not None

    def describe(self) -> str:
        return f"like {brief(self.pattern)}{_case_note(self.ignore_case)}"

    def difference(self, value: Json | Missing) -> str | None:
        if value == self.pattern:
            return hints.CHARACTER_SET
        if not self.ignore_case and Glob(self.pattern, True).matches(value):
            return hints.CASE
        return hints.equality_hint(self.pattern, value)


@dataclass(frozen=True)
class Regex(Condition):
    """A regex matches anywhere in the text (^ and $ anchor it). Raises ValueError on an invalid pattern."""

    pattern: str
    ignore_case: bool = False
    compiled: CompiledRegex = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", compile_regex(self.pattern, self.ignore_case))

    @cached_property
    def literal(self) -> str | None:
        """A text in every match, folded where `folded`; None where there is none, so that every text must be
        tried."""
        return required_literal(self.pattern, self.ignore_case)

    @property
    def folded(self) -> bool:
        return self.compiled.ignores_case

    @cached_property
    def in_any_case(self) -> Regex:
        """The same pattern, which ignores case."""
        return Regex(self.pattern, True)

    def matches(self, value: Json | Missing) -> bool:
        try:
            return isinstance(value, str) and self.compiled.matches(value)
        except SearchTooLong:
            return False

    def captures(self, value: Json | Missing) -> dict[str, str] | None:
        """Return the groups of the first match, as `CompiledRegex` does; None without a match."""
        try:
            return self.compiled.captures(value) if isinstance(value, str) else None
        except SearchTooLong:
            return None

    def describe(self) -> str:
        return f"matches /{shortened(self.pattern)}/{_case_note(self.ignore_case)}"

    def difference(self, value: Json | Missing) -> str | None:
        try:
            _ = isinstance(value, str) and self.compiled.matches(value)
        except SearchTooLong:
            return TOO_LONG
        if not self.folded and self.in_any_case.matches(value):
            return hints.CASE
        return hints.type_hint("", value)


class Similar(Struct, Condition, frozen=True):
    """The vector of the text is close to that of another one: their cosine is at least a number."""

    to: str
    at_least: float

    def matches(self, value: Json | Missing) -> bool:
        return isinstance(value, str) and similarity(self.to, value) >= self.at_least

    def describe(self) -> str:
        return f"similar to {brief_ends(self.to)} by {self.at_least:g}"

    def difference(self, value: Json | Missing) -> str | None:
        if not isinstance(value, str):
            return hints.type_hint("", value)
        return f"the similarity is {similarity(self.to, value):.2f}"


def _case_note(ignore_case: bool) -> str:
    return " in any case" if ignore_case else ""
