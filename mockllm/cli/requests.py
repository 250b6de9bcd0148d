"""`mockllm requests`: the past and, with --follow, the new requests of a running server."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Final

from mockllm.cli import api_client
from mockllm.cli.console import use_colours
from mockllm.cli.option import argparse_type
from mockllm.cli.units import count
from mockllm.core.display import counted
from mockllm.core.json.codec import Json
from mockllm.server.access_log import AccessLog, AccessLogRecord, near_miss_lines, printable_line

POLL_INTERVAL: Final = 0.5
"""Seconds between two polls."""
MAX_PAST: Final = 20
"""How many past requests are shown without --last."""
MAX_PAGE: Final = 1000
"""The most requests that the control API returns at once."""
FILTERS: Final = {
    "session": "of this session",
    "endpoint": "to this endpoint, such as openai-chat",
    "model": "for this model",
    "rule": "that selected this rule",
    "status": "of this status",
}

_KEYS: Final = {
    "now": "at",
    "unmatched": "missed",
    "duration": "took",
    "end_reason": "left",
    "seed_token": "seed",
}
"""The members of a request of the control API that have another name in a record."""


def arguments(parser: argparse.ArgumentParser) -> None:
    api_client.arguments(parser)
    parser.add_argument(
        "--follow", "-f", action="store_true", help="continue with new requests, until Ctrl-C"
    )
    parser.add_argument(
        "--last", type=_count, metavar="N", help=f"number of past requests (default {MAX_PAST})"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON for each request")
    for name, help in FILTERS.items():
        of = argparse_type(count) if name == "status" else str
        parser.add_argument(
            f"--{name}", type=of, default=None, metavar=name.upper(), help=f"only requests {help}"
        )
    parser.add_argument(
        "--cost",
        action="store_true",
        help="what the requests would cost at list prices, by model and session",
    )
    parser.add_argument("--missed", action="store_true", help="only requests that no rule matched")


def _count(text: str) -> int:
    number = argparse_type(count)(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, found {number}")
    return number


def run(args: argparse.Namespace) -> int:
    """Return 0, or 2 if no server responds."""
    query: dict[str, Json] = {name: getattr(args, name) for name in FILTERS}
    query["missed"] = "true" if args.missed else None
    if args.cost and (args.follow or args.last is not None):
        other = "--follow" if args.follow else "--last"
        print(
            f"mockllm: --cost counts all requests of the journal; it does not work with {other}",
            file=sys.stderr,
        )
        return 2
    most = MAX_PAST if args.last is None else args.last
    try:
        if args.cost:
            _show_costs(api_client.ask(args, "GET", "/api/costs", query), args)
            return 0
        found, past = _past(args, query, most)
        _show(past, args)
        if not found["requests"] and not args.follow:
            print(_nothing(found["total"], query), file=sys.stderr)
        last = max(
            [found["total"] if not found["requests"] else 0, *(each["id"] for each in found["requests"])]
        )
        while args.follow:
            time.sleep(POLL_INTERVAL)
            found = api_client.ask(args, "GET", "/api/requests", {**query, "after": last, "limit": MAX_PAGE})
            if found["total"] < last:
                last = 0  # the server was restarted
                continue
            if (lost := _lost(found, last, query)) and not args.json:
                print(f"… {lost} requests were dropped from the journal before they were shown")
            _show(found["requests"], args)
            last = max([last, *(each["id"] for each in found["requests"])])
    except api_client.ApiError as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 2
    return 0


def _past(
    args: argparse.Namespace, query: dict[str, Json], most: int
) -> tuple[dict[str, Json], list[dict[str, Json]]]:
    """Return the newest page of requests, and so many past requests from the oldest to the newest."""

    def page(left: int, before: int | None) -> dict[str, Json]:
        limit = max(1, min(left, MAX_PAGE))
        found: dict[str, Json] = api_client.ask(
            args, "GET", "/api/requests", {**query, "before": before, "limit": limit}
        )
        return found

    newest = found = page(most, None)
    past: list[dict[str, Json]] = found["requests"][:most]
    while found["requests"] and len(past) < most:
        found = page(most - len(past), past[-1]["id"])
        past += found["requests"]
    return newest, past[::-1]


def _nothing(total: int, query: dict[str, Json]) -> str:
    """Return why no request is shown."""
    filters = " ".join(f"--{name}" for name, value in query.items() if value is not None)
    if not total or not filters:
        return "the server has no requests in its journal"
    return f"no request fits {filters}; the server received {counted(total, 'request')}"


def _lost(found: dict[str, Json], last: int, query: dict[str, Json]) -> int:
    """Return how many requests after this id the journal has dropped; 0 for filtered lists, where it is unknown."""
    if any(value is not None for value in query.values()):
        return 0
    first = found["requests"][0]["id"] if found["requests"] else found["total"] + 1
    return max(0, int(first) - last - 1)


def _show(found: list[dict[str, Json]], args: argparse.Namespace) -> None:
    """Print the requests; with --missed, each with its near misses below."""
    lines = AccessLog(print, colour=use_colours())
    for each in found:
        if args.json:
            print(json.dumps(_with_request(each, args)))
            continue
        line = record(each)
        print(f"#{each['id']} {lines.line(line)}")
        for near_miss in near_miss_lines(line, len(line.near_misses)) if args.missed else ():
            print(near_miss)
    sys.stdout.flush()


def _show_costs(report: dict[str, Json], args: argparse.Namespace) -> None:
    """Print the costs of the journal, the dearest first."""
    if args.json:
        print(json.dumps(report))
        return
    rows = [(printable_line(each["model"] or "-"), each) for each in report["models"]]
    rows += [(f"session {each['session']}", each) for each in report["sessions"] if each["session"]]
    width = max((len(name) for name, _ in rows), default=0)
    for name, each in rows:
        requests = "request " if each["requests"] == 1 else "requests"
        unpriced = f"  ({each['unpriced']} without a price)" if each["unpriced"] else ""
        print(
            f"{name:<{width}}  {each['requests']:>6} {requests}  {each['input_tokens']:>9} in  "
            f"{each['cached_tokens']:>9} cached  {each['output_tokens']:>9} out  ${each['cost']:.6f}{unpriced}"
        )
    print(f"${report['cost']:.6f} in all, at the server's prices")


def _with_request(each: dict[str, Json], args: argparse.Namespace) -> dict[str, Json]:
    """Return a request of the list with its headers and body, which `mockllm explain` reads."""
    try:
        return {**each, "request": api_client.ask(args, "GET", f"/api/requests/{each['id']}")["request"]}
    except api_client.ApiError:  # the journal dropped it meanwhile
        return each


def record(each: dict[str, Json]) -> AccessLogRecord:
    """Convert a request of the control API to an access log record. An older server has no `retry`."""
    keys = {name: _KEYS.get(name, name) for name in AccessLogRecord.__struct_fields__ if name != "redactor"}
    return AccessLogRecord(**{name: each[key] for name, key in keys.items() if key in each})
