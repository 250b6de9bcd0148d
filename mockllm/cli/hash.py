"""`mockllm hash`: the names that `match: {hash: …}` knows a request by."""

from __future__ import annotations

import argparse
import os
import sys

from mockllm.cli.diagnostic_output import list_mistakes
from mockllm.cli.explain import read_request
from mockllm.cli.options import SERVING, add, settled, vocabulary, volatile
from mockllm.core.request.request_hash import cached_hash, cached_older_hash, hash_input_json
from mockllm.engine import Engine
from mockllm.scenario.compiler import compile_catalog, finished
from mockllm.state.sessions import Sessions
from mockllm.testing.request_files import InvalidRequestFile, read_given

OPTIONS = tuple(option for option in SERVING if option.key == "hash_ignore")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "request",
        metavar="REQUEST.json",
        help="a request in an example's words, recorded (method, path, headers, body), or a provider's body; "
        "- reads it from the standard input",
    )
    add(parser, OPTIONS)


def run(given: argparse.Namespace) -> int:
    """0 where it was told, 2 where the file is no request."""
    values = settled(given, OPTIONS, os.environ)
    raw, name = read_request(given.request)
    try:
        runs = read_given(raw, name, vocabulary())
    except InvalidRequestFile as error:
        list_mistakes(error.mistakes, sys.stderr)
        return 2
    engine = Engine(finished(compile_catalog([])), Sessions(), volatile=volatile(values))
    for each in (each for run in runs for each in run):
        request = each.sent.read_by(engine, 0.0)
        if each.guess is not None:
            print(f"({each.guess})", file=sys.stderr)
        print(f"hash        {cached_hash(request)}")
        print(f"older hash  {cached_older_hash(request) or 'none: the body is no object'}")
        print(f"made of     {hash_input_json(request)}")
    return 0
