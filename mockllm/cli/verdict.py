"""`mockllm verdict`: the behaviour of the clients of a running server, as text and for CI."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from mockllm.cli import api_client
from mockllm.cli.option import BadOption, argparse_type
from mockllm.cli.units import epoch_seconds
from mockllm.core.display import counted
from mockllm.core.json.codec import Json
from mockllm.core.verdicts import VERDICTS
from mockllm.server.access_log import MAX_PRINTED_LINE, printable_line

ABOUT: Final = (
    "Exit code 0 if no client has a verdict of --fail-on, 1 if one does. Exit code 2 for a usage mistake, "
    "if no server responds, or if --session, --client and --since select no client. "
    "Run it when the clients have finished: a failure without a retry by now counts as "
    "abandoned (not with --running). "
    f"The verdicts: {', '.join(VERDICTS)}; the page /verdicts/ of `mockllm docs` describes them."
)
FILTERS: Final = ("session", "client", "since")
BAD, NONE = "bad", "none"
"""Values of --fail-on beside the names of verdicts."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = ABOUT
    api_client.arguments(parser)
    parser.add_argument("--session", default=None, metavar="ID", help="only requests of this session")
    parser.add_argument(
        "--client",
        default=None,
        metavar="WHO",
        help="only this client, by its whole user agent, the hash of its key, or its address",
    )
    parser.add_argument(
        "--since",
        type=argparse_type(epoch_seconds),
        default=None,
        metavar="SECONDS",
        help="only requests since then, in seconds since the epoch",
    )
    parser.add_argument("--running", action="store_true", help="the clients are still running and may retry")
    parser.add_argument("--json", action="store_true", help="all verdicts as JSON")
    parser.add_argument(
        "--junit",
        default=None,
        metavar="FILE",
        help="also write the verdicts in JUnit format; - is standard output",
    )
    parser.add_argument(
        "--fail-on",
        default=BAD,
        metavar="VERDICT[,…]",
        help=f"verdicts that make the exit code 1: names, {BAD} for all bad ones (default), {NONE}",
    )


def run(args: argparse.Namespace) -> int:
    failing = parse_fail_on(args.fail_on)
    if args.json and args.junit == "-":
        raise BadOption("--json and --junit -: standard output has one of them only")
    query = {
        "session": args.session,
        "client": args.client,
        "since": args.since,
        "over": None if args.running else "true",
    }
    try:
        found = api_client.ask(args, "GET", "/api/verdicts", query)["clients"]
        if args.junit is not None:
            written = api_client.fetch(args, "GET", "/api/verdicts", {**query, "format": "junit"})
            write(args.junit, written)
    except api_client.ApiError as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"clients": found}, indent=2))
    elif args.junit != "-":
        print("\n".join(lines(found)))
    if not found and any(query[name] is not None for name in FILTERS):
        print(f"mockllm: no client has a request with {_filters(query)}", file=sys.stderr)
        return 2
    return 1 if failing & {each["verdict"] for client in found for each in client["verdicts"]} else 0


def _filters(query: Mapping[str, object]) -> str:
    return " and ".join(f"--{name} {query[name]}" for name in FILTERS if query[name] is not None)


def parse_fail_on(text: str) -> frozenset[str]:
    """Parse the value of --fail-on. Raise BadOption for an unknown verdict."""
    words = [argument.strip() for argument in text.split(",") if argument.strip()]
    found: set[str] = set()
    for argument in words:
        if argument == BAD:
            found |= {name for name, verdict in VERDICTS.items() if not verdict.good}
        elif argument in VERDICTS:
            found.add(argument)
        elif argument != NONE:
            from mockllm.scenario.diagnostics import suggestion

            known = (*VERDICTS, BAD, NONE)
            hint = suggestion(argument, known) or f"; expected one of {', '.join(known)}"
            raise BadOption(f"--fail-on: unknown verdict {argument!r}{hint}")
    if not words:
        raise BadOption(f"--fail-on: expected a verdict, {BAD} or {NONE}")
    return frozenset(found)


def write(name: str, data: bytes) -> None:
    """Write data to a file or to standard output. Raise BadOption if that fails."""
    if name == "-":
        sys.stdout.write(data.decode())
        return
    try:
        with open(name, "wb") as file:
            file.write(data)
    except OSError as error:
        raise BadOption(f"{name}: {error.strerror}") from None


def lines(clients: Sequence[Json]) -> list[str]:
    """Return the verdicts of all clients as lines."""
    result: list[str] = []
    for each in clients:
        session = f" in session {each['session']}" if each["session"] is not None else ""
        result.append(f"{each['client']}{session}: {counted(each['requests'], 'request')}")
        if not each["verdicts"]:
            result.append("  no verdict")
        for verdict in each["verdicts"]:
            result += _verdict(verdict)
    bad = sum(not verdict["good"] for each in clients for verdict in each["verdicts"])
    result.append(f"{counted(len(clients), 'client')}, {counted(bad, 'bad verdict')}")
    return [printable_line(line, MAX_PRINTED_LINE) for line in result]  # a client chooses its name


def _verdict(verdict: dict[str, Json]) -> list[str]:
    mark = "good" if verdict["good"] else "BAD "
    shown = ", ".join(f"#{id}" for id in verdict["requests"][:8])
    more = f" and {len(verdict['requests']) - 8} more" if len(verdict["requests"]) > 8 else ""
    result = [f"  {mark} {verdict['verdict']}: {verdict['says']}", f"       requests: {shown}{more}"]
    return [*result, *([] if verdict["good"] else [f"       rule: {verdict['rule_of_conduct']}"])]
