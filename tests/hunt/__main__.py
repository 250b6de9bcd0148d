"""Prints what hunts find: `python -m tests.hunt [clients] [sdks] [--runs N] [--only NAME]`.

Returns 1 if a hunt misses a bug, or reports what is no bug and docs/hunting.md does not explain.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Final

from mockllm.core.hunting.disturbance import schedule_text
from mockllm.core.hunting.finding import HuntReport
from mockllm.hunting.hunter import HuntBudget
from tests.hunt import client_hunts, sdk_hunts

FOUND_OF_CLIENTS: Final = 0.9
"""The share of the clients with bugs whose bug has to be found."""
REPLAYS: Final = 100
JOBS: Final = 4


def show_clients(only: str | None, runs: int) -> bool:
    """Print a table of the clients with bugs, and return whether it is as it has to be."""
    print("| client | found | by | runs | faults | replays that fail | findings on the mended client |")
    print("|---|---|---|--:|--:|--:|--:|", flush=True)
    found, false, faults, rates = 0, 0, list[int](), set[str]()
    names = [name for name in client_hunts.RULES if only in (None, name)]
    for name in names:
        budget = HuntBudget(runs, 3600, JOBS, replays=REPLAYS, findings=client_hunts.findings_until(name))
        report = client_hunts.hunted(name, budget, mended=False)
        mended = client_hunts.hunted(name, HuntBudget(runs, 3600, JOBS), mended=True)
        false += len(mended.findings)
        rule = client_hunts.RULES[name]
        finding = next((each for each in report.findings if each.problem.rule == rule), None)
        if finding is not None:
            found += 1
            faults.append(len(finding.schedule))
            rates.add(finding.rate)
        print(f"| {name} | {_row(report, rule)} | {len(mended.findings)} in {mended.runs} runs |", flush=True)
        for line in (*_found(mended), *(() if finding else _found(report))):
            print(f"{name}: {line}", file=sys.stderr)
    middle = median(faults) if faults else 0
    print(f"\n{found} of {len(names)} found, median {middle:g} faults, {false} findings on mended clients")
    return found >= FOUND_OF_CLIENTS * len(names) and false == 0 and rates <= {f"{REPLAYS} of {REPLAYS}"}


def _row(report: HuntReport, rule: str) -> str:
    """Return the cells about the finding with a rule."""
    for finding in report.findings:
        if finding.problem.rule == rule:
            text = schedule_text(finding.schedule)
            return f"{rule} | {text} | {report.runs} | {len(finding.schedule)} | {finding.rate}"
    return f"no | | {report.runs} | | "


def _found(report: HuntReport) -> Iterator[str]:
    for finding in (*report.findings, *report.flaky):
        text = f"{finding.problem.rule} by {schedule_text(finding.schedule)} ({finding.rate})"
        yield f"{text}: {finding.problem.message}"


def show_sdks(only: str | None, runs: int) -> bool:
    """Print a table of the official SDKs, and return whether the page explains all findings."""
    print("| SDK | form | runs | findings | not explained | CPU time of a run |")
    print("|---|---|--:|---|--:|--:|", flush=True)
    held = True
    for sdk, form in sdk_hunts.CLIENTS:
        if only not in (None, sdk):
            continue
        began = time.process_time()
        report = sdk_hunts.hunted(sdk, form, HuntBudget(runs, sdk_hunts.HOURS))
        cost = (time.process_time() - began) / (report.runs + report.replays) * 1000
        rules = ", ".join(
            f"{each.problem.rule} by {schedule_text(each.schedule)}" for each in report.findings
        )
        strange = sdk_hunts.unexplained(sdk, report)
        held = held and not strange
        print(
            f"| {sdk} | {form} | {report.runs} | {rules or 'none'} | {len(strange)} | {cost:.0f} ms |",
            flush=True,
        )
        for line in strange:
            print(f"{sdk} {form}: {line}", file=sys.stderr)
    return held


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/hunts", description="Prints what hunts find.")
    parser.add_argument("what", nargs="*", metavar="clients|sdks", help="which table (both)")
    parser.add_argument("--runs", type=int, help="the most runs of a hunt (clients: 200, SDKs: 500)")
    parser.add_argument("--only", metavar="NAME", help="one client, or one SDK")
    args = parser.parse_args()
    unknown = set(args.what) - {"clients", "sdks"}
    if unknown:
        parser.error(f"expected clients or sdks; found {', '.join(sorted(unknown))}")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    held = True
    if "clients" in (args.what or ["clients"]):
        held = show_clients(args.only, args.runs or 200)
    if "sdks" in (args.what or ["sdks"]):
        held = show_sdks(args.only, args.runs or 500) and held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
