"""How many examples a property is tried with."""

from __future__ import annotations

import os

VARIABLE = "FULL_TESTS"
"""Set by tests/conftest.py in a run of all tests."""


def examples(count: int) -> int:
    """`count` in a run of all tests, else a fifth of it."""
    return count if os.environ.get(VARIABLE) else max(count // 5, 5)
