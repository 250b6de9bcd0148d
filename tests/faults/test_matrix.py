"""Every fault of the vocabulary on every generating call, streamed and whole, by a client of raw bytes.

The rows are FAULTS and the columns GENERATING_CALLS: a new fault or protocol gets its cells, and a
fault without an expectation fails here.
"""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS, Family
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.providers import GENERATING_CALLS
from tests.faults import expected, expected_form, expected_meaning, expected_variation
from tests.faults.live_bench import Bench
from tests.faults.matrix_cell import Fault

ROWS: dict[str, Fault] = {
    **expected.CONNECTION,
    **expected.HTTP,
    **expected.STREAM,
    **expected_variation.VARIATION,
    **expected_form.FORM,
    **expected_meaning.MEANING,
}


def columns(wanted: NeutralRequest) -> dict[str, tuple[str, WireRequest]]:
    """The endpoint, and a request, for each generating call; Gemini's streams once more as a JSON array."""
    found: dict[str, tuple[str, WireRequest]] = {}
    for call in GENERATING_CALLS:
        for stream in (True, False):
            requested = call.dialect.build_request(replace(wanted, stream=stream))
            form = "streamed" if stream else "whole"
            found[f"{call.name} {form}"] = call.endpoint, requested
            if "alt=sse" in requested.path:
                path = requested.path.replace("?alt=sse", "").replace("&alt=sse", "")
                array = WireRequest(path, requested.headers, requested.body)
                found[f"{call.name} array"] = call.endpoint, array
    return found


COLUMNS = list(columns(NeutralRequest()))
SPACING = 7
"""So many cells apart are those that are not marked `full`: each row has several of them, and so has each column."""
CELLS = [
    pytest.param(
        name, column, id=f"{name}-{column}", marks=() if (i + j) % SPACING == 0 else pytest.mark.full
    )
    for i, name in enumerate(ROWS)
    for j, column in enumerate(COLUMNS)
]


def test_every_fault_has_a_row() -> None:
    assert list(ROWS.keys() ^ FAULTS.keys()) == [], "add a row: docs/adding-a-fault.md, step 4"


def test_rows_have_the_order_of_the_classes() -> None:
    """But those of meaning, whose order is that of their table."""
    families = [family for family in get_args(Family) if family != "meaning"]
    classes = [name for family in families for name, kind in FAULTS.items() if kind.family == family]
    assert [name for name in ROWS if FAULTS[name].family != "meaning"] == classes, (
        "move the row to the place that the class has in its file"
    )


def test_unmarked_cells_cover_every_fault_and_protocol() -> None:
    unmarked = [cell.values for cell in CELLS if not cell.marks]
    assert {name for name, _ in unmarked} == set(ROWS)
    assert {column for _, column in unmarked} == set(COLUMNS)
    for name in ROWS:
        forms = {str(column).endswith("whole") for row, column in unmarked if row == name}
        assert forms == {True, False}, f"{name} is streamed and whole"


@pytest.mark.parametrize(("name", "column"), CELLS)
def test_fault_on_protocol_has_expected_effect(name: str, column: str, bench: Bench) -> None:
    row = ROWS[name]
    endpoint, requested = columns(row.wanted)[column]
    bench.play(name, row, requested, streamed=not column.endswith("whole"), endpoint=endpoint)
