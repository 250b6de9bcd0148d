"""`mockllm record`: a proxy that records interactions as scenario files."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mockllm.cli.console import access_log_of, log
from mockllm.cli.listen_addresses import addresses, configure_tls
from mockllm.cli.option import BadOption, Option, add
from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import RECORDING, REDACT, SERVING, add_limits, limits, option_values, volatile
from mockllm.cli.progress_bar import ProgressBar
from mockllm.cli.signal_handlers import shell_exit_code
from mockllm.core.url_secrets import without_credentials
from mockllm.engine import Engine
from mockllm.engine.settings import EngineSettings
from mockllm.recordings.atomic_files import probe
from mockllm.recordings.scenario_writer import RequestParser
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.server.app import App
from mockllm.server.http_server import Address, CannotListen, serve
from mockllm.server.http_server import run as run_server
from mockllm.server.provider_proxy import ProviderProxy
from mockllm.server.upstreams import Upstreams
from mockllm.state.engine_state import EngineState

SERVE_OPTIONS: Final = frozenset(
    {"host", "port", "listen", "no_cors", "hash_ignore", "quiet", "verbose"}
    | {"tls_self_signed", "tls_cert", "tls_key", "tls_client_ca", "tls_port", "tls_dir"}
)
OUT: Final = Option("--out", "recording", "folder for the recordings", "recordings", metavar="DIR")
USAGE: Final = (
    "%(prog)s [--upstream PROVIDER=URL] [--out DIR] [--port PORT] [option ...] [-- COMMAND [argument ...]]"
)
OPTIONS: Final = (*RECORDING, REDACT, OUT, *(option for option in SERVING if option.key in SERVE_OPTIONS))


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = USAGE
    parser.description = (
        "Forwards requests to the real providers and records each exchange: a scenario file with the "
        "request's hash and the response's bytes. Point the clients' base URL here. Their keys "
        "are forwarded and written to no file."
    )
    add(parser, OPTIONS)
    add_limits(parser)
    parser.add_argument(
        "--stdio",
        default=None,
        metavar="NAME",
        help="record an MCP server over standard input and output under this name; its command is behind --",
    )
    parser.add_argument("line", nargs=argparse.REMAINDER, metavar="COMMAND", help="command of the MCP server")


def run(args: argparse.Namespace) -> int:
    """Return 0 after a stop with all interactions written, 1 if a write failed, 2 for a usage mistake."""
    values = option_values(args, OPTIONS, os.environ)
    line = args.line[1:] if args.line[:1] == ["--"] else args.line
    if bool(line) != (args.stdio is not None):
        raise BadOption("record: --stdio NAME and a command go together: record --stdio NAME -- COMMAND")
    if not values["upstream"] and args.stdio is None:
        raise BadOption("record: expected the provider's URL: --upstream openai=https://api.openai.com")
    try:
        probe(Path(values["out"]))
    except OSError as error:
        raise BadOption(f"--out {values['out']}: {error.strerror}") from None
    if args.stdio is not None:
        return _record_stdio(args.stdio, line, values)
    where = addresses(args, values)
    recorder = create_recorder(values, values["out"], where, everything=True)
    engine = Engine(run_steps(compile_catalog([])), EngineState(), EngineSettings(volatile=volatile(values)))
    progress = ProgressBar(sys.stderr, "recorded exchange")
    lines = None if values["quiet"] else access_log_of({**values, "strict": False})
    if lines is None or sys.stderr.isatty():  # in a pipe the access log shows the progress
        recorder.watch = progress.update
    app = App(engine, limits=limits(args, os.environ), allow_cors=not values["no_cors"], access_log=lines)
    app.provider_proxy = recorder
    trusted = configure_tls(app, values)
    try:
        with progress:
            run_server(serve(app, where, lambda where: _print_ready(where, recorder, trusted)))
    except CannotListen as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    return _exit_code(recorder, 0)


def _record_stdio(name: str, line: Sequence[str], values: OptionValues) -> int:
    """Record an MCP server that this process starts. Return the exit code of the server, or 1 if a write failed."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name) is None:
        raise BadOption(f"--stdio: expected a name such as weather, found {name!r}")
    from mockllm.cli.stdio_recorder import StdioRecorder

    recorder = ProviderProxy(
        Upstreams({}), Path(values["out"]), RequestParser(volatile(values), values["redact"] or ()), log, True
    )
    try:
        code = asyncio.run(StdioRecorder(name, line, recorder).run())
    except OSError as error:
        raise BadOption(f"record: {line[0]}: {error.strerror}") from None
    return _exit_code(recorder, shell_exit_code(code))


def _exit_code(recorder: ProviderProxy, code: int) -> int:
    """Print how much was recorded. Return the code, or 1 if a write failed."""
    lost = f", {recorder.failed} failed" if recorder.failed else ""
    print(f"{recorder.written} recorded in {recorder.out}{lost}", file=sys.stderr)
    return 1 if recorder.failed else code


def create_recorder(
    values: OptionValues, out: str, where: Sequence[Address], *, everything: bool = False
) -> ProviderProxy:
    """Create the recorder of the options. Raise BadOption if an upstream is this server."""
    upstreams: dict[str, str] = {}
    for name, url in values["upstream"] or ():
        if upstreams.setdefault(name, url) != url:
            raise BadOption(
                f"--upstream {name} is set twice: {without_credentials(upstreams[name])}, {without_credentials(url)}"
            )
        if any(address.is_at(url) for address in where):
            raise BadOption(f"--upstream {name}={without_credentials(url)} is this server itself")
    reader = RequestParser(volatile(values), values["redact"] or ())
    return ProviderProxy(Upstreams(upstreams), Path(out), reader, log, everything)


def _print_ready(where: Sequence[Address], recorder: ProviderProxy, trusted: Path | None) -> None:
    print(f"mockllm records to {recorder.out}, listening on {', '.join(each.url for each in where)}")
    for name, url in recorder.upstreams.bases.items():
        print(f"  {name}: {without_credentials(url)}")
    if trusted is not None:
        print(f"  HTTPS clients must trust the CA: export SSL_CERT_FILE={shlex.quote(str(trusted))}")
    sys.stdout.flush()
