"""Sets of rows as integers, and counting for all rows at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.matching.bitsets import BitCounter, mask_of, packed, positions, unpacked

SIZE = 200
rows = st.lists(st.integers(0, SIZE - 1), unique=True)


@given(rows)
def test_positions_of_mask_are_highest_first(row_numbers: list[int]) -> None:
    mask = mask_of(row_numbers, SIZE)
    assert list(positions(mask)) == sorted(row_numbers, reverse=True)
    assert unpacked(packed(row_numbers, SIZE)) == mask


@given(st.lists(rows, max_size=20), rows)
def test_bit_counter_finds_lowest_and_highest(masks: list[list[int]], among: list[int]) -> None:
    counter = BitCounter()
    counts = [0] * SIZE
    for each in masks:
        counter.add(mask_of(each, SIZE))
        for row in each:
            counts[row] += 1
    left = mask_of(among, SIZE)
    least = min((counts[row] for row in among), default=0)
    most = max((counts[row] for row in among), default=0)
    assert set(positions(counter.lowest(left))) == {row for row in among if counts[row] == least}
    assert set(positions(counter.highest(left))) == {row for row in among if counts[row] == most}
