"""How deep a JSON text nests, told from its bytes: held against a parser."""

from __future__ import annotations

import json
import random

import pytest

from mockllm.server.request_body import too_deep


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


def test_equals_a_parsers_answer_on_made_values() -> None:
    random_ = random.Random(1)
    seen = set()
    for _ in range(3000):
        value = [nested(random_, 7), nested(random_, 7)]
        raw = json.dumps(value, indent=random_.choice([None, 1])).encode()
        for bound in range(1, 9):
            assert too_deep(raw, bound) == (depth(value) > bound), raw
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
def test_a_bound_of_ten(raw: bytes, expected: bool) -> None:
    assert too_deep(raw, 10) == expected
