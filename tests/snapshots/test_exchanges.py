"""Seeded responses of every protocol, with drawn texts, times, faults and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.snapshots.exchange_cases import GROUPS
from tests.snapshots.exchanges import Engine
from tests.snapshots.snapshot import check_snapshot

SCENARIOS: Final = Path(__file__).parent / "scenarios" / "drawn.yaml"
SEED: Final = 7


@pytest.mark.parametrize("group", GROUPS)
def test_seeded_requests_on_fixed_clock_give_same_bytes(group: str) -> None:
    engine = Engine(SCENARIOS.read_text(encoding="utf-8"), SEED)
    outputs = [f"=== {number}\n{engine.exchange(item)}" for number, item in enumerate(GROUPS[group], 1)]
    check_snapshot(f"exchanges/{group}.txt", "\n".join(outputs))


def test_other_seed_on_same_requests_makes_other_bytes() -> None:
    scenarios = SCENARIOS.read_text(encoding="utf-8")
    first, second = (Engine(scenarios, seed).exchange(GROUPS["chat"][2]) for seed in (SEED, SEED + 1))
    assert first != second
