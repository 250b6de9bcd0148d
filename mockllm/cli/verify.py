"""`mockllm verify`: check the requests of a running server against the expectations of a file."""

from __future__ import annotations

import argparse
import json
import sys

from mockllm.cli import api_client
from mockllm.cli.console import print_diagnostics
from mockllm.cli.option import BadOption
from mockllm.cli.sources import read_input
from mockllm.core.display import counted
from mockllm.core.json.codec import Json
from mockllm.core.redaction import Redactor
from mockllm.scenario.diagnostics import parse_path
from mockllm.scenario.source_file import Source
from mockllm.scenario.yaml_reader import read_source
from mockllm.server.access_log import MAX_PRINTED_LINE, printable_line

ABOUT = (
    "Exit code 0 if all expectations are met, 1 if one is not. Exit code 2 for a mistake in the file, or if the "
    "server has no session of the id that --session or the file names. The file is "
    "YAML or JSON: `expect` lists matches in the scenario language, each with exactly, at_least or at_most."
)

UNKNOWN = ("is unknown", "unknown key")
"""How a message about a key begins, not about its value."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = ABOUT
    parser.add_argument(
        "expectations", nargs="?", metavar="FILE", help="expectations; - reads standard input"
    )
    api_client.arguments(parser)
    parser.add_argument("--session", default=None, help="only requests of this session")
    parser.add_argument("--in-order", action="store_true", help="the requests must have this order")
    parser.add_argument("--no-unmatched", action="store_true", help="every request must have matched a rule")
    parser.add_argument(
        "--all-rules-used",
        action="store_true",
        help="every rule of your own files and overlays must have been selected. Rules of packs, and of the "
        "overlays of other sessions, do not count",
    )
    parser.add_argument("--json", action="store_true", help="the result as JSON")


def run(args: argparse.Namespace) -> int:
    body: dict[str, Json] = {}
    source = None
    if args.expectations is not None:
        source = read_source(*read_input(args.expectations, "expectations"))
        if source.diagnostics:
            print_diagnostics(source.diagnostics, sys.stderr)
            return 2
        if not isinstance(source.data, dict):
            from mockllm.scenario.validation_errors import describe_value  # it imports the language's models

            message = f"expected `expect:` and a list below it, found {describe_value(source.data)}"
            print_diagnostics([source.diagnostic((), message)], sys.stderr)
            return 2
        body = dict(source.data)
    if args.session is not None:
        body["session"] = args.session
    body |= {word: True for word in ("in_order", "no_unmatched", "all_rules_used") if getattr(args, word)}
    if source is None and not (args.no_unmatched or args.all_rules_used):
        raise BadOption("nothing to verify: expected a file, --no-unmatched or --all-rules-used")
    try:
        found = api_client.ask(args, "POST", "/api/verify", body=body)
        unknown = not found["checked"] and _is_unknown(body.get("session"), args)
    except api_client.ApiError as error:
        _print_error(error, source)
        return 2
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        _print(found, source)
    if unknown:
        print(f"mockllm: no request has the session {body['session']}", file=sys.stderr)
        return 2
    return 0 if found["passed"] else 1


def _print_error(error: api_client.ApiError, source: Source | None) -> None:
    """Print why the server did not verify; the mistakes of a file with their places."""
    if source is None or not error.wrong:
        print(f"mockllm: {error}", file=sys.stderr)
        return
    found = sorted(
        source.diagnostic(parse_path(field), message, key=message.startswith(UNKNOWN))
        for field, message in error.wrong
    )
    print_diagnostics(found, sys.stderr)


def _is_unknown(session: str | None, args: argparse.Namespace) -> bool:
    """Return whether the server has no session of this id."""
    if session is None:
        return False
    sessions = api_client.ask(args, "GET", "/api/sessions")["sessions"]
    return all(each["id"] != Redactor().session(session) for each in sessions)


def _print(found: dict[str, Json], source: Source | None) -> None:
    """Print the result. A failure of an expectation begins with its place in the file."""
    for failure in found["failures"]:
        message, number = failure["message"], failure["expect"]
        if source is not None and number is not None:
            message = str(source.diagnostic(("expect", number), message))
        print(printable_line(message, MAX_PRINTED_LINE))
        for each in failure["nearest"]:
            why = "; ".join(each["differences"])
            label, end = ("nearest:", f": {why}") if why else ("such as", "")
            request = f"#{each['id']} {each['path']} {each.get('model') or '-'} → {each.get('rule') or '-'}"
            print(printable_line(f"  {label} {request}{end}", MAX_PRINTED_LINE))
    lost = (
        f" ({found['lost']} older ones are no longer in the journal; `serve --journal N` stores more)"
        if found["lost"]
        else ""
    )
    print(
        f"{'verified' if found['passed'] else 'failed'}: {counted(found['checked'], 'request')} checked{lost}"
    )
