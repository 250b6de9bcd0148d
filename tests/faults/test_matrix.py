"""Every fault of the vocabulary on every generating call, streamed and whole, by a client of raw bytes.

The rows are FAULTS and the columns SPOKEN: who adds a fault or a protocol gets its cells, and a fault of which
nothing is expected fails here.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.registry import SPOKEN
from tests.faults import expected, expected_meaning
from tests.faults.live_bench import Bench
from tests.faults.matrix_cell import Fault

ROWS: dict[str, Fault] = {
    **expected.CONNECTION,
    **expected.HTTP,
    **expected.STREAM,
    **expected_meaning.MEANING,
}


def columns(wish: NeutralRequest) -> dict[str, WireRequest]:
    """A request for each generating call; Gemini's streams once more as a JSON array."""
    found: dict[str, WireRequest] = {}
    for provider, call in SPOKEN:
        for stream in (True, False):
            asked = call.build_request(replace(wish, stream=stream))
            form = "streamed" if stream else "whole"
            found[f"{provider} {call.api} {form}"] = asked
            if "alt=sse" in asked.path:
                path = asked.path.replace("?alt=sse", "").replace("&alt=sse", "")
                found[f"{provider} {call.api} array"] = WireRequest(path, asked.headers, asked.body)
    return found


COLUMNS = list(columns(NeutralRequest()))


def test_every_fault_has_a_row() -> None:
    assert list(ROWS.keys() ^ FAULTS.keys()) == []


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", ROWS)
def test_fault_on_protocol_has_expected_effect(name: str, column: str, bench: Bench) -> None:
    row = ROWS[name]
    bench.play(name, row, columns(row.wish)[column], streamed=not column.endswith("whole"))
