"""`mockllm hash`: the hashes of a request, for `match: {hash: …}`."""

from __future__ import annotations

import argparse
import os
import sys

from mockllm.cli.console import print_diagnostics
from mockllm.cli.option import add
from mockllm.cli.options import SERVING, option_values, volatile
from mockllm.cli.sources import known_names, read_input
from mockllm.core.request.request_keys import cached_older_hash, hash_input_json, hash_of
from mockllm.engine import Engine
from mockllm.engine.settings import EngineSettings
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.diagnostics import readable
from mockllm.state.engine_state import EngineState
from mockllm.testing.request_files import InvalidRequestFile, read_request_file

OPTIONS = tuple(option for option in SERVING if option.key == "hash_ignore")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "request",
        metavar="REQUEST.json",
        help="a request as in an example, a recorded request (method, path, headers, body), or a provider's body; "
        "- reads standard input",
    )
    add(parser, OPTIONS)


def run(args: argparse.Namespace) -> int:
    """Return 0 after printing the hashes, 2 if the file is not a request."""
    values = option_values(args, OPTIONS, os.environ)
    raw, name = read_input(args.request, "request")
    try:
        runs = read_request_file(raw, name, known_names())
    except InvalidRequestFile as error:
        print_diagnostics(error.diagnostics, sys.stderr)
        return 2
    engine = Engine(run_steps(compile_catalog([])), EngineState(), EngineSettings(volatile=volatile(values)))
    for each in (each for run in runs for each in run):
        request = each.sent.read_by(engine, 0.0)
        if each.guess is not None:
            print(f"({each.guess})", file=sys.stderr)
        print(f"hash        {hash_of(request)}")
        print(f"older hash  {cached_older_hash(request) or 'none: the body is not an object'}")
        print(f"made of     {readable(hash_input_json(request))}")
    return 0
