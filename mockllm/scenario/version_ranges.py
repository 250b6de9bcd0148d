"""Versions of packs, and ranges of them: `1.2.0`, `^1`, `~1.2`, `>=1.2, <2`.

Apart from manifests and locks, because both say them, and so does every `use`. Semantic versioning: a version
of two numbers has a third, 0; a pre-release comes before its version and is taken only where it is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Final

from msgspec import Struct

_NUMBER: Final = r"(?:0|[1-9]\d{0,8})"
_WORDS: Final = r"[0-9A-Za-z]{1,20}(?:[.-][0-9A-Za-z]{1,20}){0,5}"
_VERSION: Final = re.compile(
    rf"v?({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?(?:-({_WORDS})|((?:a|b|rc|\.dev)\d{{1,9}}))?(?:\+{_WORDS})?"
)
_PART: Final = re.compile(r"\s*(\^|~|>=|<=|==|!=|=|>|<)?\s*(\S+)\s*")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """`numbers` are always three; `named` is how many of them were written; `pre` is what stands behind `-`."""

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
    """`1`, `1.2`, `1.2.0`, `v1.2.0-rc.1`; ValueError with a person's message for what is none."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text[:40]}" is no version; write "1.2.0"')
    numbers = [found[1], found[2], found[3]]
    named = sum(number is not None for number in numbers)
    one, two, three = (int(number or 0) for number in numbers)
    pre = found[4] or (found[5] or "").lstrip(".")
    return Version((one, two, three), tuple(pre.split(".")) if pre else (), named)


class Bound(Struct, frozen=True):
    """One half of a range."""

    sign: str
    version: Version

    def holds(self, version: Version) -> bool:
        return {
            ">=": version >= self.version,
            "<=": version <= self.version,
            ">": version > self.version,
            "<": version < self.version,
            "==": version == self.version,
            "!=": version != self.version,
        }[self.sign]


class Range(Struct, frozen=True):
    """Versions that fit: those for which all bounds hold. `text` is how it was written."""

    text: str
    bounds: tuple[Bound, ...]

    def __str__(self) -> str:
        return self.text

    def holds(self, version: Version) -> bool:
        """Whether it fits. A pre-release fits only a range that names one of the same version."""
        if version.pre and all(
            not bound.version.pre or bound.version.numbers != version.numbers for bound in self.bounds
        ):
            return False
        return all(bound.holds(version) for bound in self.bounds)


def parse_range(text: str) -> Range:
    """A range of versions; ValueError with a person's message. A bare `1.2` is every 1.2.x, `1.2.0` itself."""
    if text.strip() in ("*", ""):
        return Range("*", ())
    bounds: list[Bound] = []
    for part in text.split(","):
        found = _PART.fullmatch(part)
        try:
            version = parse_version(found[2] if found else part)
        except ValueError:
            message = f'"{part.strip()[:40]}" is not a range of versions; write ">=0.1" or ">=0.1, <2"'
            raise ValueError(message) from None
        bounds += _bounds((found and found[1]) or "", version)
    return Range(text.strip(), tuple(bounds))


def _bounds(sign: str, version: Version) -> list[Bound]:
    one, two, three = version.numbers
    if sign in (">=", "<=", ">", "<", "!=", "==") or (sign in ("", "=") and version.named == 3):
        return [Bound(sign if sign not in ("", "=") else "==", version)]
    if sign == "^":  # what changes the first number that is not 0 breaks something
        if one or version.named == 1:
            end = (one + 1, 0, 0)
        elif two or version.named == 2:
            end = (0, two + 1, 0)
        else:
            end = (0, 0, three + 1)
    else:
        end = (one + 1, 0, 0) if version.named == 1 else (one, two + 1, 0)
    return [Bound(">=", version), Bound("<", Version(end))]
