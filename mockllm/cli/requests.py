"""`mockllm requests`: what a running server was asked, and goes on being asked."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, Final

from mockllm.cli import api_client
from mockllm.cli.diagnostic_output import coloured
from mockllm.server.access_log import AccessLog, AccessLogRecord

EVERY: Final = 0.5
"""Seconds between two looks."""
FILTERS: Final = {
    "session": "of this session",
    "endpoint": "to this endpoint, such as openai-chat",
    "model": "for this model",
    "rule": "that this rule answered",
    "status": "of this status",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    api_client.arguments(parser)
    parser.add_argument(
        "--follow", "-f", action="store_true", help="go on with those that come, until Ctrl-C"
    )
    parser.add_argument("--last", type=_count, default=20, metavar="N", help="so many at first (default 20)")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each, in place of words")
    for name, help in FILTERS.items():
        of = int if name == "status" else str
        parser.add_argument(
            f"--{name}", type=of, default=None, metavar=name.upper(), help=f"only those {help}"
        )
    parser.add_argument("--missed", action="store_true", help="only those that no rule answered")


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, found {count}")
    return count


def run(given: argparse.Namespace) -> int:
    """0, or 1 where no server answers."""
    query: dict[str, Any] = {name: getattr(given, name) for name in FILTERS}
    query["missed"] = "true" if given.missed else None
    try:
        found = api_client.ask(
            given, "GET", "/api/requests", {**query, "limit": max(1, min(given.last, 1000))}
        )
        shown = found["requests"][::-1] if given.last > 0 else []
        _show(shown, given.json)
        last = max(
            [found["total"] if not found["requests"] else 0, *(each["id"] for each in found["requests"])]
        )
        while given.follow:
            time.sleep(EVERY)
            found = api_client.ask(given, "GET", "/api/requests", {**query, "after": last, "limit": 1000})
            if found["total"] < last:
                last = 0  # the server was started anew
            if (lost := _lost(found, last, query)) and not given.json:
                print(f"… {lost} that the journal let go before they were seen")
            _show(found["requests"], given.json)
            last = max([last, *(each["id"] for each in found["requests"])])
    except api_client.ApiError as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    return 0


def _lost(found: dict[str, Any], last: int, query: dict[str, Any]) -> int:
    """How many requests behind this one are no longer there; of filtered ones nobody knows."""
    if any(value is not None for value in query.values()):
        return 0
    first = found["requests"][0]["id"] if found["requests"] else found["total"] + 1
    return max(0, int(first) - last - 1)


def _show(found: list[dict[str, Any]], as_json: bool) -> None:
    lines = AccessLog(print, colour=coloured())
    for each in found:
        print(json.dumps(each) if as_json else f"#{each['id']} {lines.line(record(each))}")
    sys.stdout.flush()


def record(each: dict[str, Any]) -> AccessLogRecord:
    """A request as the control API tells it, for a line."""
    return AccessLogRecord(
        each["at"],
        each["method"],
        each["path"],
        each["model"],
        each["rule"],
        tuple(each["modifiers"]),
        each["status"],
        each["took"],
        tuple(each["notes"]),
        each["left"],
        each["missed"],
        each["session"],
        each["seed"],
    )
