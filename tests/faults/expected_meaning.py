"""What each fault of meaning must do, told of the answer without it."""

from __future__ import annotations

from tests.faults.cells import Fault

MEANING: dict[str, Fault] = {}
