"""What each fault of form must do, compared with the stream without it: the places of members, by protocol."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Final

from mockllm.core.rendering.aws_event_stream import write_bytes_event, write_event
from mockllm.core.rendering.plan import EventStep
from tests.faults.expected import FINISHES, HALF, NO_FINISH, UNSTREAMED, joined
from tests.faults.expected_meaning import WANTED, bodies
from tests.faults.matrix_cell import ANY, Expect, Fault, Not, Plain, ReceivedResponse, readable
from tests.faults.meaning_table import REPLIES
from tests.faults.protocol_table import ProtocolTable

MISSING: Any = "not there"
_PLACES: dict[str, dict[str, tuple[str, ...]]] = {
    "openai-chat": {
        "index": ("choices.0.delta.tool_calls.0.index",),
        "role": ("choices.0.delta.role",),
        "usage": ("usage",),
        "hollow": ("choices",),
    },
    "openai-completions": {"usage": ("usage",), "hollow": ("choices",)},
    "openai-responses": {"index": ("output_index",), "role": ("item.role",), "usage": ("response.usage",)},
    "anthropic-messages": {
        "index": ("index",),
        "role": ("message.role",),
        "usage": ("message.usage", "usage"),
    },
    "gemini-generate": {
        "role": ("candidates.0.content.role",),
        "usage": ("usageMetadata",),
        "hollow": ("candidates",),
    },
    "cohere-chat": {"index": ("index",), "role": ("delta.message.role",), "usage": ("delta.usage",)},
    "cohere-chat_v1": {"index": ("tool_call_delta.index",), "usage": ("response.meta",)},
    "ollama-chat": {"index": ("message.tool_calls.0.function.index",), "role": ("message.role",)},
    "bedrock-converse": {"index": ("contentBlockIndex",), "role": ("role",), "usage": ("usage",)},
    "bedrock-invoke": {"index": ("index",), "role": ("message.role",), "usage": ("message.usage", "usage")},
}
ONE_PLACE = {
    "bedrock-converse": ("role", "usage"),
    "cohere-chat": ("role", "usage"),
    "cohere-chat_v1": ("usage",),
}
"""The members for which one event of a stream has a place, by endpoint."""
PLACES = ProtocolTable("tests/faults/expected_form.py: _PLACES", _PLACES)
"""Where each protocol's events have a member; a protocol without the member is left out."""


def value(event: Any, path: str) -> Any:
    """The member at a path such as `choices.0.delta`."""
    for name in path.split("."):
        if isinstance(event, list):
            event = event[int(name)] if int(name) < len(event) else MISSING
        else:
            event = event.get(name, MISSING) if isinstance(event, dict) else MISSING
    return event


def parent(event: Any, path: str) -> Any:
    """The object whose member it is."""
    above = path.rpartition(".")[0]
    return value(event, above) if above else event


def members(plain: Plain, events: Sequence[Any], name: str) -> list[Any]:
    """The values of a member in all events, in order; of each event that has its object."""
    paths = PLACES[plain.endpoint].get(name, ())
    return [value(event, path) for event in events for path in paths if type(parent(event, path)) is dict]


def present(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value not in (MISSING, None)]


def checked(check: Callable[[list[Any], list[Any]], None]) -> Callable[[Plain], Expect]:
    """The JSON of the events without the fault, and with it."""

    def row(plain: Plain) -> Expect:
        def look(seen: ReceivedResponse) -> None:
            check(bodies(plain.body, streamed=True), bodies(seen.body, streamed=True))

        return Expect(ANY, check=look)

    return row


def no_index(plain: Plain) -> Expect | Not:
    """Of a call only: the texts of these protocols have an index too, which stays; the reply has none."""
    before = bodies(plain.body, streamed=True)
    if not plain.dialects[0].capabilities.tool_calls:
        return Not("the response calls no tool")
    if not present(members(plain, before, "index")):
        return Not("its calls have no index")

    def check(_: list[Any], after: list[Any]) -> None:
        assert not present(members(plain, after, "index"))
        assert len(after) == len(before)

    return checked(check)(plain)


def twice(plain: Plain) -> Expect:
    """Each event with the finish reason comes again; the first events of messages have a null."""
    ends = [bool(FINISHES.search(readable(event))) for event in plain.events]
    assert any(ends), NO_FINISH
    again = [[event] * (1 + end) for event, end in zip(plain.events, ends, strict=True)]
    return Expect(joined(plain, list(chain.from_iterable(again))))


def each_role(plain: Plain) -> Expect | Not:
    before = bodies(plain.body, streamed=True)
    deltas = [
        found
        for event in before
        for path in PLACES[plain.endpoint].get("role", ())
        if parent(event, path) and type(parent(event, path)) is dict
        for found in [value(event, path)]
        if is_role_place(plain, event)
    ]
    if not present(deltas):
        return Not("no event has a role")
    if MISSING not in deltas:
        return Not("each event has it already")

    def check(_: list[Any], after: list[Any]) -> None:
        changed = [event for event in after if is_role_place(plain, event)]
        (path,) = PLACES[plain.endpoint]["role"]
        one_place = f"where one event only has a role, name {plain.endpoint} in ONE_PLACE"
        assert {value(event, path) for event in changed} == {present(deltas)[0]}, one_place
        assert len(after) == len(before)

    return checked(check)(plain)


def is_role_place(plain: Plain, event: Any) -> bool:
    """A delta that says something; the one event of a message or an item that has a role."""
    if plain.endpoint == "openai-chat":
        return bool(value(event, "choices.0.delta")) and value(event, "choices.0.delta") != MISSING
    if plain.endpoint == "openai-responses":
        return bool(value(event, "item.type") == "message")
    (path,) = PLACES[plain.endpoint].get("role", ("role",))
    if "role" in ONE_PLACE.get(plain.endpoint, ()):
        return bool(value(event, path) != MISSING)
    return type(parent(event, path)) is dict


def each_usage(plain: Plain) -> Expect | Not:
    before = bodies(plain.body, streamed=True)
    counts = present(members(plain, before, "usage"))
    if not counts:
        return Not("the response does not show it")
    if "usage" in ONE_PLACE.get(plain.endpoint, ()):
        return Not("one event only has a place for it")
    final = counts[-1]

    def places(shown: list[Any]) -> list[Any]:
        paths = PLACES[plain.endpoint]["usage"]
        return [
            value(event, path) for event in shown for path in paths if has_usage_place(plain, event, path)
        ]

    if len(places(before)) > 1 and all(count == final for count in places(before)):
        return Not("it is there already")

    def check(_: list[Any], after: list[Any]) -> None:
        found = places(after)
        one_place = f"where one event only has a place for it, name {plain.endpoint} in ONE_PLACE"
        assert all(count == final for count in found), one_place
        assert len(found) > 1, one_place

    return checked(check)(plain)


def has_usage_place(plain: Plain, event: Any, path: str) -> bool:
    if plain.endpoint in ("anthropic-messages", "bedrock-invoke"):
        return bool(event["type"] == {"message.usage": "message_start", "usage": "message_delta"}[path])
    return type(parent(event, path)) is dict and ("choices" in event or "choices" not in path)


def hollow(plain: Plain) -> Expect | Not:
    paths = PLACES[plain.endpoint].get("hollow")
    if paths is None:
        return Not("no chunk has a place for no_choices")
    at = plain.says[HALF - 1] + 1

    def check(before: list[Any], after: list[Any]) -> None:
        added = [event for event in after if value(event, paths[0]) == [] and event not in before]
        assert len(added) == 1
        assert after.index(added[0]) == at
        assert [event for event in after if event is not added[0]] == before

    return checked(check)(plain)


UNSENT_NAMES: Final = frozenset({"cohere-chat_v1"})
"""The calls whose events are named, for `extras`, but sent as lines of JSON."""


def unnamed(plain: Plain) -> Expect | Not:
    named = re.compile(rb"(?m)^event: [^\r\n]*\r?\n")
    if not named.search(plain.body) and not (plain.binary and not plain.encoded):
        unframed = plain.encoded or plain.endpoint in UNSENT_NAMES
        return Not("its framing has no names of events" if unframed else "its events have no names")
    if plain.binary:
        return Not("its framing has no names of events")
    return Expect(named.sub(b"", plain.body))


def merged(plain: Plain) -> Expect:
    events, at = plain.events, plain.says[0]
    first, second = events[at], events[at + 1]
    data = plain.payload(first) + plain.payload(second)
    if plain.binary:
        name = b"contentBlockDelta" if not plain.encoded else b"chunk"
        write = write_bytes_event if plain.encoded else write_event
        event = write(EventStep(data, 1, "chunk", name.decode()))
    else:
        event = first.replace(plain.payload(first), data)
    return Expect(
        joined(plain, [*events[:at], event, *events[at + 2 :]]) if not plain.array else whole(plain, at)
    )


def whole(plain: Plain, at: int) -> bytes:
    """Of an array: without what is between the two."""
    items = [plain.payload(event) for event in plain.events]
    items[at : at + 2] = [items[at] + items[at + 1]]
    return b"[" + b"\n,\r\n".join(items) + b"\n]"


FORM: dict[str, Fault] = {
    "tool_call_chunks": Fault(no_index, UNSTREAMED, reply=REPLIES["looks"], wanted=WANTED["looks"]),
    "finish": Fault(twice, UNSTREAMED),
    "role": Fault(each_role, UNSTREAMED),
    "usage": Fault(each_usage, UNSTREAMED),
    "empty_chunk": Fault(hollow, UNSTREAMED),
    "event_names": Fault(unnamed, UNSTREAMED),
    "merged_events": Fault(merged, UNSTREAMED),
}
