"""Which path of a call a misspelt path means: one with a letter that is missing, wrong or too many.

No path is compared with all others, since rules that name unknown paths may get thousands of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final

MAX_MISSPELT: Final = 100
"""Characters of an unknown path that is looked up."""


def path_meant_by(path: str, known_paths: Callable[[], Iterable[str]]) -> str | None:
    """Return the path that an unknown path differs from by one letter; None if there is none."""
    if len(path) > MAX_MISSPELT:
        return None
    near = _with_one_letter_less(known_paths)
    return next((near[text] for text in (path, *_one_letter_less(path)) if text in near), None)


@cache
def _with_one_letter_less(known_paths: Callable[[], Iterable[str]]) -> Mapping[str, str]:
    """Return the known paths without variables, by themselves and by each text that lacks one letter of one."""
    literal = [path for path in known_paths() if "{" not in path]
    found = {text: path for path in literal for text in _one_letter_less(path)}
    return {**found, **{path: path for path in literal}}


def _one_letter_less(path: str) -> list[str]:
    return [path[:place] + path[place + 1 :] for place in range(1, len(path))]
