"""A mistake in a scenario file: where, what was found, what was expected, what to do.

Apart from what finds mistakes (the YAML reader, the models, the compiler), because all of them and every
command that lists mistakes share it. Mistakes can be pickled: a reload finds them in another process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json

Path: TypeAlias = "tuple[str | int, ...]"
"""Keys and indices from the top of a file to one of its values."""

LONGEST_PATH: Final = 300
"""Characters of a path that a person is shown."""
MOST_WORDS: Final = 16
"""More than these are not listed for a person to choose from."""
_PLAIN_KEY: Final = re.compile(r"[^\W\d][\w-]*\Z")
_STEP: Final = re.compile(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.\[]+)')
_ESCAPED: Final = re.compile(r"\\(.)")


class Diagnostic(Struct, frozen=True, order=True):
    """`line` and `column` count from 1; line 0 is a mistake that stands in no file, such as an option's."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        path = self.path if len(self.path) <= LONGEST_PATH else f"{self.path[: LONGEST_PATH - 1]}…"
        return readable(": ".join(part for part in (place, path, self.message) if part))


class StaleSource(Struct, frozen=True):
    """A file or folder that could not be loaded anew. `reason` is what is wrong with it, one mistake in a
    line; `kept` is whether its last good version still answers: what never had one is left out."""

    file: str
    reason: str
    kept: bool = True

    @property
    def outcome(self) -> str:
        """What became of it, in words."""
        return "its last good version still answers" if self.kept else "left out until it is mended"


def readable(text: str) -> str:
    """A text as a terminal may be given it: what would steer it, as others' files may, is written out."""
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() or mark == "\n" else mark.encode("unicode_escape").decode()
        for mark in text
    )


def path_text(path: Path) -> str:
    """A path as a person reads it: `rules[2].match.body["$.a"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.match(step):
            text += f".{step}" if text else step
        else:
            quoted = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


def path_of(text: str) -> Path:
    """The path that is told so."""
    return tuple(
        int(index) if index else _ESCAPED.sub(r"\1", quoted) if quoted else word
        for index, quoted, word in _STEP.findall(text)
    )


def value_at(data: Json, path: Path) -> Json:
    """The value at a path, which must be there."""
    for step in path:
        data = data[step]
    return data


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant, if one is near enough."""
    known = {known.lower(): known for known in words}
    from difflib import get_close_matches  # only on the way to a message

    found = get_close_matches(word.lower(), known, n=1, cutoff=0.7)
    if not found and len(word) >= 3:
        found = [each for each in known if each.startswith(word.lower())]
    return known[found[0]] if found else None


def meant(word: str, words: Iterable[str]) -> str:
    """`; did you mean "model"?`, or what there is to choose from where nothing is near and the list is short,
    or nothing."""
    words = list(words)
    found = nearest(word, words)
    if found is not None:
        return f'; did you mean "{found}"?'
    return f"; expected {either(words)}" if 0 < len(words) <= MOST_WORDS else ""


def either(words: Iterable[object]) -> str:
    """`"a", "b" or "c"`: texts are quoted, the rest is shown as YAML shows it."""
    return joined(shown(words))


def shown(words: Iterable[object]) -> list[str]:
    """Each as a person would write it: texts in quotes, the rest as YAML shows it."""
    return [f'"{word}"' if isinstance(word, str) else scalar_text(word) for word in words]


def joined(parts: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = parts
    return f"{', '.join(most)} or {last}" if most else last


def scalar_text(value: object) -> str:
    """A value as YAML writes it."""
    return (
        {None: "null", True: "true", False: "false"}[value] if isinstance(value, bool | None) else str(value)
    )
