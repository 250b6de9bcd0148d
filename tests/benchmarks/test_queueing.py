"""The queue with one server, against what theory says of it."""

from __future__ import annotations

import pytest

from benchmarks.queueing import waits


@pytest.mark.parametrize(
    ("load", "median", "late"),
    [
        (0.001, 1.0, 1.0),  # no request waits
        (0.5, 1.0, 4.3),  # half of the requests find the server idle
    ],
)
def test_waits_follow_the_load(load: float, median: float, late: float) -> None:
    half, most = waits(load)
    assert half == pytest.approx(median, rel=0.1)
    assert most == pytest.approx(late, rel=0.1)


def test_p99_at_70_percent_is_over_four_medians() -> None:
    half, late = waits(0.7)
    assert 4.2 < late / half < 4.5
