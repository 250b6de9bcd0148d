"""`mockllm exec -- COMMAND`: run a command with a server that it finds by its environment."""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import mockllm.testing
from mockllm.cli.console import print_diagnostics
from mockllm.cli.option import BadOption, Option, add, argparse_type
from mockllm.cli.options import LOAD_OPTIONS, NETWORK, SERVING, add_limits, limits, option_values
from mockllm.cli.own_server import build, control_of, serving
from mockllm.cli.signal_handlers import ENDING_SIGNALS, SignalHandler, handled_signals, shell_exit_code
from mockllm.cli.units import exit_codes, port, positive_seconds
from mockllm.core.display import counted
from mockllm.core.request.request import Request
from mockllm.engine import Engine
from mockllm.server.access_log import AccessLog, AccessLogRecord, near_miss_lines
from mockllm.server.app import App
from mockllm.server.engine_builder import Broken
from mockllm.server.http_server import CannotListen
from mockllm.testing.environment import RUN_DIR, variables

USAGE: Final = "%(prog)s [--scenarios DIR] [--pack NAME[,NAME]] [option ...] -- COMMAND [argument ...]"
ABOUT: Final = (
    "Serves scenarios on a free port while COMMAND runs. COMMAND finds the server by OPENAI_BASE_URL, "
    "ANTHROPIC_BASE_URL, GOOGLE_GEMINI_BASE_URL and MOCKLLM_BASE_URL, with dummy keys. Exits with the "
    "command's exit code; with --strict with 1 if the command succeeded but no rule matched a request. "
    "MOCKLLM_RUN_DIR is a folder for files of the command, unless it is set."
)
NODE_CLOCK: Final = Path(mockllm.testing.__file__).with_name("node_clock.mjs")
"""The module that scales the clock of a Node process."""
NOT_FOUND, NOT_RUN = 127, 126
"""Exit codes as in shells."""
TOO_LONG: Final = 124
"""The exit code of a command that ran longer than --timeout, as of timeout(1)."""
ENDING: Final = 2.0
"""Seconds between SIGTERM and SIGKILL for a command that ran too long."""
ADMITTED: Final = frozenset({"gave_up"})
"""Verdicts that are right for a command that reported its failure to the user."""
OWN: Final = (
    "--seed",
    "--strict",
    "--miss-status",
    "--max-delay",
    "--time-scale",
    "--allow-overrides",
    "--proxy-allow",
    "--no-cors",
    "--verbose",
)
OPTIONS: Final = (
    Option("--port", NETWORK, "port number; 0 selects a free port", 0, port),
    *(option for option in SERVING if option.name in OWN),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage, parser.description = USAGE, ABOUT
    add(parser, (*LOAD_OPTIONS, *OPTIONS))
    add_limits(parser)
    parser.add_argument(
        "--verdicts",
        action="store_true",
        help="report how the command behaved as a client; a bad verdict makes the exit code 1 if it succeeded",
    )
    parser.add_argument("--junit", default=None, metavar="FILE", help="write the verdicts in JUnit format")
    parser.add_argument(
        "--reported",
        metavar="CODE[,CODE]",
        type=argparse_type(exit_codes),
        default=frozenset[int](),
        help='exit codes that mean "reported its failure to the user": they become 0',
    )
    parser.add_argument(
        "--timeout",
        metavar="TIME",
        type=argparse_type(positive_seconds),
        help=f"the longest time of the command; then it is ended, and the exit code is {TOO_LONG}",
    )
    parser.add_argument("line", nargs=argparse.REMAINDER, metavar="COMMAND", help="command to run, after --")


def run(args: argparse.Namespace) -> int:
    line = args.line[1:] if args.line[:1] == ["--"] else args.line
    if not line:
        raise BadOption("exec: expected a command after --, as in `mockllm exec -- npm test`")
    environment = {name: value for name, value in os.environ.items() if name != "MOCKLLM_PORT"}
    values = option_values(args, (*LOAD_OPTIONS, *OPTIONS), environment)
    bounds = limits(args, environment)
    try:
        builder, engine = build(values, bounds, environment)
    except Broken as broken:
        print_diagnostics(broken.diagnostics, sys.stderr)
        return 2
    unmatched: list[str] = []
    lines = _UnmatchedLog(unmatched, verbose=values["verbose"])
    app = App(
        engine,
        limits=dataclasses.replace(bounds, grace=0.1),
        allow_cors=not values["no_cors"],
        access_log=lines,
    )
    app.make_control = partial(control_of, app, builder)
    try:
        with serving(app, values["port"]) as url, _run_dir(environment) as own:
            scaled = _clock(values["time_scale"], environment)
            ended = _run(line, {**environment, **own, **variables(url), **scaled}, args.timeout)
    except CannotListen as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    for each in () if values["verbose"] else unmatched:  # after the command's own output
        print(f"mockllm: {each}", file=sys.stderr)
    if unmatched:
        print(f"mockllm: {counted(len(unmatched), 'unmatched request')}", file=sys.stderr)
    code = 0 if ended in args.reported else ended
    code = 1 if values["strict"] and unmatched and code == 0 else code
    if not args.verdicts and args.junit is None:
        return code
    return _report_verdicts(app, engine, args, code, ADMITTED if ended in args.reported else frozenset())


class _UnmatchedLog(AccessLog):
    """Collects the lines of unmatched requests. With `verbose`, also prints all lines beside the output of the
    command."""

    def __init__(self, unmatched: list[str], *, verbose: bool) -> None:
        super().__init__(lambda line: print(line, file=sys.stderr, flush=True), verbose=verbose)
        self._unmatched_lines = unmatched
        self._verbose = verbose

    def show(self, record: AccessLogRecord, request: Request | None = None) -> None:
        if record.unmatched:
            self._unmatched_lines.append("\n".join((self.line(record, request), *near_miss_lines(record, 1))))
        if self._verbose:
            super().show(record, request)

    def show_hold(self, record: AccessLogRecord, name: str, at_most: float) -> None:
        if self._verbose:
            super().show_hold(record, name, at_most)


def _run(line: Sequence[str], environment: Mapping[str, str], timeout: float | None) -> int:
    """Run the command and return its exit code in the form of a shell. With a bound it has its own session, so that
    its children end with it."""
    try:
        process = subprocess.Popen(line, env=environment, start_new_session=timeout is not None)  # noqa: S603 - the user chose the command
    except OSError as error:
        from mockllm.hunting.command_run import cannot_run

        print(f"mockllm: {cannot_run(line, error)}", file=sys.stderr)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
    with handled_signals(_forwarding(process, own_session=timeout is not None)):
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            print(f"mockllm: the command had not ended after {timeout:g} s", file=sys.stderr)
            _end(process)
            return TOO_LONG
    return shell_exit_code(code)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that has its own session, and its children."""
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDING)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _run_dir(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the variable of a folder that exists while the command runs; none where the user has set it.

    A command that `mockllm hunt` ran may use the folder in a replay, too.
    """
    if environment.get(RUN_DIR):
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="mockllm-exec-", ignore_cleanup_errors=True) as folder:
        yield {RUN_DIR: folder}


def _clock(scale: float, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which Node scales its own clock, and say what is not scaled."""
    if scale == 1.0:
        return {}
    print(
        f"mockllm: time scale {scale:g}: timers and dates of Node processes are scaled, too; those of other "
        "programs, and native timeouts, are not",
        file=sys.stderr,
    )
    preload = f"--import={NODE_CLOCK.as_uri()}"
    options = " ".join(filter(None, (environment.get("NODE_OPTIONS"), preload)))
    return {"MOCKLLM_TIME_SCALE": f"{scale:g}", "NODE_OPTIONS": options}


def _forwarding(
    process: subprocess.Popen[bytes], *, own_session: bool
) -> Mapping[signal.Signals, SignalHandler]:
    """Return the handlers that forward signals to the command. Ctrl-C reaches a command of the same session by
    itself; one that has its own session gets all signals, with its children."""

    def forward(number: int, frame: FrameType | None) -> None:
        if not own_session:
            process.send_signal(number)
        elif process.returncode is None:
            os.killpg(process.pid, number)

    def leave(number: int, frame: FrameType | None) -> None:
        """Wait for the command's end."""

    return {**dict.fromkeys(ENDING_SIGNALS, forward), signal.SIGINT: forward if own_session else leave}


def _report_verdicts(
    app: App, engine: Engine, args: argparse.Namespace, code: int, allowed: frozenset[str]
) -> int:
    """Print and write the verdicts on the command. Return the exit code; `allowed` bad verdicts do not count."""
    from mockllm.cli.verdict import BAD, lines, parse_fail_on, write
    from mockllm.server.control.handlers.verdicts import (
        client_reports,
        judged_entries,
        observed_request,
        verdict_list,
    )
    from mockllm.server.control.models.journal import VerdictQuery

    query = VerdictQuery(over=True)
    requests = [observed_request(entry, engine) for entry in judged_entries(app.journal, query)]
    found = client_reports(requests, app.journal, query, time.monotonic())
    if args.junit is not None:
        from mockllm.core.verdicts.junit import junit

        write(args.junit, junit(found))
    if not args.verdicts:
        return code
    clients = verdict_list(found).model_dump()["clients"]
    print("\n".join(f"mockllm: {line}" for line in lines(clients)), file=sys.stderr)
    names = {each["verdict"] for client in clients for each in client["verdicts"]}
    return 1 if code == 0 and (names - allowed) & parse_fail_on(BAD) else code
