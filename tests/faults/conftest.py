"""The bench that all cells of the matrix are played on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.live_bench import Bench
from tests.faults.live_bench import bench as opened


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with opened(tmp_path_factory.mktemp("bench")) as bench:
        yield bench
