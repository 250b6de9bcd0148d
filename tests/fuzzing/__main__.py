"""Fuzzes for some minutes: `python -m tests.fuzzing MINUTES [SEED]`. Returns 1 if a case fails."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzzing.mutations import mutated_bytes, mutated_json, mutated_scenario
from tests.fuzzing.targets import FuzzFailure, Kind, seeds, targets

CORPUS: Final = Path(__file__).parents[1] / "fuzz_corpus"
MUTATIONS: Final[Mapping[Kind, Callable[[Random, bytes, Sequence[bytes]], bytes]]] = {
    "http": mutated_bytes,
    "json": mutated_json,
    "control": mutated_bytes,
    "scenario": mutated_scenario,
}
KINDS: Final[tuple[Kind, ...]] = ("http", "json", "http", "json", "scenario", "control")


def main(minutes: float, seed: int) -> int:
    """Run cases until the time is up, and store the first case of each failure."""
    random, counts, failures = Random(seed), Counter[str](), dict[str, str]()
    pools = {kind: list(seeds(kind)) for kind in MUTATIONS}
    end = time.monotonic() + 60 * minutes
    with targets() as target:
        while time.monotonic() < end:
            kind = random.choice(KINDS)
            pool = pools[kind]
            data = MUTATIONS[kind](random, random.choice(pool), pool)
            counts[kind] += 1
            try:
                target.check(kind, data)
            except FuzzFailure as found:
                _store(kind, data, str(found), failures)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())), f"seed {seed}", sep="; ")
    print(f"{len(failures)} failures")
    return 1 if failures else 0


def _store(kind: Kind, data: bytes, reason: str, failures: dict[str, str]) -> None:
    """Store a case if no other one failed in the same way."""
    key = f"{kind} {reason.strip().splitlines()[-1][:80]}"
    if key in failures:
        return
    name = f"{kind}-{sha256(data).hexdigest()[:12]}"
    failures[key] = name
    (CORPUS / name).write_bytes(data)
    print(f"{name}: {reason}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit("usage: scripts/fuzz MINUTES [SEED]")
    raise SystemExit(
        main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else time.time_ns() % 10**6)
    )
