"""The nesting and the number of containers of a JSON text, read from its bytes and compared with a parser."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from mockllm.core.json.nesting import marks_of, nests_deeper
from mockllm.server.json_structure import structure_failure, structure_failure_in_turns
from mockllm.server.server_limits import ServerLimits


def brackets_of(raw: bytes, slice_size: int = 1 << 20) -> bytes:
    return b"".join(marks_of(raw, slice_size)).replace(b",", b"")


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def nested(random_: random.Random, room: int) -> object:
    match random_.randrange(4 if room else 2):
        case 0:
            return random_.choice(["", "[[[[", '{\\"{', '"', "\\", '\\"[', "a]b}", "…[", 1, None, True])
        case 1:
            return random_.random()
        case 2:
            return [nested(random_, room - 1) for _ in range(random_.randrange(4))]
        case _:
            keys = ["", "{", '"', "\\", "k"]
            return {random_.choice(keys): nested(random_, room - 1) for _ in range(random_.randrange(4))}


def test_nesting_of_random_values_equals_a_parsers() -> None:
    random_ = random.Random(1)
    seen = set()
    for _ in range(3000):
        value = [nested(random_, 7), nested(random_, 7)]
        raw = json.dumps(value, indent=random_.choice([None, 1])).encode()
        for bound in range(1, 9):
            assert nests_deeper(brackets_of(raw), bound) == (depth(value) > bound), raw
        for size in (1, 2, 3, 7):
            assert brackets_of(raw, size) == brackets_of(raw), raw
        seen.add(depth(value))
    assert seen == set(range(1, 9))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"[" * 200_000, True),
        (b"[" * 10 + b"]" * 10, False),
        (b"[" * 11 + b"]" * 11, True),
        (b" \n[" * 11 + b"]" * 11, True),
        (b'{"a":[' * 6 + b"]}" * 6, True),
        (b'{"a":[' * 5 + b"]}" * 5, False),
        (b"[" + b"[]," * 1000 + b"[]]", False),
        (b'["' + b"[" * 1000 + b'"]', False),
        (b"not json " + b"[" * 1000, False),
        (b"]" * 1000 + b"[" * 5, False),
        (b"", False),
    ],
    ids=[
        "200,000 open brackets",
        "just as deep as may be",
        "one deeper",
        "spaced out",
        "lists in objects, one too deep",
        "lists in objects, just as deep",
        "wide, not deep",
        "brackets in a text",
        "no JSON",
        "the wrong way round",
        "nothing",
    ],
)
def test_nesting_is_bounded_by_ten(raw: bytes, expected: bool) -> None:
    assert nests_deeper(brackets_of(raw), 10) == expected


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
    assert "more than 250,000 arrays and objects" in str(failure.message)


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
        assert await structure_failure_in_turns(raw, ServerLimits()) is None
        counting.cancel()
        return turns

    assert asyncio.run(main()) >= 8
