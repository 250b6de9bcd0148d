"""`mockllm env`: the environment variables by which SDKs find a running server."""

from __future__ import annotations

import argparse
import re
import shlex
from typing import Final
from urllib.parse import urlsplit

from mockllm.cli.api_client import named_base
from mockllm.cli.option import BadOption
from mockllm.core.request.server_address import DEFAULT_URL, SESSION_PREFIX
from mockllm.core.url_secrets import without_passwords
from mockllm.dialects.listing import LISTED_PROVIDERS
from mockllm.testing.environment import variables

SDK_PATHS: Final = {provider.base for provider in LISTED_PROVIDERS} - {""}
"""The paths that the variables add to the address."""


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
    if re.sub(f"^{SESSION_PREFIX}[^/]+", "", urlsplit(url).path) in SDK_PATHS:
        shown = without_passwords(url)
        raise BadOption(f"{shown}: expected the address without the path of an SDK, such as {DEFAULT_URL}")
    for name, value in variables(url).items():
        print(f"{name}={value}" if args.dotenv else f"export {name}={shlex.quote(value)}")
    return 0
