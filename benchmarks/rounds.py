"""Several servers under the same load, turn about, so that what else the machine does falls on all of them.

A ratio is taken within each round; the table has the median, the least and the greatest. Beside the responses a
second is the server's CPU time for one response, which another process on the core disturbs less.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median

from benchmarks import load
from benchmarks.sides import Side, let_calm_down, running


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    seconds: int = 3
    rounds: int = 7
    soak_requests: int | None = None
    soak_seconds: float = inf
    """When `soak` ends."""


@dataclass
class Figures:
    """The figures of one side, round by round."""

    name: str
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    """Microseconds of CPU time for each response."""


def measure(
    sides: Sequence[Side],
    bodies: Sequence[bytes],
    effort: Effort,
    *,
    own: load.Own = "same",
    send: Callable[[int, int], tuple[float, int]] | None = None,
) -> list[Figures]:
    """Figures of each side; `own` is what differs in each request. `send` loads a port for some seconds, and
    returns responses a second and how many there were; by default it sends the bodies."""
    run = send or (lambda port, seconds: load.rate(port, bodies, seconds, own=own))
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(side)) for side in sides]
        let_calm_down()
        figures = [Figures(side.name) for side in sides]
        for server in servers:
            run(server.port, 1)
        for _ in range(effort.rounds):
            for server, found in zip(servers, figures, strict=True):
                before = server.cpu
                rate, responses = run(server.port, effort.seconds)
                found.rates.append(rate)
                found.costs.append((server.cpu - before) / responses * 1e6)
    return figures


def ratios(ours: Figures, base: Figures) -> list[float]:
    return [one / other for one, other in zip(ours.rates, base.rates, strict=True)]


def table(base: Figures, others: Sequence[Figures], wanted: str) -> str:
    """The figures as a table in Markdown."""
    lines = [
        "| server | responses/s | CPU µs/response | × baseline (min–max) | × by CPU | wanted |",
        "|---|--:|--:|--:|--:|--:|",
        f"| {base.name} | {median(base.rates):,.0f} | {median(base.costs):.1f} | 1 | 1 | |",
    ]
    for each in others:
        by_rate = ratios(each, base)
        by_cpu = median(other / one for one, other in zip(each.costs, base.costs, strict=True))
        lines.append(
            f"| {each.name} | {median(each.rates):,.0f} | {median(each.costs):.1f} | "
            f"**{median(by_rate):.2f}** ({min(by_rate):.2f}–{max(by_rate):.2f}) | {by_cpu:.2f} | "
            f"{wanted if each.name.startswith('mockllm') else ''} |"
        )
    return "\n".join(lines)
