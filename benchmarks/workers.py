"""Several processes on one port against one process: responses a second, and CPU time for each response. First small
requests, then those of agents (`benchmarks.agents`) whose rules count nothing.

The load runs on the same cores as the processes, so responses a second do not double where there are two cores. CPU
time shows what the cores could do with the load elsewhere: two serve 2 × (CPU time of one process / of two). Two
processes of bare aiohttp show what of this is the machine's: they share nothing but the port.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import agents
from benchmarks.load import Own
from benchmarks.rounds import Effort, Figures, measure, table
from benchmarks.sides import CORES, Side, bare, bare_on_all_cores, ours
from benchmarks.whole import TITLES, bodies, scenario

NO_STORE = {"PATH": ""}
BODY = b'{"text":"%s"}' % (b"x" * 1000)
"""What the bare handler sends: as many bytes as one of our responses."""


def main(effort: Effort) -> None:
    requests = bodies()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(scenario())
        measured: tuple[Own, ...] = ("body", "same")
        sides = [bare("whole", BODY), bare_on_all_cores(BODY, 2)]
        _print("bare aiohttp, each request with its own body", measure(sides, requests, effort, own="body"))
        for own in measured:
            _print(TITLES[own], measure(_sides(folder), requests, effort, own=own))
        Path(folder, "bench.yaml").write_text(agents.rules(counting=False))
        for row in _rows():
            send = partial(agents.rate_of, row.requests)
            _print(
                f"{row.name}: {agents.sizes(row.requests)}", measure(_sides(folder), (), effort, send=send)
            )


def _sides(folder: str) -> list[Side]:
    """One process on one core, and several on all cores."""
    options = ("--scenarios", folder)
    return [
        ours(*options, name="mockllm, one process, on one core"),
        *(
            replace(
                ours(*options, "--workers", str(count), name=f"mockllm, {count} workers", **NO_STORE),
                spread=True,
            )
            for count in (1, 2, 4)
        ),
    ]


def _rows() -> list[agents.Row]:
    """The mix without rules that count, and one of its kinds alone."""
    uncounted = [agent for agent in agents.MIX if not {"sequence", "limit"} & {*agent.model.split("-")}]
    growing = next(row for row in agents.rows() if "one turn more" in row.name)
    return [agents.Row("the mix without sequences and limits", agents.together(uncounted, 3)), growing]


def _print(title: str, figures: Sequence[Figures]) -> None:
    base, *found = figures
    print(f"\n{title}:\n\n{table(base, found, '')}")
    for each in found:
        cpu = median(single / cost for single, cost in zip(base.costs, each.costs, strict=True))
        print(f"\n{each.name}: {len(CORES)} cores serve {len(CORES) * cpu:.2f} × one core, by CPU time")
