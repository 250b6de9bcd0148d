"""`mockllm record`: a proxy that writes down what passes through it, as scenario files."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mockllm.cli.console import lines_of, say
from mockllm.cli.listen_addresses import addresses, secured
from mockllm.cli.options import (
    RECORDING,
    SERVING,
    BadOption,
    Option,
    add,
    add_limits,
    limits,
    settled,
    volatile,
)
from mockllm.engine import Engine
from mockllm.recordings.atomic_files import probe
from mockllm.recordings.scenario_writer import RequestParser
from mockllm.scenario.compiler import compile_catalog, finished
from mockllm.server.app import App
from mockllm.server.http_server import Address, CannotListen
from mockllm.server.http_server import run as run_server
from mockllm.server.recorder import Recorder
from mockllm.server.upstreams import Upstreams
from mockllm.state.sessions import Sessions

USED: Final = frozenset(
    {"host", "port", "listen", "no_cors", "hash_ignore", "quiet", "verbose"}
    | {"tls_self_signed", "tls_cert", "tls_key", "tls_port", "tls_dir"}
)
OUT: Final = Option("--out", "what is recorded", "the folder for the files", "recordings", metavar="DIR")
OPTIONS: Final = (*RECORDING, OUT, *(option for option in SERVING if option.key in USED))


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Passes requests on to the real providers and writes each exchange down: a scenario file with the "
        "request's hash and the answer's bytes. Point the clients' base URL here; their keys "
        "go through and into no file."
    )
    add(parser, OPTIONS)
    add_limits(parser)


def run(given: argparse.Namespace) -> int:
    """0 when it was stopped and all was written, 1 where something was not, 2 for a mistake of usage."""
    values = settled(given, OPTIONS, os.environ)
    if not values["upstream"]:
        raise BadOption("record: say where requests go: --upstream openai=https://api.openai.com")
    try:
        probe(Path(values["out"]))
    except OSError as error:
        raise BadOption(f"--out {values['out']}: {error.strerror}") from None
    where = addresses(given, values)
    recorder = recorder_of(values, values["out"], where, everything=True)
    engine = Engine(finished(compile_catalog([])), Sessions(), volatile=volatile(values))
    lines = None if values["quiet"] else lines_of({**values, "strict": False})
    app = App(engine, limits=limits(given, os.environ), open_to_pages=not values["no_cors"], lines=lines)
    app.recorder = recorder
    trusted = secured(app, values)
    try:
        run_server(app, where, lambda where: _ready(where, recorder, trusted))
    except CannotListen as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    lost = f", {recorder.failed} not" if recorder.failed else ""
    print(f"{recorder.written} recorded in {recorder.out}{lost}", file=sys.stderr)
    return 1 if recorder.failed else 0


def recorder_of(
    values: Mapping[str, Any], out: str, where: Sequence[Address], *, everything: bool = False
) -> Recorder:
    """The recorder that the options ask for. Raises BadOption where it would lead back to itself."""
    upstreams: dict[str, str] = {}
    for name, url in values["upstream"] or ():
        if upstreams.setdefault(name, url) != url:
            raise BadOption(f"--upstream {name} is given twice: {upstreams[name]}, {url}")
        if any(address.is_at(url) for address in where):
            raise BadOption(f"--upstream {name}={url} leads back to this very server")
    return Recorder(Upstreams(upstreams), Path(out), RequestParser(volatile(values)), say, everything)


def _ready(where: Sequence[Address], recorder: Recorder, trusted: Path | None) -> None:
    print(f"mockllm records to {recorder.out}, listening on {', '.join(each.url for each in where)}")
    for name, url in recorder.upstreams.bases.items():
        print(f"  {name}: {url}")
    if trusted is not None:
        print(f"  HTTPS clients must trust its CA: export SSL_CERT_FILE={shlex.quote(str(trusted))}")
    sys.stdout.flush()
