"""The report of `mockllm drift` on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mockllm.cli.console import GREEN, PLAIN, RED, YELLOW, use_colours
from mockllm.core.display import counted
from mockllm.drift.change import SEVERITIES, Change
from mockllm.drift.report import COLUMNS, DriftReport, counts
from mockllm.scenario.diagnostics import readable

_COLOURS = {"high": RED, "medium": YELLOW, "low": GREEN}


def print_report(report: DriftReport) -> None:
    """Print the table by protocol, the changes, and the notes."""
    if report.rows:
        names = [name for name, _ in COLUMNS]
        head = ("protocol", "responses", "similarity", *names)
        rows = [
            (
                row.protocol,
                str(row.exchanges),
                f"{row.similarity:.1%}",
                *map(str, counts(row.changes).values()),
            )
            for row in report.rows.values()
        ]
        _print_table([head, *rows])
        print()
        _print_changes(report.changes)
    for note in report.notes:
        print(readable(f"note: {note}"))


def _print_changes(changes: Sequence[Change]) -> None:
    if not changes:
        print("no changes")
        return
    rows = [
        (
            each.severity,
            each.protocol,
            each.kind,
            f"{each.place} {each.detail}".rstrip(),
            str(each.count),
            each.sdk,
        )
        for each in changes
    ]
    _print_table([("severity", "protocol", "change", "place", "in", "SDK"), *rows])
    levels = [f"{number} {level}" for level in reversed(SEVERITIES) if (number := _number(changes, level))]
    print(f"{counted(len(changes), 'change')}: {', '.join(levels)}")


def _number(changes: Iterable[Change], level: str) -> int:
    return sum(each.severity == level for each in changes)


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [f"{readable(cell):<{width}}" for cell, width in zip(row, widths, strict=True)]
        if use_colours() and row[0] in _COLOURS:
            cells[0] = f"{_COLOURS[row[0]]}{cells[0]}{PLAIN}"
        print("  ".join(cells).rstrip())
