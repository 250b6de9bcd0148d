"""The similarity of two responses: by the paths and types of each kind of event, and by the order of the
events.

A recorded response is decoded into a Reply or Failure (each protocol's `decode`), served again, and both
observations are compared. Texts do not matter.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, TypeAlias, cast

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.aws_event_stream import read_frames
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.core.reply.reply import NativePart, Reply
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect, ReplyDialect, ResponseIdentity, own_response_of

Recording: TypeAlias = Mapping[str, Json]
Run: TypeAlias = tuple[str, int]
"""A kind of event, and the number of adjacent events of this kind."""


SERVER_HEADERS: Final = frozenset(
    {
        "alt-svc", "cf-cache-status", "cf-ray", "connection", "content-encoding", "content-length", "date", "server",
        "strict-transport-security", "transfer-encoding", "x-envoy-upstream-service-time",
    }
)  # fmt: skip
"""Headers of HTTP itself, and of the servers in front of several services."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """The details of one protocol. `folder` names its recordings and facts. `kind` names an event by its event
    name and payload. `choice_key` returns a key for events that may interleave in any order (the choices of a
    response), None for events of all choices. `settings` returns the fields of a request's body that change the
    form of a response, without the user's texts (a tool is called `x`). `headers` are the request headers that
    change the form. `opaque` paths contain what a user wrote, and are not compared. `noise` are response
    headers of servers in front of the service."""

    folder: str
    dialect: Dialect
    path: str | None
    """The path; None: each recording's own."""
    decode: Callable[[Recording], Reply | Failure]
    kind: Callable[[str, Json], str]
    settings: Callable[[Mapping[str, Json]], Mapping[str, Json]]
    choice_key: Callable[[Json], str | None] = lambda payload: None
    headers: tuple[str, ...] = ()
    method: str = "POST"
    sent: Mapping[str, str] = field(default_factory=dict)
    """Headers that every client sends, and that the recordings omit."""
    untimed: frozenset[str] = frozenset()
    """Kinds of events that the service sends at any time; they have no position in the order."""
    opaque: frozenset[str] = frozenset()
    noise: frozenset[str] = frozenset()
    known_extras: frozenset[str] = frozenset()
    """The `extras` that a decoded reply may have: fields that come with some content only. A member of a list or an
    object in the extras is `NAME.MEMBER`. Any other field is new."""
    before: str = ""
    """The prefix of the recorded path on this server: the vendor's name."""
    others: tuple[ReplyDialect, ...] = ()
    """Further dialects that serve the folder's paths."""
    more: tuple[str, ...] = ()
    """Further folders with recordings of the same service under another name."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The compared properties of a response. `shape` has entries "kind path type"; `order` has the runs of
    each choice_key."""

    status: int
    shape: frozenset[str]
    order: tuple[tuple[Run, ...], ...]
    headers: frozenset[str]


def observe(protocol: Protocol, status: int, headers: Iterable[str], body: Json | str) -> Observation:
    """Return the observation of a response: of a parsed body, or of the text of a stream."""
    found = list(events(protocol, body))
    shape = {f"{kind} {entry}" for kind, _, payload in found for entry in entries(payload, protocol.opaque)}
    timed = [event for event in found if event[0] not in protocol.untimed]
    choice_keys: list[str | None] = [
        *sorted({choice_key for _, choice_key, _ in found if choice_key is not None})
    ] or [None]
    order = tuple(
        tuple(runs(kind for kind, own, _ in timed if own is None or own == choice_key))
        for choice_key in choice_keys
    )
    names = frozenset(name.lower() for name in headers) - protocol.noise
    return Observation(status, frozenset(shape), order, names)


def encoded(
    dialect: Dialect,
    content: Reply | Failure,
    request: Request,
    identity: ResponseIdentity,
) -> Plan | None:
    """Return this server's response to a request, with a recorded content; None where only a rule responds."""
    if isinstance(content, Failure):
        return dialect.error(content, request, identity)
    if not dialect.generates:
        own_response = own_response_of(dialect, ())
        found = None if own_response is None else own_response(request, identity)
        return dialect.error(found, request, identity) if isinstance(found, Failure) else found
    generating = cast(ReplyDialect, dialect)
    return (
        generating.encode_stream(content, request, identity)
        if request.stream
        else generating.encode_body(content, request, identity)
    )


def same_order(ours: Observation, live: Observation, content: Reply | Failure) -> bool:
    """Return whether the events of both come in the same order."""
    return _order(ours, content) == _order(live, content)


def _order(observed: Observation, reply: Reply | Failure) -> object:
    """Return the compared order. A native part is sent in one event, in however many chunks the service sent
    it; beside one, runs are not counted."""
    parts = () if isinstance(reply, Failure) else [part for choice in reply.choices for part in choice.parts]
    if any(isinstance(part, NativePart) for part in parts):
        return tuple(tuple(kind for kind, _ in choice_key) for choice_key in observed.order)
    return observed.order


def entries(payload: Json, opaque: frozenset[str] = frozenset(), path: str = "$") -> Iterator[str]:
    """Yield "path type" of every node; all items of an array share one path."""
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


def without_texts(value: Json, kept: Collection[str]) -> Json:
    """Return a body with `x` in place of each text, except in the fields of these names."""
    if isinstance(value, dict):
        return {name: item if name in kept else without_texts(item, kept) for name, item in value.items()}
    if isinstance(value, list):
        return [without_texts(item, kept) for item in value]
    return "x" if isinstance(value, str) else value


def events_of(body: str) -> Iterator[tuple[str, str]]:
    """Yield name and data of each server-sent event."""
    for block in body.replace("\r\n", "\n").strip().split("\n\n"):
        lines = [line.partition(": ") for line in block.split("\n")]
        data = "\n".join(value for name, _, value in lines if name == "data")
        yield next((value for name, _, value in lines if name == "event"), ""), data


def events(protocol: Protocol, body: Json | str) -> Iterator[tuple[str, str | None, Json]]:
    """Yield kind, choice_key and payload of each event; a body is one event, a list a stream without framing."""
    if isinstance(body, list):
        for payload in body:
            yield protocol.kind("", payload), protocol.choice_key(payload), payload
        return
    if not isinstance(body, str):
        yield "body", None, body
        return
    for name, data in events_of(body):
        payload = loads(data) if data.startswith(("{", "[{")) else data
        yield protocol.kind(name, payload), protocol.choice_key(payload), payload


def body_of(response: Mapping[str, Json]) -> Json:
    """Return a recorded body; that of a binary stream, or of lines of JSON, as the list of its payloads."""
    if response.get("body_encoding") != "base64":
        body = response["body"]
        lines = response["headers"].get("content-type", "").startswith("application/stream+json")
        return list(map(loads, body.splitlines())) if lines and isinstance(body, str) else body
    return [loads(frame.payload) for frame in read_frames(b64decode(response["body"]))]


def sent_body(plan: Plan) -> Json | str:
    """Return the body of a plan in the form of recorded bodies."""
    data = sent_bytes(plan)
    if plan.framing in (Framing.AWS_EVENT_STREAM, Framing.AWS_EVENT_STREAM_BYTES):
        return [loads(frame.payload) for frame in read_frames(data)]
    if plan.framing is Framing.NDJSON:
        return [loads(line) for line in data.splitlines()]
    return data.decode() if plan.framing in (Framing.SSE, Framing.SSE_CRLF) else loads(data)
