"""`mockllm hunt -- COMMAND`: search for the failure of a provider that breaks a command."""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn, TextIO

from mockllm.cli.console import print_diagnostics
from mockllm.cli.option import BadOption, add, argparse_type
from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import LOAD_OPTIONS, SERVING, option_values
from mockllm.cli.progress_bar import ProgressBar
from mockllm.cli.signal_handlers import ENDING_SIGNALS, handled_signals
from mockllm.cli.sources import scenario_sources
from mockllm.cli.units import at_least, exit_codes, positive_seconds
from mockllm.cli.verdict import write
from mockllm.core.display import counted
from mockllm.core.hunting.disturbance import schedule_text
from mockllm.core.hunting.disturbance_type import ExpectedReaction
from mockllm.core.hunting.expectation_file import BadExpectations, expectations
from mockllm.core.hunting.finding import TRIED_ALL, Finding, HuntReport
from mockllm.core.hunting.judgement import Policy
from mockllm.core.hunting.outcome import FIRST_OF_SIGNALS
from mockllm.core.hunting.report_files import report_json, report_junit
from mockllm.core.hunting.report_text import report_lines
from mockllm.hunting.command_run import CannotRun, CommandTrial
from mockllm.hunting.disturbed_server import ServerSources
from mockllm.hunting.finding_files import RUNS, keep_findings
from mockllm.hunting.hunter import MIN_RUNS, HuntBudget, Hunter, NoBaseline, SilentWatch
from mockllm.hunting.outcome_store import OutcomeStore
from mockllm.scenario.diagnostics import readable
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.yaml_reader import read_source
from mockllm.server.engine_builder import Broken

USAGE: Final = "%(prog)s [--scenarios DIR] [--pack NAME[,NAME]] [option ...] -- COMMAND [argument ...]"
ABOUT: Final = (
    "Runs COMMAND again and again against a server that disturbs it: legal variations first, then faults, then "
    "pairs. Shrinks what breaks COMMAND, replays it, and stores it as a scenario. COMMAND finds the server by the "
    "variables that `mockllm env` prints. Exits with 1 for a finding, 2 where COMMAND does not pass without "
    "disturbances, or where no disturbance was tried."
)
OWN: Final = tuple(option for option in SERVING if option.name == "--seed")
INTERRUPTED: Final = 130
MAX_JOBS: Final = 4
"""The most runs at the same time by default."""
RUNS_OF_PROCESSOR: Final = 2
"""The runs at the same time for each processor: most of a run is a wait of the client, between two tries."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage, parser.description = USAGE, ABOUT
    add(parser, (*LOAD_OPTIONS, *OWN))
    _add_judging(parser)
    _add_budget(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--out", default="hunt", metavar="DIR", help="folder of findings (default: hunt)")
    output.add_argument(
        "--resume",
        action="store_true",
        help="go on with an interrupted hunt of the same command and scenarios",
    )
    output.add_argument("--keep-pace", action="store_true", help="keep the scenarios' own pace")
    output.add_argument("--json", action="store_true", help="the report as JSON")
    output.add_argument("--junit", metavar="FILE", help="also write the report in JUnit format")
    output.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("line", nargs=argparse.REMAINDER, metavar="COMMAND", help="command to run, after --")


def _add_judging(parser: argparse.ArgumentParser) -> None:
    """Add what a run must not do."""
    judging = parser.add_argument_group("judging")
    judging.add_argument(
        "--compare", metavar="stdout|FILE", help="what the command writes there must not change"
    )
    judging.add_argument(
        "--side-effects", metavar="FILE", help="a file in which the command writes no line twice"
    )
    judging.add_argument(
        "--reported",
        metavar="CODE[,CODE]",
        type=argparse_type(exit_codes),
        default=frozenset[int](),
        help='exit codes that mean "reported its failure to the user"; by default any code without a crash',
    )
    judging.add_argument(
        "--expect",
        choices=("report", "recover"),
        default="report",
        help="whether a client may report a temporary failure (the default), or has to recover from it",
    )
    judging.add_argument(
        "--expectations", metavar="FILE", help="a YAML file that changes the table of disturbances"
    )


def _add_budget(parser: argparse.ArgumentParser) -> None:
    """Add the bounds of the hunt."""
    budget = parser.add_argument_group("budget")
    positive, duration = argparse_type(at_least(1)), argparse_type(positive_seconds)
    budget.add_argument(
        "--runs",
        type=argparse_type(at_least(MIN_RUNS)),
        default=200,
        help=f"the most runs, without replays, at least {MIN_RUNS} (default: 200)",
    )
    budget.add_argument("--time", type=duration, default=600.0, help="the longest time in all (default: 10m)")
    budget.add_argument(
        "--timeout", type=duration, default=10.0, help="the longest time of one run (default: 10s)"
    )
    budget.add_argument(
        "--jobs",
        type=positive,
        metavar="N",
        help="runs at the same time (default: two per processor, at most 4)",
    )
    budget.add_argument("--replays", type=positive, default=20, help="replays of each finding (default: 20)")
    budget.add_argument("--findings", type=positive, metavar="N", help="stop after so many findings")


def run(args: argparse.Namespace) -> int:
    line = args.line[1:] if args.line[:1] == ["--"] else args.line
    if not line:
        raise BadOption("hunt: expected a command after --, as in `mockllm hunt -- npm test`")
    values = option_values(args, (*LOAD_OPTIONS, *OWN), os.environ)
    sources = scenario_sources(values, os.environ)
    served = _served(sources, values, args)
    trial = CommandTrial(line, served, args.timeout, args.compare, args.side_effects)
    policy = Policy(args.reported, args.expect, _expectations(args.expectations))
    budget = HuntBudget(args.runs, args.time, _jobs(args.jobs), args.replays, values["seed"], args.findings)
    folder = Path(args.out)
    _check_folder(args.junit)
    digest = load_scenarios(sources).loaded.digest
    purpose = [line, values, args.timeout, args.compare, args.side_effects, args.keep_pace, digest]
    try:
        store = OutcomeStore(trial, folder / RUNS, json.dumps(purpose), resume=args.resume)
    except OSError as error:
        raise BadOption(f"--out {args.out}: {error.strerror}") from None
    if args.resume:
        _tell_stored(store.known, folder)
    try:
        report = _hunt(args, store, policy, budget, shlex.join(line))
    except Broken as broken:
        print_diagnostics(broken.diagnostics, sys.stderr)
        return 2
    except (CannotRun, NoBaseline) as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 2
    return _show(report, args, folder)


def _hunt(
    args: argparse.Namespace, store: OutcomeStore, policy: Policy, budget: HuntBudget, command: str
) -> HuntReport:
    complete = False
    with handled_signals(dict.fromkeys(ENDING_SIGNALS, _end)), hunt_progress(sys.stderr, budget) as progress:
        watch = QuietHunt() if args.quiet else ShownHunt(progress, budget.runs)
        try:
            report = Hunter(store, policy, budget, watch).hunt(command)
            complete = report.ended != "interrupted"
        except SystemExit as end:
            name = signal.Signals(int(end.code or 0) - FIRST_OF_SIGNALS).name
            print(f"mockllm: ended by {name}; the same command with --resume goes on", file=sys.stderr)
            raise
        finally:
            store.close(complete=complete)
    return report


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End the hunt and its commands, which have their own sessions and do not get the signal."""
    for each in ENDING_SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # a second one would leave a command behind
    raise SystemExit(FIRST_OF_SIGNALS + number)


def hunt_progress(
    stream: TextIO, budget: HuntBudget, clock: Callable[[], float] = time.monotonic
) -> ProgressBar:
    """Return the progress of a hunt. The rate is that of all its time, as in the report, so replays lower it."""
    return ProgressBar(stream, "run", clock, window=math.inf, longest=budget.seconds, unit=" runs/s")


class QuietHunt(SilentWatch):
    """Shows only what an interrupted hunt waits for."""

    def interrupted(self, running: int) -> None:
        runs = counted(running, "run")
        them = "it" if running == 1 else "them"
        text = f"mockllm: interrupted: waits for {runs} to end; Ctrl-C again ends {them} now"
        print(text, file=sys.stderr, flush=True)


class ShownHunt(QuietHunt):
    """Shows the progress of a hunt, and its findings above."""

    def __init__(self, progress: ProgressBar, total: int) -> None:
        self._progress = progress
        self._total = total
        progress.update(0, total)

    def ran(self, runs: int, findings: int, doing: str) -> None:
        self._progress.update(runs, self._total, detail=f"{findings} found, {doing}")

    def found(self, finding: Finding) -> None:
        kind = "flaky" if finding.flaky else "finding"
        text = f"{kind}: {finding.problem.rule} by {schedule_text(finding.schedule)} ({finding.rate})"
        print(text, file=sys.stderr)


def _show(report: HuntReport, args: argparse.Namespace, folder: Path) -> int:
    """Keep the findings, print the report, and return the exit code."""
    files = keep_findings(report, folder, own_pace=args.keep_pace)
    if args.json:
        print(json.dumps(report_json(report, files), indent=2, ensure_ascii=False))
    else:
        print(readable("\n".join(report_lines(report, files)).lstrip("\n")))
    if args.junit is not None:
        write(args.junit, report_junit(report))
    if report.ended == "interrupted":
        print("mockllm: the same command with --resume goes on", file=sys.stderr)
        return INTERRUPTED
    if report.untried is not None:
        more = "" if report.ended == TRIED_ALL else "; give it more time, such as --time 1m"
        print(f"mockllm: {report.untried}{more}", file=sys.stderr)
        return 2
    return 0 if report.passed else 1


def _check_folder(name: str | None) -> None:
    """Raise BadOption for a file that cannot be written after the hunt, since its folder is missing."""
    if name is None or name == "-":
        return
    if Path(name).is_dir():
        raise BadOption(f"--junit {name}: this is a folder")
    if not Path(name).parent.is_dir():
        raise BadOption(f"--junit {name}: there is no folder {Path(name).parent}")


def _tell_stored(known: int, folder: Path) -> None:
    """Say what the hunt goes on with."""
    if known:
        text = f"goes on with {counted(known, 'stored run')}"
    else:
        text = f"{folder} has no interrupted hunt of this command and these scenarios: a new one begins"
    print(f"mockllm: {text}", file=sys.stderr)


def _served(sources: ScenarioSources, values: OptionValues, args: argparse.Namespace) -> ServerSources:
    """Return what the servers serve: as `exec` does."""
    pairs = (each.partition("=")[::2] for each in values["set"] or ())
    params = {name: read_source(value, "--set").data for name, value in pairs}
    return ServerSources(sources.scenarios, sources.packs, params, values["seed"], args.keep_pace)


def _jobs(wanted: int | None) -> int:
    """Return the number of runs at the same time."""
    return min(MAX_JOBS, RUNS_OF_PROCESSOR * (os.cpu_count() or 1)) if wanted is None else wanted


def _expectations(name: str | None) -> Mapping[str, ExpectedReaction]:
    if name is None:
        return {}
    try:
        source = read_source(Path(name).read_bytes(), name)
        if source.diagnostics:
            raise BadOption(f"--expectations {source.diagnostics[0]}")
        return expectations(source.data)
    except OSError as error:
        raise BadOption(f"--expectations {name}: {error.strerror}") from None
    except BadExpectations as error:
        raise BadOption(f"--expectations {name}: {error}") from None
