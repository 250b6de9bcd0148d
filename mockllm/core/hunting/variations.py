"""The legal variations of the table of disturbances: a client that has another result is wrong."""

from __future__ import annotations

from typing import Final

from mockllm.core.hunting.disturbance_type import DisturbanceType, faults
from mockllm.core.json.codec import Json

_COMMENTS: Final[list[Json]] = [
    {"comment_flood": {"after": {"chunks": count}, "count": 1, **form}}
    for form in ({"comment": "keep-alive"}, {"form": "ping"})
    for count in (0, 1, 2)
]
_PARTS: Final[dict[str, Json]] = {"pause": "300ms", "count": 3}
"""How parts come: a client on a busy machine may read one pair of them at once, and not all pairs."""
SMALL: Final = "0.01ms"
"""The time between two parts of a body: they are separate writes, and separate chunks of HTTP."""
VARIATIONS: Final = (
    DisturbanceType(
        "split_character",
        "split",
        "same",
        "sends a character of several bytes in two parts",
        (faults({"cut_utf8": {"then": "go_on", **_PARTS}}),),
        ("stream",),
    ),
    DisturbanceType(
        "split_event",
        "split",
        "same",
        "sends an event in two parts",
        (faults({"cut_event": {"then": "go_on", **_PARTS}}),),
        ("stream",),
    ),
    DisturbanceType(
        "small_writes",
        "split",
        "same",
        "sends the body in small writes, byte by byte",
        (faults({"drip": {"size": 1, "every": SMALL}}), faults({"drip": {"size": 7, "every": SMALL}})),
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
        (faults({"coalesce": {"events": 3}}), faults({"coalesce": {"events": 2}})),
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
        "crlf", "lines", "same", "ends the lines of events with CRLF", (faults("crlf"),), ("stream",)
    ),
    DisturbanceType(
        "comments",
        "lines",
        "same",
        "sends comments between events, and pings where the protocol has them",
        (faults(*_COMMENTS),),
        ("stream",),
    ),
    DisturbanceType(
        "no_space",
        "lines",
        "same",
        "sends no space behind the colons of events (`data:{…}`)",
        (faults("no_space"),),
        ("stream",),
    ),
    DisturbanceType(
        "header_form",
        "headers",
        "same",
        "writes the names of headers in another case, or the headers in another order",
        (
            faults({"header_form": {"case": "lower"}}),
            faults({"header_form": {"case": "upper", "order": "reversed"}}),
        ),
    ),
    DisturbanceType(
        "empty_chunk",
        "empty",
        "same",
        "sends a chunk without text, or without choices",
        (
            faults({"empty_chunk": {"form": "empty_text", "after": {"chunks": 1}}}),
            faults({"empty_chunk": {"form": "no_choices", "after": {"fraction": 1.0}}}),
        ),
        ("stream",),
    ),
    DisturbanceType(
        "repeated_members",
        "members",
        "same",
        "repeats the role in each event, or sends the finish reason with the last chunk",
        (faults({"role": {"at": "every"}}), faults({"finish": {"at": "last_chunk"}})),
        ("stream",),
    ),
    DisturbanceType(
        "interleaved_calls",
        "calls",
        "same",
        "alternates the chunks of parallel tool calls",
        (faults({"tool_call_chunks": {"interleave": True}}),),
        ("stream", "parallel calls"),
    ),
    DisturbanceType(
        "slow_start",
        "slow",
        "same",
        "sends the first byte of a response late",
        ({"delay": "400ms"}, {"pace": {"ttft": "400ms"}}, faults({"slow_headers": {"for": "300ms"}})),
    ),
    DisturbanceType(
        "pause",
        "slow",
        "same",
        "pauses in the middle of a response",
        (faults({"stall": {"for": "400ms"}}),),
        ("stream",),
    ),
    DisturbanceType(
        "no_length",
        "headers",
        "same",
        "ends the body with the connection, without a length",
        (faults({"content_length": {"form": "missing"}}),),
    ),
)
