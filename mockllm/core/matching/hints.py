"""What helps a person to see why a value was not the expected one: another case, a space, a slip of the pen.

A few words each, never a dump. Made only on a miss or when somebody asks, and difflib is imported then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.equality import subset
from mockllm.core.regex.compile import fold

LONGEST: Final = 80
CASE: Final = "only the case differs"
SPACE: Final = "only white space differs"
TYPO: Final = "nearly the same: a slip of the pen?"
_WORD: Final = 60
"""Longer texts are not taken for names that may be misspelt."""
TOO_LONG: Final = 100_000
"""Of longer ones it is not told what nearly held: each rule that is near would go through all of it."""


class TextForms(NamedTuple):
    """A text as it is compared where it is not the one that was wanted: in one case, with single spaces between its
    words, without any; and in one case without any."""

    folded: str
    spaced: str
    bare: str
    folded_bare: str


@lru_cache(16)
def forms(text: str) -> TextForms:
    """Those of what a request says, which is compared with what each rule wants: made once for all of them."""
    folded, words = fold(text), text.split()
    return TextForms(folded, " ".join(words), "".join(words), "".join(folded.split()))


def cut(text: str, longest: int = LONGEST) -> str:
    """At most so many characters of it."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def brief(value: Json | Missing, room: int = LONGEST) -> str:
    """The value as JSON would write it, cut short; "missing" where there is none. `room`: so many characters of it
    are shown at most, and so deep nobody need look."""
    if value is MISSING:
        return "missing"
    if isinstance(value, str):
        return '"' + cut(value).replace("\n", "\\n") + '"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not room:
        return "…"
    if isinstance(value, dict):
        inside = (f'"{cut(str(key))}": {brief(item, room - 1)}' for key, item in value.items())
        return _gathered("{", inside, "}")
    if isinstance(value, (list, tuple)):
        return _gathered("[", (brief(item, room - 1) for item in value), "]")
    return cut(str(value))


def _gathered(opening: str, items: Iterable[str], closing: str) -> str:
    text = opening
    for number, item in enumerate(items):
        text += (", " if number else "") + item
        if len(text) >= LONGEST:
            return cut(text)
    return text + closing


def kind(value: Json | Missing) -> str:
    """The JSON type in a word."""
    if value is None or value is MISSING:
        return "null" if value is None else "missing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, (int, float)):
        return "a number"
    return "an object" if isinstance(value, dict) else "a list"


def nearest_word(word: Json | Missing, words: Sequence[str]) -> str | None:
    """Which of the words was probably meant."""
    if not isinstance(word, str) or len(word) > _WORD:
        return None
    from difflib import get_close_matches

    found = get_close_matches(word, words, 1, 0.75)
    return found[0] if found else None


def of_type(expected: Json, value: Json | Missing) -> str | None:
    """That it is another type of value."""
    if value is MISSING or kind(expected) == kind(value):
        return None
    return f"it is {kind(value)}, not {kind(expected)}"


def of_equal(expected: Json, value: Json | Missing) -> str | None:
    """How a value differs from one that it nearly equals."""
    if not isinstance(expected, str) or not isinstance(value, str):
        return of_type(expected, value)
    if len(value) > TOO_LONG:
        return None
    if fold(expected) == forms(value).folded:
        return CASE
    if "".join(expected.split()) == forms(value).bare:
        return SPACE
    if max(len(expected), len(value)) > _WORD:
        return None
    from difflib import SequenceMatcher

    return TYPO if SequenceMatcher(None, fold(expected), fold(value)).ratio() >= 0.8 else None


def of_text(part: Json, value: Json | Missing, found: Callable[[str, str], bool]) -> str | None:
    """How a text nearly holds a part; `found(text, part)` tells whether it does."""
    if not isinstance(part, str) or not isinstance(value, str):
        return None if isinstance(value, (list, tuple)) else of_type(part, value)
    if len(value) > TOO_LONG:
        return None
    if found(forms(value).folded, fold(part)):
        return CASE
    if found(forms(value).spaced, " ".join(part.split())):
        return SPACE
    return None


def of_subset(part: Json, value: Json | Missing) -> str | None:
    """Which member is another or is not there."""
    if not isinstance(part, dict) or not isinstance(value, dict):
        return of_type(part, value)
    for key, item in part.items():
        if key not in value:
            return f"{brief(key)} is missing"
        if not subset(item, value[key]):
            return f"{brief(key)} is {brief(value[key])}"
    return None
