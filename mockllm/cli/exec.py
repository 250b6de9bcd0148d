"""`mockllm exec -- COMMAND`: a server for as long as a command runs, which finds it by its environment."""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from mockllm.cli.diagnostic_output import list_mistakes
from mockllm.cli.gc_pause import staying
from mockllm.cli.options import (
    LOADING,
    SERVING,
    WHERE,
    BadOption,
    Option,
    add,
    add_limits,
    limits,
    settled,
    strangers,
    wanted,
)
from mockllm.engine import Engine
from mockllm.server.access_log import AccessLog
from mockllm.server.app import App
from mockllm.server.engine_builder import Broken, Builder
from mockllm.server.http_server import Address, CannotListen, ThreadedServer
from mockllm.server.lazy_control import steer_late
from mockllm.server.server_limits import ServerLimits
from mockllm.state.sessions import Sessions
from mockllm.testing.environment import variables

if TYPE_CHECKING:
    from mockllm.server.control import ControlApi

USAGE: Final = "%(prog)s [--scenarios DIR] [--pack NAME[,NAME]] [option ...] -- COMMAND [argument ...]"
ABOUT: Final = (
    "Serves scenarios on a free port while COMMAND runs, which finds the server by OPENAI_BASE_URL, "
    "ANTHROPIC_BASE_URL, GOOGLE_GEMINI_BASE_URL and MOCKLLM_BASE_URL, with keys that are none. Ends with the "
    "command's exit code; with --strict with 1 where the command succeeded and no rule answered a request."
)
NOT_FOUND, NOT_RUN, BY_SIGNAL = 127, 126, 128
"""Exit codes as shells have them."""
OWN: Final = ("--seed", "--strict", "--max-delay", "--allow-overrides", "--no-cors", "--verbose")
OPTIONS: Final = (
    Option("--port", WHERE, "0 takes a free one", 0, int),
    *(option for option in SERVING if option.name in OWN),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage, parser.description = USAGE, ABOUT
    add(parser, (*LOADING, *OPTIONS))
    add_limits(parser)
    parser.add_argument(
        "--verdicts",
        action="store_true",
        help="tell how the command behaved as a client; a bad verdict makes the exit code 1 where it succeeded",
    )
    parser.add_argument("--junit", default=None, metavar="FILE", help="write the verdicts in JUnit's form")
    parser.add_argument("line", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run, behind --")


def run(given: argparse.Namespace) -> int:
    line = given.line[1:] if given.line[:1] == ["--"] else given.line
    if not line:
        raise BadOption("exec: say what to run behind --, as in `mockllm exec -- npm test`")
    environment = {name: value for name, value in os.environ.items() if name != "MOCKLLM_PORT"}
    values = settled(given, (*LOADING, *OPTIONS), environment)
    bounds = limits(given, environment)
    try:
        builder, engine = _built(values, bounds, environment)
    except Broken as broken:
        list_mistakes(broken.mistakes, sys.stderr)
        return 2
    missed: list[str] = []
    lines = _Heard(missed, verbose=values["verbose"])
    app = App(
        engine,
        limits=dataclasses.replace(bounds, grace=0.1),
        open_to_pages=not values["no_cors"],
        lines=lines,
    )
    steer_late(app, partial(_control, app, builder))
    server = ThreadedServer(app, Address("127.0.0.1", values["port"]))
    try:
        with server as url:
            code = _run(line, {**environment, **variables(url)})
    except CannotListen as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    for each in () if values["verbose"] else missed:  # behind the command's own output
        print(f"mockllm: {each}", file=sys.stderr)
    code = _ended(code, len(missed), strict=values["strict"])
    return _judged(app, engine, given, code) if given.verdicts or given.junit is not None else code


def _control(app: App, builder: Builder) -> ControlApi:
    from mockllm.cli.control_setup import control_of
    from mockllm.server.control import Access

    return control_of(app, builder, None, Access())


def _built(
    values: Mapping[str, Any], bounds: ServerLimits, environment: Mapping[str, str]
) -> tuple[Builder, Engine]:
    """What answers, and what made it; what is worth a line about it is said. Broken where there are mistakes."""
    builder = Builder(
        replace(wanted(values, environment), examples=False),
        Sessions(most=bounds.sessions, unused=bounds.session_ttl),
        seed=values["seed"],
        longest=values["max_delay"],
        max_generated=bounds.generated,
        strict=values["strict"],
        overrides=values["allow_overrides"],
    )
    with staying():
        engine = builder.first()
    for warning in (*builder.warnings, *strangers(environment, builder.variables)):
        print(f"mockllm: warning: {warning}", file=sys.stderr)
    return builder, engine


class _Heard(AccessLog):
    """Keeps the lines of requests that no rule answered; a verbose one says all of them beside the command's
    own output."""

    def __init__(self, missed: list[str], *, verbose: bool) -> None:
        super().__init__(lambda line: print(line, file=sys.stderr, flush=True), verbose=verbose)
        self._missed_lines = missed
        self._heard = verbose

    def show(self, record: Any, request: Any = None) -> None:
        if record.missed:
            self._missed_lines.append(self.line(record, request))
        if self._heard:
            super().show(record, request)


def _run(line: Sequence[str], environment: Mapping[str, str]) -> int:
    """The command's exit code, as a shell would tell it."""
    try:
        process = subprocess.Popen(line, env=environment)  # noqa: S603 - it is what was asked for
    except OSError as error:
        print(f"mockllm: {line[0]} cannot be run: {error.strerror}", file=sys.stderr)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
    with _handing_on(process):
        code = process.wait()
    return BY_SIGNAL - code if code < 0 else code


@contextmanager
def _handing_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """SIGTERM is handed on to the command. Ctrl-C reaches it by itself, and what it makes of that is waited for."""

    def terminate(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminate),
        signal.SIGINT: signal.signal(signal.SIGINT, lambda number, frame: None),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(code: int, missed: int, *, strict: bool) -> int:
    """The exit code of all."""
    if missed:
        print(f"mockllm: {missed} request{'s' * (missed != 1)} that no rule answered", file=sys.stderr)
    return 1 if strict and missed and code == 0 else code


def _judged(app: App, engine: Engine, given: argparse.Namespace, code: int) -> int:
    """The exit code, where it is minded how the command behaved; that is told, and written."""
    from mockllm.cli.verdict import BAD, chosen, lines, write
    from mockllm.server.control.handlers.verdicts import client_reports, observed_requests, verdict_list
    from mockllm.server.control.models.verdict_reports import VerdictQuery

    query = VerdictQuery(over=True)
    found = client_reports(
        observed_requests(app.journal, engine, query), app.journal, query, time.monotonic()
    )
    if given.junit is not None:
        from mockllm.core.verdicts.junit import junit

        write(given.junit, junit(found))
    if not given.verdicts:
        return code
    clients = verdict_list(found).model_dump()["clients"]
    print("\n".join(f"mockllm: {line}" for line in lines(clients)), file=sys.stderr)
    names = {each["verdict"] for client in clients for each in client["verdicts"]}
    return 1 if code == 0 and names & chosen(BAD) else code
