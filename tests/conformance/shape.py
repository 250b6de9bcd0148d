"""How alike two answers are: by the paths and types that each kind of event has, and by the events' order.

A recorded answer is read back into a Reply or Failure (each protocol's `said`), that is served again, and
what is seen of both is compared. Texts do not matter, so a recording can be reduced to a `Case` that holds
none (facts.py) and that a clone without the recordings compares in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeAlias, cast

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.core.reply.reply import NativePart, Reply
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import GeneratingDialect, LookupDialect, ResponseIdentity
from mockllm.dialects.routes import RouteMatch, find

Recording: TypeAlias = Mapping[str, Any]
Run: TypeAlias = tuple[str, int]
"""A kind of event, and how many of it follow each other."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is particular to one protocol. `folder` names its recordings and facts. `kind` names an event by
    its event name and payload; `lane` tells events apart that may interleave in any way (the choices of an
    answer), None for those that belong to all. `asked` gives what of a request's body changes an answer's
    form, without the user's texts (a tool is called `x`), and `headers` are the request's headers that do.
    `opaque` paths hold what a user wrote, and are not looked into. `noise` are response headers that belong
    to what stands before the service."""

    folder: str
    dialect: GeneratingDialect | LookupDialect
    path: str | None
    """None: each recording's own."""
    said: Callable[[Recording], Reply | Failure]
    kind: Callable[[str, Json], str]
    asked: Callable[[Mapping[str, Json]], Mapping[str, Json]]
    lane: Callable[[Json], str | None] = lambda payload: None
    headers: tuple[str, ...] = ()
    method: str = "POST"
    sent: Mapping[str, str] = field(default_factory=dict)
    """Headers that every client sends, and that were taken out of the recordings."""
    untimed: frozenset[str] = frozenset()
    """Kinds of events that the service sends whenever it likes: they have no place in the order."""
    opaque: frozenset[str] = frozenset()
    noise: frozenset[str] = frozenset()
    before: str = ""
    """What our server has before the recorded path: the vendor's prefix."""
    others: tuple[GeneratingDialect, ...] = ()
    """Further dialects that answer the folder's paths."""
    more: tuple[str, ...] = ()
    """Further folders with recordings of the same service, under another name."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is compared of an answer. `shape` has entries "kind path type"; `order` the runs of each lane."""

    status: int
    shape: frozenset[str]
    order: tuple[tuple[Run, ...], ...]
    headers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Case:
    """A recording without its texts. `day` is when it was made (ISO, "" where unknown); `seen` has no headers
    where the recording's were scrubbed."""

    id: str
    day: str
    path: str
    """With its query."""
    body: Mapping[str, Json]
    headers: Mapping[str, str]
    said: Reply | Failure
    seen: Seen


@dataclass(frozen=True, slots=True)
class Comparison:
    case: Case
    missing: frozenset[str]
    extra: frozenset[str]
    f1: float
    same_order: bool
    headers_missing: frozenset[str] = field(default_factory=frozenset)


def look(protocol: Protocol, status: int, headers: Iterable[str], body: Json | str) -> Seen:
    """What is seen of an answer: a parsed body, or the text of a stream."""
    events = list(_events(protocol, body))
    shape = {f"{kind} {entry}" for kind, _, payload in events for entry in entries(payload, protocol.opaque)}
    timed = [event for event in events if event[0] not in protocol.untimed]
    lanes: list[str | None] = [*sorted({lane for _, lane, _ in events if lane is not None})] or [None]
    order = tuple(tuple(runs(kind for kind, own, _ in timed if own is None or own == lane)) for lane in lanes)
    names = frozenset(name.lower() for name in headers) - protocol.noise
    return Seen(status, frozenset(shape), order, names)


def serve(protocol: Protocol, case: Case) -> Seen:
    """What is seen of our answer to a case's request, when it says the same."""
    path, _, query = case.path.partition("?")
    headers = {**protocol.sent, **case.headers}
    found = find(protocol.method, protocol.before + path, headers, query)
    assert isinstance(found, RouteMatch) or isinstance(case.said, Failure)
    dialect = next(each for each in (protocol.dialect, *protocol.others) if each is found.dialect)
    request = dialect.request(
        method=protocol.method,
        path=found.path,
        headers=headers,
        raw=dumps(dict(case.body)),
        query_string=query,
        route=found.route if isinstance(found, RouteMatch) else {},
    )
    stamp = ResponseIdentity(Ids(0, "conformance", 1), 1_700_000_000.0)
    if isinstance(case.said, Failure):
        plan = dialect.error(case.said, request, stamp)
    else:
        plan = _answered(dialect, case.said, request, stamp)
    return look(protocol, plan.head.status, (name for name, _ in plan.head.headers), _sent(plan))


def _answered(
    dialect: GeneratingDialect | LookupDialect, said: Reply, request: Request, stamp: ResponseIdentity
) -> Plan:
    if not dialect.generates:
        found = cast(LookupDialect, dialect).answer(request, (), stamp)
        assert isinstance(found, Plan)
        return found
    generating = cast(GeneratingDialect, dialect)
    return (
        generating.encode_stream(said, request, stamp)
        if request.stream
        else generating.encode_body(said, request, stamp)
    )


def compare(protocol: Protocol, case: Case) -> Comparison:
    ours, live = serve(protocol, case), case.seen
    common = len(ours.shape & live.shape)
    f1 = 2 * common / (len(ours.shape) + len(live.shape))
    missing = live.headers - ours.headers
    return Comparison(
        case,
        live.shape - ours.shape,
        ours.shape - live.shape,
        f1 if ours.status == live.status else 0.0,
        _order(ours, case.said) == _order(live, case.said),
        missing,
    )


def _order(seen: Seen, said: Reply | Failure) -> object:
    """A native block is said at once, in however many pieces the service said it: beside one, runs are not
    counted."""
    parts = () if isinstance(said, Failure) else [part for choice in said.choices for part in choice.parts]
    if any(isinstance(part, NativePart) for part in parts):
        return tuple(tuple(kind for kind, _ in lane) for lane in seen.order)
    return seen.order


def entries(payload: Json, opaque: frozenset[str] = frozenset(), path: str = "$") -> Iterator[str]:
    """ "path type" of every node; all items of an array share one path."""
    kind = KINDS[type(payload)]
    yield f"{path} {kind}"
    if path in opaque:
        return
    if kind == "object":
        for key, value in payload.items():
            yield from entries(value, opaque, f"{path}.{key}")
    elif kind == "array":
        for value in payload:
            yield from entries(value, opaque, f"{path}[]")


KINDS = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def runs(kinds: Iterable[str]) -> Iterator[Run]:
    return ((kind, len(list(same))) for kind, same in groupby(kinds))


def events_of(body: str) -> Iterator[tuple[str, str]]:
    """Name and data of each server-sent event."""
    for block in body.replace("\r\n", "\n").strip().split("\n\n"):
        lines = [line.partition(": ") for line in block.split("\n")]
        data = "\n".join(value for name, _, value in lines if name == "data")
        yield next((value for name, _, value in lines if name == "event"), ""), data


def _events(protocol: Protocol, body: Json | str) -> Iterator[tuple[str, str | None, Json]]:
    """Kind, lane and payload of each event; a whole body is one event, a list a stream without framing."""
    if isinstance(body, list):
        for payload in body:
            yield protocol.kind("", payload), protocol.lane(payload), payload
        return
    if not isinstance(body, str):
        yield "body", None, body
        return
    for name, data in events_of(body):
        payload = loads(data) if data.startswith(("{", "[{")) else data
        yield protocol.kind(name, payload), protocol.lane(payload), payload


def _sent(plan: Plan) -> Json | str:
    data = sent_bytes(plan)
    return data.decode() if plan.framing in (Framing.SSE, Framing.SSE_CRLF) else loads(data)
