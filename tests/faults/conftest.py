"""Assertions in the files beside the tests tell what they compare, as those in tests do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.faults.cells", "tests.faults.expected", "tests.faults.expected_meaning")
