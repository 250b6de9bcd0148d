"""The table of disturbances: what a server may do, and what a good client does then.

A *variation* is legal: a client that has another result is wrong. A *fault* is a failure that a provider or the
network before it can show. A good client recovers, or ends with an error that states the failure. A test compares
this table with that of `docs/hunting.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.hunting.disturbance import Disturbance
from mockllm.core.json.codec import Json

Expectation: TypeAlias = Literal["same", "recover", "report", "ignore"]
"""`same`: nothing changes. `recover`: a retry succeeds. `report`: an error says so. `ignore`: not tried."""
EXPECTATIONS: Final = ("same", "recover", "report", "ignore")
Needs: TypeAlias = Literal["any", "stream", "whole", "calls", "parallel calls"]
"""The kind of response without which a disturbance has no effect."""


class DisturbanceType(Struct, frozen=True):
    """A row of the table.

    `forms` are the settings of modifiers, the simplest first; the search tries all, shrinking prefers the first.
    `family` is the class of the place: findings of one family that break the same rule are one. `says` completes
    "The server …". `changes_content`: the content of the response differs, so the output of a good client may, too.
    `lasts`: also tried on every request, as an outage.
    """

    name: str
    family: str
    expect: Expectation
    says: str
    forms: tuple[Mapping[str, Json], ...]
    needs: tuple[Needs, ...] = ("any",)
    changes_content: bool = False
    lasts: bool = False

    @property
    def variation(self) -> bool:
        return self.expect == "same"


def _faults(*faults: Json) -> Mapping[str, Json]:
    return {"faults": list(faults)}


def _places(name: str, **settings: Json) -> tuple[Mapping[str, Json], ...]:
    """Return a fault at four places: after the first chunk, in the middle, before the first, and near the end."""
    places: tuple[Json, ...] = ({"chunks": 1}, {"fraction": 0.5}, {"chunks": 0}, {"fraction": 0.9})
    return tuple(_faults({name: {"after": place, **settings}}) for place in places)


_COMMENTS: Final[list[Json]] = [
    {"comment_flood": {"after": {"chunks": count}, "count": 1, **form}}
    for form in ({"comment": "keep-alive"}, {"form": "ping"})
    for count in (0, 1, 2)
]
_PARTS: Final[dict[str, Json]] = {"pause": "300ms", "count": 3}
"""How parts come: a client on a busy machine may read one pair of them at once, and not all pairs."""
SMALL: Final = "0.01ms"
"""The time between two parts of a body: they are separate writes, and separate chunks of HTTP."""
BODY_200: Final = '{"error": {"message": "The server had an error.", "type": "server_error", "code": 500}}'

VARIATIONS: Final = (
    DisturbanceType(
        "split_character",
        "split",
        "same",
        "sends a character of several bytes in two parts",
        (_faults({"cut_utf8": {"then": "go_on", **_PARTS}}),),
        ("stream",),
    ),
    DisturbanceType(
        "split_event",
        "split",
        "same",
        "sends an event in two parts",
        (_faults({"cut_event": {"then": "go_on", **_PARTS}}),),
        ("stream",),
    ),
    DisturbanceType(
        "small_writes",
        "split",
        "same",
        "sends the body in small writes, byte by byte",
        (_faults({"drip": {"size": 1, "every": SMALL}}), _faults({"drip": {"size": 7, "every": SMALL}})),
    ),
    DisturbanceType(
        "all_at_once",
        "joined",
        "same",
        "sends all events of a stream in one write",
        ({"pace": {"ttft": "0s", "itl": "0s"}},),
        ("stream",),
    ),
    DisturbanceType(
        "in_groups",
        "joined",
        "same",
        "sends several events in one write",
        (_faults({"coalesce": {"events": 3}}), _faults({"coalesce": {"events": 2}})),
        ("stream",),
    ),
    DisturbanceType(
        "other_chunks",
        "chunks",
        "same",
        "divides its content into other chunks: one character each, or all in one",
        ({"pace": {"chunk_size": "1 characters"}}, {"pace": {"chunk_size": "10000 characters"}}),
        ("stream",),
    ),
    DisturbanceType(
        "crlf", "lines", "same", "ends the lines of events with CRLF", (_faults("crlf"),), ("stream",)
    ),
    DisturbanceType(
        "comments",
        "lines",
        "same",
        "sends comments between events, and pings where the protocol has them",
        (_faults(*_COMMENTS),),
        ("stream",),
    ),
    DisturbanceType(
        "no_space",
        "lines",
        "same",
        "sends no space behind the colons of events (`data:{…}`)",
        (_faults("no_space"),),
        ("stream",),
    ),
    DisturbanceType(
        "header_form",
        "headers",
        "same",
        "writes the names of headers in another case, or the headers in another order",
        (
            _faults({"header_form": {"case": "lower"}}),
            _faults({"header_form": {"case": "upper", "order": "reversed"}}),
        ),
    ),
    DisturbanceType(
        "empty_chunk",
        "empty",
        "same",
        "sends a chunk without text, or without choices",
        (
            _faults({"empty_chunk": {"form": "empty_text", "after": {"chunks": 1}}}),
            _faults({"empty_chunk": {"form": "no_choices", "after": {"fraction": 1.0}}}),
        ),
        ("stream",),
    ),
    DisturbanceType(
        "repeated_members",
        "members",
        "same",
        "repeats the role in each event, or sends the finish reason with the last chunk",
        (_faults({"role": {"at": "every"}}), _faults({"finish": {"at": "last_chunk"}})),
        ("stream",),
    ),
    DisturbanceType(
        "interleaved_calls",
        "calls",
        "same",
        "alternates the chunks of parallel tool calls",
        (_faults({"tool_call_chunks": {"interleave": True}}),),
        ("stream", "parallel calls"),
    ),
    DisturbanceType(
        "slow_start",
        "slow",
        "same",
        "sends the first byte of a response late",
        ({"delay": "400ms"}, {"pace": {"ttft": "400ms"}}, _faults({"slow_headers": {"for": "300ms"}})),
    ),
    DisturbanceType(
        "pause",
        "slow",
        "same",
        "pauses in the middle of a response",
        (_faults({"stall": {"for": "400ms"}}),),
        ("stream",),
    ),
    DisturbanceType(
        "no_length",
        "headers",
        "same",
        "ends the body with the connection, without a length",
        (_faults({"content_length": {"form": "missing"}}),),
    ),
)

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
        (_faults({"html_page": {"status": 502}}), _faults({"html_page": {"status": 503}})),
    ),
    DisturbanceType(
        "no_response",
        "no response",
        "recover",
        "breaks the connection before the first byte",
        (_faults("no_response"), _faults({"no_response": {"then": "close"}})),
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
            _faults(
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
        "cut", "cut", "report", "closes the connection in the middle of a response", _places("close")
    ),
    DisturbanceType(
        "reset", "cut", "report", "resets the connection in the middle of a response", _places("reset")
    ),
    DisturbanceType(
        "ended_early",
        "cut",
        "report",
        "ends a stream early and correctly for HTTP, without a finish reason",
        _places("truncate"),
        ("stream",),
    ),
    DisturbanceType(
        "no_finish",
        "cut",
        "report",
        "sends no finish reason",
        (_faults("no_finish"),),
        ("stream",),
    ),
    DisturbanceType(
        "no_terminator",
        "end",
        "report",
        "sends a finish reason and no end of the stream (`[DONE]`, `message_stop`)",
        (_faults("no_terminator"),),
        ("stream",),
    ),
    DisturbanceType(
        "error_in_stream",
        "error in stream",
        "report",
        "sends an error in the middle of a stream",
        _places("error_event")[:3],
        ("stream",),
    ),
    DisturbanceType(
        "silence",
        "silence",
        "report",
        "falls silent, and leaves the connection open",
        (*_places("silence")[:1], _faults({"no_response": {"then": "silence"}})),
    ),
    DisturbanceType(
        "refusal",
        "content",
        "report",
        "sends a refusal of the model",
        (_faults("refusal"),),
        changes_content=True,
    ),
    DisturbanceType(
        "content_filter",
        "content",
        "report",
        "ends the content by a content filter",
        (_faults("content_filter"),),
    ),
    DisturbanceType(
        "length_stop",
        "content",
        "report",
        "ends the content at the maximum of tokens",
        (_faults("length_stop"),),
    ),
    DisturbanceType(
        "empty_answer",
        "content",
        "report",
        "sends no content, and ends normally",
        (_faults("empty_answer"),),
        changes_content=True,
    ),
    DisturbanceType(
        "bad_arguments",
        "tool call",
        "report",
        "sends arguments of a tool call that are not JSON",
        (_faults("bad_tool_arguments"), _faults({"bad_tool_arguments": {"how": "truncated"}})),
        ("calls",),
        changes_content=True,
    ),
    DisturbanceType(
        "unknown_tool",
        "tool call",
        "report",
        "calls a tool that the request does not offer",
        (_faults("unknown_tool"),),
        ("calls",),
        changes_content=True,
    ),
    DisturbanceType(
        "wrong_arguments",
        "tool call",
        "report",
        "sends arguments of a tool call that violate its schema",
        (_faults({"wrong_schema": {"how": "missing"}}),),
        ("calls",),
        changes_content=True,
    ),
)


def contradict(schedule: Sequence[Disturbance]) -> bool:
    """Return whether two faults of a schedule may be on one request. One of them may not have been sent then,
    and what the client does is not a reaction to it."""
    faults = [each for each in schedule if not DISTURBANCES[each.kind].variation]
    return any(one.may_meet(other) for one, other in combinations(faults, 2))


DISTURBANCES: Final[Mapping[str, DisturbanceType]] = {row.name: row for row in (*VARIATIONS, *FAULTS_SHOWN)}
"""All rows by name: variations first, each in the order in which they are tried."""
