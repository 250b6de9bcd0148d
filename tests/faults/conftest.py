"""Assertions in the files beside the tests tell what they compare, as those in tests do; and the bench."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite(
    "tests.faults.bench", "tests.faults.cells", "tests.faults.expected", "tests.faults.expected_meaning"
)

from tests.faults.bench import Bench  # noqa: E402 - what is rewritten is imported behind
from tests.faults.bench import bench as opened  # noqa: E402


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with opened(tmp_path_factory.mktemp("bench")) as bench:
        yield bench
