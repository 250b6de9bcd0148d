"""The table of disturbances: what a server may do, and what a good client does then.

A *variation* is legal: a client that has another result is wrong. A *fault* is a failure that a provider or the
network before it can show. A good client recovers, or ends with an error that states the failure. A test compares
this table with that of `docs/hunting.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

from mockllm.core.hunting.disturbance import Disturbance
from mockllm.core.hunting.disturbance_type import DisturbanceType, at_places, faults
from mockllm.core.hunting.variations import VARIATIONS

BODY_200: Final = '{"error": {"message": "The server had an error.", "type": "server_error", "code": 500}}'

FAULTS_SHOWN: Final = (
    DisturbanceType(
        "rate_limit",
        "refused",
        "recover",
        "refuses with a rate limit and a wait",
        ({"error": {"type": "rate_limit", "retry_after": "1s"}}, {"error": "rate_limit"}),
        lasts=True,
    ),
    DisturbanceType(
        "rate_limit_date",
        "refused",
        "recover",
        "refuses with a rate limit whose `retry-after` is a date",
        ({"error": "rate_limit", "headers": {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}},),
    ),
    DisturbanceType(
        "overloaded",
        "refused",
        "recover",
        "is overloaded (503 or 529)",
        ({"error": "overloaded"}, {"error": {"type": "overloaded", "status": 529}}),
        lasts=True,
    ),
    DisturbanceType(
        "server_error",
        "refused",
        "recover",
        "fails with 500",
        ({"error": "server_error"},),
        lasts=True,
    ),
    DisturbanceType(
        "gateway_page",
        "refused",
        "recover",
        "is behind a gateway that sends a page of HTML",
        (faults({"html_page": {"status": 502}}), faults({"html_page": {"status": 503}})),
    ),
    DisturbanceType(
        "no_response",
        "no response",
        "recover",
        "breaks the connection before the first byte",
        (faults("no_response"), faults({"no_response": {"then": "close"}})),
        lasts=True,
    ),
    DisturbanceType(
        "authentication",
        "refused for good",
        "report",
        "refuses the key",
        ({"error": "authentication"},),
        lasts=True,
    ),
    DisturbanceType(
        "context_length",
        "refused for good",
        "report",
        "refuses a request that is too long",
        ({"error": "context_length"},),
        lasts=True,
    ),
    DisturbanceType(
        "quota",
        "refused for good",
        "report",
        "refuses because the credit is used up",
        ({"error": "insufficient_quota"},),
        lasts=True,
    ),
    DisturbanceType(
        "error_in_200",
        "error in 200",
        "report",
        "sends an error in the body of a 200",
        (
            faults(
                {
                    "html_page": {
                        "status": 200,
                        "body": BODY_200,
                        "headers": {"content-type": "application/json"},
                    }
                }
            ),
        ),
    ),
    DisturbanceType(
        "cut", "cut", "report", "closes the connection in the middle of a response", at_places("close")
    ),
    DisturbanceType(
        "reset", "cut", "report", "resets the connection in the middle of a response", at_places("reset")
    ),
    DisturbanceType(
        "ended_early",
        "cut",
        "report",
        "ends a stream early and correctly for HTTP, without a finish reason",
        at_places("truncate"),
        ("stream",),
    ),
    DisturbanceType(
        "no_finish",
        "cut",
        "report",
        "sends no finish reason",
        (faults("no_finish"),),
        ("stream",),
    ),
    DisturbanceType(
        "no_terminator",
        "end",
        "report",
        "sends a finish reason and no end of the stream (`[DONE]`, `message_stop`)",
        (faults("no_terminator"),),
        ("stream",),
    ),
    DisturbanceType(
        "error_in_stream",
        "error in stream",
        "report",
        "sends an error in the middle of a stream",
        at_places("error_event")[:3],
        ("stream",),
    ),
    DisturbanceType(
        "silence",
        "silence",
        "report",
        "falls silent, and leaves the connection open",
        (*at_places("silence")[:1], faults({"no_response": {"then": "silence"}})),
    ),
    DisturbanceType(
        "refusal",
        "content",
        "report",
        "sends a refusal of the model",
        (faults("refusal"),),
        changes_content=True,
    ),
    DisturbanceType(
        "content_filter",
        "content",
        "report",
        "ends the content by a content filter",
        (faults("content_filter"),),
    ),
    DisturbanceType(
        "length_stop",
        "content",
        "report",
        "ends the content at the maximum of tokens",
        (faults("length_stop"),),
    ),
    DisturbanceType(
        "empty_answer",
        "content",
        "report",
        "sends no content, and ends normally",
        (faults("empty_answer"),),
        changes_content=True,
    ),
    DisturbanceType(
        "bad_arguments",
        "tool call",
        "report",
        "sends arguments of a tool call that are not JSON",
        (faults("bad_tool_arguments"), faults({"bad_tool_arguments": {"how": "truncated"}})),
        ("calls",),
        changes_content=True,
    ),
    DisturbanceType(
        "unknown_tool",
        "tool call",
        "report",
        "calls a tool that the request does not offer",
        (faults("unknown_tool"),),
        ("calls",),
        changes_content=True,
    ),
    DisturbanceType(
        "wrong_arguments",
        "tool call",
        "report",
        "sends arguments of a tool call that violate its schema",
        (faults({"wrong_schema": {"how": "missing"}}),),
        ("calls",),
        changes_content=True,
    ),
)


def contradict(schedule: Sequence[Disturbance]) -> bool:
    """Return whether two faults of a schedule may be on one request. One of them may not have been sent then,
    and what the client does is not a reaction to it."""
    found = [each for each in schedule if not DISTURBANCES[each.kind].variation]
    return any(one.may_meet(other) for one, other in combinations(found, 2))


DISTURBANCES: Final[Mapping[str, DisturbanceType]] = {row.name: row for row in (*VARIATIONS, *FAULTS_SHOWN)}
"""All rows by name: variations first, each in the order in which they are tried."""
