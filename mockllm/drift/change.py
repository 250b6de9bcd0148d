"""One difference between a provider's responses and this server's, and the differences of one exchange."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockllm.conformance.shape import Observation
from mockllm.core.secret_names import PERSONAL
from mockllm.drift.sdk_types import Knowledge

ChangeKind: TypeAlias = Literal[
    "new field",
    "gone field",
    "type",
    "new event",
    "gone event",
    "order",
    "new header",
    "gone header",
    "refused",
    "accepted",
    "unreadable",
]
Severity: TypeAlias = Literal["low", "medium", "high"]
SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high")
_OWN_HEADER: Final = re.compile(r"x-mockllm-.*|content-(length|encoding)|transfer-encoding|connection|date")
Types: TypeAlias = Mapping[tuple[str, str], frozenset[str]]
"""The JSON types by kind of event and path."""


class FormDifference(Struct, frozen=True):
    """A difference in one exchange. `place` is a path, a header or a kind of event. `event` is the kind of event
    that has the field, "body" for a whole body. `inside` are the paths with types below a new field."""

    kind: ChangeKind
    place: str
    event: str = ""
    ours: frozenset[str] = frozenset()
    live: frozenset[str] = frozenset()
    inside: tuple[tuple[str, str], ...] = ()


class Change(Struct):
    """A difference in all exchanges of a protocol that have it. `sdk` is what the SDK's types say."""

    protocol: str
    kind: ChangeKind
    place: str
    ours: frozenset[str]
    live: frozenset[str]
    severity: Severity
    sdk: str
    events: set[str]
    inside: set[tuple[str, str]]
    count: int = 0

    @property
    def detail(self) -> str:
        """The types, and the events if it is not the body."""
        types = " or ".join(sorted(self.live))
        if self.kind == "type":
            types = f"{' or '.join(sorted(self.ours))} -> {types}"
        elif self.kind == "gone field":
            types = " or ".join(sorted(self.ours))
        events = ", ".join(sorted(self.events - {"body", "", self.place}))
        return " ".join(filter(None, (types, f"in {events}" if events else "")))


def differences(
    ours: Observation, live: Observation, untimed: frozenset[str], *, same_order: bool, headers: bool
) -> Iterator[FormDifference]:
    """Yield the differences of one exchange. `untimed` kinds of events may be missing on either side. `headers`:
    whether the live response has all of its headers."""
    our_types, live_types = _types(ours.shape), _types(live.shape)
    our_events, live_events = ({event for event, _ in types} for types in (our_types, live_types))
    yield from _event_differences(our_events, live_events, untimed)
    both = our_events & live_events
    yield from _field_differences(our_types, live_types, both)
    if not same_order and our_events - untimed == live_events - untimed:
        yield FormDifference("order", "events")
    if headers:
        yield from (FormDifference("new header", name) for name in _names(live.headers - ours.headers))
        yield from (FormDifference("gone header", name) for name in _names(ours.headers - live.headers))


def severity(difference: FormDifference, known: Knowledge) -> Severity:
    """Return how much a difference means to the users of an SDK whose types say `known` of its place."""
    match difference.kind:
        case "new header" | "gone header" | "accepted":
            return "low"
        case "gone event" | "refused" | "unreadable":
            return "high"
        case "new event":
            return "medium" if known.field != "unknown" else "high"
        case "order":
            return "medium"
        case "type" if known.field in ("required", "optional"):
            return "low" if difference.live <= known.types else "high"
        case "gone field" if known.field == "required":
            return "high"
    return "low" if known.field == "unknown" else "medium"


def _types(shape: Iterable[str]) -> Types:
    found: dict[tuple[str, str], set[str]] = {}
    for entry in shape:
        rest, _, type_ = entry.rpartition(" ")
        event, _, path = rest.rpartition(" $")
        found.setdefault((event, f"${path}"), set()).add(type_)
    return {place: frozenset(types) for place, types in found.items()}


def _event_differences(ours: set[str], live: set[str], untimed: frozenset[str]) -> Iterator[FormDifference]:
    yield from (FormDifference("new event", event, event) for event in sorted(live - ours - untimed))
    yield from (FormDifference("gone event", event, event) for event in sorted(ours - live - untimed))


def _field_differences(ours: Types, live: Types, events: set[str]) -> Iterator[FormDifference]:
    """Yield the differences of fields in events that both sides have; below a difference no other one."""
    found: dict[tuple[str, str], FormDifference] = {}
    inside: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for event, path in sorted({*ours, *live}):  # each field comes before those below it
        if event not in events:
            continue
        was, now = (types.get((event, path), frozenset()) for types in (ours, live))
        top = next((each for each in _above(path) if (event, each) in found), None)
        if top is not None:
            inside[event, top] += [(path, type_) for type_ in sorted(now)]
        elif not now <= was or (was and not now):
            kind: ChangeKind = "type" if was and now else "new field" if now else "gone field"
            found[event, path] = FormDifference(kind, path, event, was, now)
            inside[event, path] = []
    for place, each in found.items():
        yield replace(each, inside=tuple(inside[place])) if each.kind == "new field" else each


def _above(path: str) -> Iterator[str]:
    """Yield the paths that a path is below of."""
    for match in re.finditer(r"\.|\[\]", path):
        yield path[: match.start()]


def _names(headers: frozenset[str]) -> list[str]:
    """Return the compared headers: not those that a recording never has (`PERSONAL`)."""
    compared = sorted(headers - PERSONAL)
    return [name for name in compared if not _OWN_HEADER.fullmatch(name)]
