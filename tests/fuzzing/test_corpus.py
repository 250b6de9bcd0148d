"""What the fuzzer has found stays mended, and the fuzzer itself works: `scripts/fuzz`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import cast

import pytest

from tests.fuzzing.__main__ import CORPUS, MUTATIONS
from tests.fuzzing.targets import Kind, Targets, seeds, targets


@pytest.fixture(scope="module")
def target() -> Iterator[Targets]:
    with targets() as built:
        yield built


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*-*")), ids=lambda file: file.name)
def test_stored_case_does_not_fail(file: Path, target: Targets) -> None:
    target.check(cast(Kind, file.name.partition("-")[0]), file.read_bytes())


@pytest.mark.parametrize("kind", MUTATIONS)
def test_seeds_and_their_mutations_do_not_fail(kind: Kind, target: Targets) -> None:
    random, pool = Random(7), seeds(kind)
    for data in pool[:6]:
        target.check(kind, data)
        target.check(kind, MUTATIONS[kind](random, data, pool))


def test_mutations_are_equal_for_equal_seeds() -> None:
    pool = seeds("json")
    first, second = ([MUTATIONS["json"](Random(seed), data, pool) for data in pool] for seed in (3, 3))
    assert first == second
