"""The nesting of a JSON text, read from its bytes and compared with a parser."""

from __future__ import annotations

import json
import random

import pytest

from mockllm.core.json.nesting import FEW, DepthCount, depth_bound, depth_of, marks_of
from tests.examples import examples


def brackets_of(raw: bytes, slice_size: int = 1 << 20) -> bytes:
    return b"".join(marks_of(raw, slice_size)).replace(b",", b"")


def nests_deeper(raw: bytes, bound: int, slice_size: int = 1 << 20) -> bool:
    count = DepthCount()
    for marks in marks_of(raw, slice_size):
        count.add(marks)
    return count.deepest > bound


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
    for _ in range(examples(3000)):
        value = [nested(random_, 7), nested(random_, 7)]
        raw = json.dumps(value, indent=random_.choice([None, 1])).encode()
        for bound in range(1, 9):
            assert nests_deeper(raw, bound) == nests_deeper(raw, bound, 3) == (depth(value) > bound), raw
        assert depth(value) <= depth_bound(raw, 0) <= raw.count(b"[") + raw.count(b"{")
        assert depth_of([value]) == depth(value)
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
    assert nests_deeper(raw, 10) == expected


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 150])
def test_depth_bound_of_part_is_exact_for_many_brackets(count: int) -> None:
    wide = b",[1]" * count
    assert depth_bound(wide, 2) == (2 + count if count <= FEW else 3)
    deep = b"," + b'{"a":[' * (count // 2) + b"]}" * (count // 2)
    assert depth_bound(deep, 2) == 2 + count // 2 * 2


def test_brackets_in_texts_are_no_depth() -> None:
    assert depth_bound(b',"' + b"[" * 100 + b'"', 2) == 2
