"""The bounds on the nesting, the containers and the values of a body."""

from __future__ import annotations

import asyncio

import pytest

from mockllm.server.json_structure import (
    LONG,
    MANY_CONTAINERS,
    MANY_VALUES,
    structure_check,
    structure_failure,
    structure_failure_in_slices,
    takes_long_to_read,
)
from mockllm.server.server_limits import ServerLimits


def test_body_with_too_many_containers_is_refused() -> None:
    limits = ServerLimits(containers=1000)
    assert structure_failure(b"[" + b"[]," * 998 + b"{}]", limits) is None
    failure = structure_failure(b"[" + b"[]," * 999 + b"{}]", limits)
    assert failure is not None
    assert failure.status == 400
    assert failure.message == (
        "The JSON body has more than 1,000 arrays and objects. Raise this limit with the server's option "
        "--max-containers."
    )


def test_brackets_in_texts_are_no_containers() -> None:
    assert structure_failure(b'{"a": "' + b"[{" * 5000 + b'"}', ServerLimits(containers=1000)) is None


def test_containers_are_counted_before_their_nesting() -> None:
    """Removing the pairs of 30 MB level by level took 22 s."""
    raw = b"[" + (b"[" * 100 + b"]" * 100 + b",") * 150_000 + b"[]]"
    failure = structure_failure(raw, ServerLimits())
    assert failure is not None
    assert "more than 100,000 arrays and objects" in str(failure.message)


@pytest.mark.parametrize(
    ("raw", "refused"),
    [
        (b"[" + b"1," * 999 + b"1]", False),
        (b"[" + b"1," * 1000 + b"1]", True),
        (b"{" + b'"a":1,' * 1000 + b'"a":1}', True),
        (b'["' + b"," * 5000 + b'"]', False),
        (b'"' + b"," * 5000 + b'"', False),
    ],
    ids=["just as many", "one more", "members", "commas in a text", "a text alone"],
)
def test_values_are_bounded_by_a_thousand(raw: bytes, refused: bool) -> None:
    failure = structure_failure(raw, ServerLimits(values=1000))
    assert (failure is not None) is refused
    assert failure is None or "more than 1,000 values" in str(failure.message)


def test_large_body_is_checked_in_turns() -> None:
    async def main() -> int:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        raw = b"[" + b'{"a": "' + b"[" * 1_000_000 * 8 + b'"}' + b",[1]" * 1000 + b"]"
        assert await structure_failure_in_slices(raw, ServerLimits()) is None
        counting.cancel()
        return turns

    assert asyncio.run(main()) >= 8


def test_failure_in_turns_is_the_same() -> None:
    raw, limits = b"[" * 3_000_000, ServerLimits()
    in_turns = asyncio.run(structure_failure_in_slices(raw, limits))
    assert in_turns == structure_failure(raw, limits)
    assert in_turns is not None


def test_brackets_are_counted_in_turns() -> None:
    """To count 30 MB of them at once took 40 ms."""
    check = structure_check(b"[" * 3_000_000, ServerLimits())
    assert next(check) is None
    failure = structure_failure(b"[" * 3_000_000, ServerLimits())
    assert failure is not None
    assert "more than 100,000 arrays and objects" in str(failure.message)


def test_long_text_is_small_after_turns() -> None:
    check = structure_check(b'"' + b"word " * 1_000_000 + b'"', ServerLimits())
    assert len(list(check)) == 10


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"[" + b"{}," * (MANY_CONTAINERS - 1) + b"1]", False),
        (b"[" + b"{}," * MANY_CONTAINERS + b"1]", True),
        (b"[" + b"1," * MANY_VALUES + b"1]", False),
        (b"[" + b"1," * (MANY_VALUES + 1) + b"1]", True),
        (b'"' + b"a" * LONG + b'"', True),
        (b"a=" + b"," * LONG, False),
    ],
    ids=["some containers", "containers", "some values", "values", "text", "a form"],
)
def test_body_with_many_members_takes_long(raw: bytes, expected: bool) -> None:
    assert takes_long_to_read(raw) is expected
