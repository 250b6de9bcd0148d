"""Hints that explain why a value does not meet a condition: the case differs, white space differs, or a typo.

A hint is a few words. Hints are made only for near misses and explanations, so difflib is imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, NamedTuple

from mockllm.core.display import brief, kind
from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.equality import subset
from mockllm.core.json.path_evaluation import TOO_LARGE
from mockllm.core.regex.compile import fold_case

CASE: Final = "only the case differs"
SPACE: Final = "only white space differs"
TYPO: Final = "nearly the same: a typing error?"
WILDCARD: Final = '"*" is plain text here; for a pattern write {glob: …}'
CHARACTER_SET: Final = "[…] is a set of characters in a pattern: write [[] for ["
_MAX_WILDCARDS: Final = 2
_MAX_WORD_LENGTH: Final = 60
"""Longer texts are not names that may be misspelt."""
MAX_TEXT_LENGTH: Final = 100_000
"""Longer texts get no hint: each near miss would read the whole text again."""


class TextForms(NamedTuple):
    """The forms in which a text is compared for a hint. `folded` is in one case, and `spaced` has single spaces
    between its words. `bare` has no white space, and `folded_bare` is in one case without white space."""

    folded: str
    spaced: str
    bare: str
    folded_bare: str


@lru_cache(16)  # a text of a request is compared with the conditions of many rules
def forms(text: str) -> TextForms:
    """Return the forms of a text."""
    folded, words = fold_case(text), text.split()
    return TextForms(folded, " ".join(words), "".join(words), "".join(folded.split()))


def nearest_word(word: Json | Missing, words: Sequence[str]) -> str | None:
    """Return the most similar of the words, or None where none is similar."""
    if not isinstance(word, str) or len(word) > _MAX_WORD_LENGTH:
        return None
    from difflib import get_close_matches

    matches = get_close_matches(word, words, 1, 0.75)
    return matches[0] if matches else None


def type_hint(expected: Json, value: Json | Missing) -> str | None:
    """Return a hint where the value has another type than the expected one."""
    if value is MISSING or value is TOO_LARGE or kind(expected) == kind(value):
        return None
    return f"it is {kind(value)}, not {kind(expected)}"


def equality_hint(expected: Json, value: Json | Missing) -> str | None:
    """Return a hint where the value nearly equals the expected one."""
    if not isinstance(expected, str) or not isinstance(value, str):
        return type_hint(expected, value)
    if len(value) > MAX_TEXT_LENGTH:
        return None
    if fold_case(expected) == forms(value).folded:
        return CASE
    if "".join(expected.split()) == forms(value).bare:
        return SPACE
    if 0 < expected.count("*") <= _MAX_WILDCARDS and fnmatchcase(value, expected):
        return WILDCARD
    if max(len(expected), len(value)) > _MAX_WORD_LENGTH:
        return None
    from difflib import SequenceMatcher

    return TYPO if SequenceMatcher(None, fold_case(expected), fold_case(value)).ratio() >= 0.8 else None


def text_hint(part: Json, value: Json | Missing, contains: Callable[[str, str], bool]) -> str | None:
    """Return a hint where a text nearly contains a part. `contains(text, part)` is the condition's own test."""
    if not isinstance(part, str) or not isinstance(value, str):
        return None if isinstance(value, (list, tuple)) else type_hint(part, value)
    if len(value) > MAX_TEXT_LENGTH:
        return None
    if contains(forms(value).folded, fold_case(part)):
        return CASE
    if contains(forms(value).spaced, " ".join(part.split())):
        return SPACE
    return None


def subset_hint(part: Json, value: Json | Missing) -> str | None:
    """Return a hint that names the first member that is missing or different."""
    if not isinstance(part, dict) or not isinstance(value, dict):
        return type_hint(part, value)
    for key, item in part.items():
        if key not in value:
            return f"{brief(key)} is missing"
        if not subset(item, value[key]):
            return f"{brief(key)} is {brief(value[key])}"
    return None
