"""The settings of a batch as tables: times between tokens, blocks, and notes."""

from __future__ import annotations

import pytest

from mockllm.core.load.continuous_batch import BatchCapacity, ContinuousBatchTimes, KvCache

BY_SIZE = BatchCapacity(itl=((2, 0.02), (4, 0.04), (10, 0.1)))


@pytest.mark.parametrize(
    ("running", "seconds"), [(1, 0.02), (2, 0.02), (3, 0.03), (4, 0.04), (7, 0.07), (10, 0.1), (99, 0.1)]
)
def test_token_latency_is_linear_between_batch_sizes(running: int, seconds: float) -> None:
    assert BY_SIZE.token_latency(running) == pytest.approx(seconds)


def test_token_latency_without_times_is_none() -> None:
    assert BatchCapacity(slots=3).token_latency(2) is None


@pytest.mark.parametrize(("tokens", "taken"), [(0, 0), (1, 16), (16, 16), (17, 32)])
def test_cache_allocates_whole_blocks(tokens: int, taken: int) -> None:
    assert KvCache(1000).in_blocks(tokens) == taken


@pytest.mark.parametrize(
    ("schedule", "note"),
    [
        (ContinuousBatchTimes(0.0, None, None, 3), "batch: 3 running"),
        (
            ContinuousBatchTimes(0.0, 0.25, 0.02, 1, 96),
            "batch: 1 running, first token after 250ms, itl 20ms, 96 of 128 prompt tokens cached",
        ),
    ],
)
def test_note_names_times_and_cached_tokens(schedule: ContinuousBatchTimes, note: str) -> None:
    assert schedule.note(128) == note
