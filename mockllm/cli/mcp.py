"""`mockllm mcp NAME`: an MCP server over standard input and output, for clients that start their servers."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Final

from mockllm.cli.api_client import server_base
from mockllm.cli.console import log, print_diagnostics
from mockllm.cli.option import BadOption, add
from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import LOAD_OPTIONS, SERVING, add_limits, limits, option_values
from mockllm.cli.own_server import build, control_of, serving
from mockllm.cli.stdio_relay import StdioRelay
from mockllm.server.access_log import AccessLog
from mockllm.server.app import App
from mockllm.server.engine_builder import Broken
from mockllm.server.server_limits import ServerLimits

OWN: Final = ("--seed", "--strict", "--max-delay", "--time-scale", "--allow-overrides", "--verbose")
OPTIONS: Final = tuple(option for option in SERVING if option.name in OWN)
PATH: Final = "/mcp"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Serves one MCP server of the scenarios over standard input and output. With --url it passes the messages on "
        "to a running server, whose rules and states then apply. The log goes to standard error."
    )
    parser.add_argument("name", metavar="NAME", help="name of the MCP server in the scenarios")
    parser.add_argument("--url", default=None, metavar="URL", help="a running mockllm that responds")
    add(parser, (*LOAD_OPTIONS, *OPTIONS))
    add_limits(parser)


def run(args: argparse.Namespace) -> int:
    """Return 0 when the client has disconnected, 1 when the server broke off, 2 for a usage mistake."""
    if args.url is not None:
        for name in _set_options(args):
            log(f"warning: {name} has no effect with --url")
        return asyncio.run(StdioRelay(f"{server_base(args.url, '--url')}{PATH}/{args.name}").run())
    environment = {name: value for name, value in os.environ.items() if name != "MOCKLLM_PORT"}
    values = option_values(args, (*LOAD_OPTIONS, *OPTIONS), environment)
    bounds = limits(args, environment)
    defaults: OptionValues = {"miss_status": 404, "proxy_allow": None}
    try:
        builder, engine = build({**defaults, **values}, bounds, environment)
    except Broken as broken:
        print_diagnostics(broken.diagnostics, sys.stderr)
        return 2
    paths = {path for item in engine.catalog.items for path in item.paths}
    _require_server(engine.catalog.mcp_servers, args.name, paths)
    lines = AccessLog(_to_stderr, verbose=values["verbose"])
    app = App(engine, limits=dataclasses.replace(bounds, grace=0.1), allow_cors=False, access_log=lines)
    app.make_control = partial(control_of, app, builder)
    with serving(app, 0) as url:
        return asyncio.run(StdioRelay(f"{url}{PATH}/{args.name}").run())


def _set_options(args: argparse.Namespace) -> Iterator[str]:
    """Yield the options of the command line that are for a server of this process."""
    options = {option.key: option.name for option in (*LOAD_OPTIONS, *OPTIONS)}
    bounds = {f"limit_{limit.name}": limit.metadata["option"] for limit in dataclasses.fields(ServerLimits)}
    return (name for key, name in (options | bounds).items() if getattr(args, key) is not None)


def _require_server(servers: Mapping[str, object], name: str, paths: Collection[str]) -> None:
    """Raise BadOption for a server that neither the scenarios nor recordings have."""
    if name not in servers and f"/{name}" not in paths:
        known = (
            f" in the scenarios; there are: {', '.join(servers)}" if servers else ": the scenarios have none"
        )
        raise BadOption(f'mcp: no MCP server is called "{name}"{known}')


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
