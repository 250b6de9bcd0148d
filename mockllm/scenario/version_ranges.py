"""Versions of packs, and ranges of them: `1.2.0`, `^1`, `~1.2`, `>=1.2, <2`.

Semantic versioning: a version of two numbers has 0 as its third. A pre-release comes before its version and fits only
a range that names it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import total_ordering
from typing import Final

from msgspec import Struct

_NUMBER: Final = r"(?:0|[1-9]\d{0,8})"
_IDENTIFIERS: Final = r"[0-9A-Za-z]{1,20}(?:[.-][0-9A-Za-z]{1,20}){0,5}"
_VERSION: Final = re.compile(
    rf"v?({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?(?:-({_IDENTIFIERS})|((?:a|b|rc|\.dev)\d{{1,9}}))?(?:\+{_IDENTIFIERS})?"
)
_COMPARED: Final[Mapping[str, Callable[[Version, Version], bool]]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq, "!=": operator.ne
}  # fmt: skip
_PART: Final = re.compile(r"\s*(\^|~|>=|<=|==|!=|=|>|<)?\s*(\S+)\s*")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A version. `numbers` are always three; `named` is how many of them were written; `pre` is the part
    after `-`."""

    numbers: tuple[int, int, int]
    pre: tuple[str, ...] = ()
    named: int = 3

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers)) + (f"-{'.'.join(self.pre)}" if self.pre else "")

    def _order(self) -> tuple[object, ...]:
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return self.numbers, not self.pre, parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._order() == other._order()

    def __hash__(self) -> int:
        return hash(self._order())

    def __lt__(self, other: Version) -> bool:
        return self._order() < other._order()


def parse_version(text: str) -> Version:
    """Return the version of `1`, `1.2`, `1.2.0` or `v1.2.0-rc.1`. Raise ValueError with a message for users
    for other texts."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text[:40]}" is not a version; write "1.2.0"')
    major, minor, patch = (int(number or 0) for number in match.group(1, 2, 3))
    pre = match[4] or (match[5] or "").lstrip(".")
    named = 3 - match.group(1, 2, 3).count(None)
    return Version((major, minor, patch), tuple(pre.split(".")) if pre else (), named)


class VersionBound(Struct, frozen=True):
    """One half of a range."""

    sign: str
    version: Version

    def matches(self, version: Version) -> bool:
        return _COMPARED[self.sign](version, self.version)


class Range(Struct, frozen=True):
    """A range of versions: those for which all bounds hold. `text` is the range as written."""

    text: str
    bounds: tuple[VersionBound, ...]

    def __str__(self) -> str:
        return self.text

    def matches(self, version: Version) -> bool:
        """Return whether a version fits. A pre-release fits only a range that names one of the same version."""
        if version.pre and all(
            not bound.version.pre or bound.version.numbers != version.numbers for bound in self.bounds
        ):
            return False
        return all(bound.matches(version) for bound in self.bounds)


def parse_range(text: str) -> Range:
    """Return a range of versions. Raise ValueError with a message for users. A bare `1.2` is every 1.2.x,
    `1.2.0` only itself."""
    if text.strip() in ("*", ""):
        return Range("*", ())
    bounds: list[VersionBound] = []
    for part in text.split(","):
        match = _PART.fullmatch(part)
        try:
            version = parse_version(match[2] if match else part)
        except ValueError:
            message = f'"{part.strip()[:40]}" is not a range of versions; write ">=0.1" or ">=0.1, <2"'
            raise ValueError(message) from None
        bounds += _bounds((match and match[1]) or "", version)
    return Range(text.strip(), tuple(bounds))


def _bounds(sign: str, version: Version) -> list[VersionBound]:
    major, minor, patch = version.numbers
    if sign in _COMPARED or (sign in ("", "=") and version.named == 3):
        return [VersionBound(sign if sign in _COMPARED else "==", version)]
    if sign == "^":  # a change of the first number that is not 0 is incompatible
        if major or version.named == 1:
            end = (major + 1, 0, 0)
        elif minor or version.named == 2:
            end = (0, minor + 1, 0)
        else:
            end = (0, 0, patch + 1)
    else:
        end = (major + 1, 0, 0) if version.named == 1 else (major, minor + 1, 0)
    return [VersionBound(">=", version), VersionBound("<", Version(end))]
