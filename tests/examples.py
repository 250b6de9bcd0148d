"""How many examples a property is tried with, and how many of many like cases a test looks at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
VARIABLE = "FULL_TESTS"
"""Set by tests/conftest.py in a run of all tests."""


def examples(count: int) -> int:
    """`count` in a run of all tests, else a tenth of it."""
    return count if os.environ.get(VARIABLE) else max(count // 10, 5)


def some(cases: Iterable[T], one_of: int = 10) -> Iterator[T]:
    """All cases in a run of all tests, else the first of each `one_of` of them."""
    return islice(cases, 0, None, 1 if os.environ.get(VARIABLE) else one_of)
