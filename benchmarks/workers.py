"""Several processes on one port against one process: responses a second, and CPU time for each response.

The load runs on the same cores as the processes, so responses a second do not double where there are two cores. CPU
time shows what the cores could do with the load elsewhere: two serve 2 × (CPU time of one process / of two).
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.load import Own
from benchmarks.rounds import Effort, measure, table
from benchmarks.sides import CORES, ours
from benchmarks.whole import TITLES, bodies, scenario

NO_STORE = {"PATH": ""}


def main(effort: Effort) -> None:
    requests = bodies()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(scenario())
        options = ("--scenarios", folder)
        one = ours(*options, name="mockllm, one process, on one core")
        several = [
            replace(
                ours(*options, "--workers", str(count), name=f"mockllm, {count} workers", **NO_STORE),
                spread=True,
            )
            for count in (1, 2, 4)
        ]
        measured: tuple[Own, ...] = ("body", "same")
        for own in measured:
            base, *found = measure([one, *several], requests, effort, own=own)
            print(f"\n{TITLES[own]}:\n\n{table(base, found, '')}")
            for each in found:
                cpu = median(single / cost for single, cost in zip(base.costs, each.costs, strict=True))
                print(
                    f"\n{each.name}: {len(CORES)} cores serve {len(CORES) * cpu:.2f} × one core, by CPU time"
                )
