"""`mockllm env`: the environment variables by which SDKs find a running server."""

from __future__ import annotations

import argparse
import shlex

from mockllm.cli.api_client import named_base, refuse_sdk_path
from mockllm.core.request.server_address import DEFAULT_URL
from mockllm.testing.environment import variables


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Prints the environment variables by which SDKs find a running server, with dummy keys: "
        'eval "$(mockllm env)"'
    )
    parser.add_argument(
        "--url",
        metavar="URL",
        help=f"the server (default {DEFAULT_URL}, or $MOCKLLM_URL); a session's URL ends in /s/ID",
    )
    parser.add_argument(
        "--dotenv",
        action="store_true",
        help="print NAME=VALUE, as in a .env file, in place of shell commands",
    )


def run(args: argparse.Namespace) -> int:
    url = named_base(args)
    refuse_sdk_path(url)
    for name, value in variables(url).items():
        print(f"{name}={value}" if args.dotenv else f"export {name}={shlex.quote(value)}")
    return 0
