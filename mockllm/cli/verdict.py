"""`mockllm verdict`: how the clients of a running server behave, for a person and for CI."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from mockllm.cli import api_client
from mockllm.cli.options import BadOption
from mockllm.core.json.codec import Json
from mockllm.core.verdicts import VERDICTS
from mockllm.server.access_log import MAX_PROMPT, plain

ABOUT: Final = (
    "Exit code 0 where no client earned a verdict that --fail-on names, 1 where one did, 2 for a mistake of usage "
    "or where no server answers. Ask when the clients are done: what they have not tried again by now counts as "
    "given up (not so with --running). "
    f"The verdicts: {', '.join(VERDICTS)}; docs/verdicts.md says what each is given for."
)
BAD, NONE = "bad", "none"
"""What --fail-on takes beside the verdicts' names."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = ABOUT
    api_client.arguments(parser)
    parser.add_argument("--session", default=None, metavar="ID", help="only what was asked in this session")
    parser.add_argument(
        "--client",
        default=None,
        metavar="WHO",
        help="only this client: by its whole user agent, its key's hash or its address",
    )
    parser.add_argument(
        "--since",
        type=float,
        default=None,
        metavar="SECONDS",
        help="only requests since then, in seconds since the epoch",
    )
    parser.add_argument(
        "--running", action="store_true", help="the clients are still at work, and may try again yet"
    )
    parser.add_argument("--json", action="store_true", help="all of it as JSON")
    parser.add_argument(
        "--junit",
        default=None,
        metavar="FILE",
        help="write it in JUnit's form too; - for the standard output",
    )
    parser.add_argument(
        "--fail-on",
        default=BAD,
        metavar="VERDICT[,…]",
        help=f"which verdicts make the exit code 1: names, {BAD} for all bad ones (default), {NONE}",
    )


def run(given: argparse.Namespace) -> int:
    failing = chosen(given.fail_on)
    query = {
        "session": given.session,
        "client": given.client,
        "since": given.since,
        "over": None if given.running else "true",
    }
    try:
        found = api_client.ask(given, "GET", "/api/verdicts", query)["clients"]
        if given.junit is not None:
            written = api_client.fetch(given, "GET", "/api/verdicts", {**query, "format": "junit"})
            write(given.junit, written)
    except api_client.ApiError as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps({"clients": found}, indent=2))
    elif given.junit != "-":
        print("\n".join(lines(found)))
    return 1 if failing & {each["verdict"] for client in found for each in client["verdicts"]} else 0


def chosen(text: str) -> frozenset[str]:
    """The verdicts that --fail-on names. BadOption where one is not known."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    found: set[str] = set()
    for word in words:
        if word == BAD:
            found |= {name for name, verdict in VERDICTS.items() if not verdict.good}
        elif word in VERDICTS:
            found.add(word)
        elif word != NONE:
            from mockllm.scenario.diagnostics import meant

            known = (*VERDICTS, BAD, NONE)
            hint = meant(word, known) or f"; there are {', '.join(known)}"
            raise BadOption(f"--fail-on: there is no verdict {word!r}{hint}")
    if not words:
        raise BadOption(f"--fail-on: name a verdict, {BAD} or {NONE}")
    return frozenset(found)


def write(name: str, data: bytes) -> None:
    """To a file, or to the standard output. BadOption where it cannot be written."""
    if name == "-":
        sys.stdout.write(data.decode())
        return
    try:
        with open(name, "wb") as file:
            file.write(data)
    except OSError as error:
        raise BadOption(f"{name}: {error.strerror}") from None


def lines(clients: Sequence[Json]) -> list[str]:
    """What is told a person."""
    said: list[str] = []
    for each in clients:
        session = f" in session {each['session']}" if each["session"] is not None else ""
        said.append(f"{each['client']}{session}: {count(each['requests'], 'request')}")
        if not each["verdicts"]:
            said.append("  nothing to say")
        for verdict in each["verdicts"]:
            said += _verdict(verdict)
    bad = sum(not verdict["good"] for each in clients for verdict in each["verdicts"])
    said.append(f"{count(len(clients), 'client')}, {count(bad, 'bad verdict')}")
    return [plain(line, MAX_PROMPT) for line in said]  # a client chooses its name


def _verdict(verdict: dict[str, Any]) -> list[str]:
    mark = "good" if verdict["good"] else "BAD "
    shown = ", ".join(f"#{id}" for id in verdict["requests"][:8])
    more = f" and {len(verdict['requests']) - 8} more" if len(verdict["requests"]) > 8 else ""
    told = [f"  {mark} {verdict['verdict']}: {verdict['says']}", f"       requests: {shown}{more}"]
    return [*told, *([] if verdict["good"] else [f"       rule: {verdict['rule_of_conduct']}"])]


def count(number: int, what: str) -> str:
    """`1 client`, `2 clients`."""
    return f"{number} {what}{'s' * (number != 1)}"
