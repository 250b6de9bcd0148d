"""The comparison of one exchange. The provider's response is decoded. This server writes a response with the same
content to the same request, and both are compared by their form. Texts are never compared or stored."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final, cast
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from mockllm.conformance.protocols import PROTOCOLS
from mockllm.conformance.shape import (
    Observation,
    Protocol,
    body_of,
    encoded,
    observe,
    same_order,
    sent_body,
)
from mockllm.conformance.tolerant import decode, settings, tolerant
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.extra_fields import event_names, with_extra_fields
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Reply, Usage
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import (
    BackgroundDialect,
    Dialect,
    MediaDialect,
    ReplyDialect,
    ResponseIdentity,
)
from mockllm.dialects.router import RouteMatch
from mockllm.drift.change import FormDifference, differences
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.recordings.interaction import RecordedResponse
from mockllm.scenario.settings_merge import extra_fields

REFUSALS: Final = (400, 422)
"""The statuses by which a provider says that a request is wrong."""
_FILE: Final = re.compile(r"(audio|image|video)/|application/octet-stream")
_NO_PAYLOADS: Final[list[Json]] = []
"""The body of a response that is neither JSON nor events. Only its status and its headers are compared."""
_BROKEN: Final = FormDifference("unreadable", "body")


class ComparedExchange(Struct):
    """The result of one exchange. `f1` is the share of fields that both sides have. `selectors` are the words that
    select the events of each kind in this server's response."""

    dialect: Dialect
    provider: str
    streamed: bool
    status: int
    f1: float
    differences: Sequence[FormDifference]
    selectors: Mapping[str, frozenset[str]]

    @property
    def protocol(self) -> str:
        """The row of the table: provider and call, streams apart."""
        return f"{self.provider}-{self.dialect.api}" + " stream" * self.streamed


def compare_exchange(
    engine: Engine, request: EngineRequest, live: RecordedResponse, without: str = ""
) -> ComparedExchange | None:
    """Return the comparison; None for a request to no known call, or to one that only a rule responds to.
    `without` is a pack whose `extras` do not count."""
    routing = request.routing
    if not isinstance(routing, RouteMatch):
        return None
    errors: list[str] = []
    reviewed = protocol_of(routing.dialect)
    protocol = tolerant(reviewed, errors)
    dialect = routing.dialect
    streamed = request.stream and live.status == 200
    names = [name for name, _ in live.headers]
    result = ComparedExchange(dialect, routing.provider, streamed, live.status, 0.0, [_BROKEN], {})
    try:
        recording = _recording(request, live)
        content = protocol.decode(recording)
        theirs = observe(protocol, live.status, names, body_of(recording["response"]))
    except ValueError:  # JSONDecodeError and UnicodeDecodeError are such errors
        return result
    content = _with_known_extras(content, reviewed.known_extras)
    try:
        plan = _encodable_plan(engine, request, dialect, content, without)
    except Exception:  # no encoder expects the type that the provider has changed
        return result
    if plan is None:
        return None
    formless = bool(live.body) and recording["response"]["body"] is _NO_PAYLOADS
    our_names = (name for name, _ in plan.head.headers)
    ours = observe(protocol, plan.head.status, our_names, _NO_PAYLOADS if formless else _payloads(plan))
    ordered = bool(errors) or reviewed not in PROTOCOLS or same_order(ours, theirs, content)
    headers = "date" in map(str.lower, names)  # RFC 9110, section 6.6.1: all responses have it
    found = list(differences(ours, theirs, protocol.untimed, same_order=ordered, headers=headers))
    if live.status != 200:
        found = [replace(each, event="error") if each.event == "body" else each for each in found]
    found += _judgement(request, dialect, live.status)
    return replace(result, f1=_f1(ours, theirs), differences=found, selectors=_selectors(protocol, plan))


def protocol_of(dialect: Dialect) -> Protocol:
    """Return the reviewed protocol of a dialect; for a call without one, a protocol that knows no details."""
    for protocol in PROTOCOLS:
        if dialect is protocol.dialect or dialect in protocol.others:
            return protocol
    protocol = Protocol(
        folder=f"{dialect.name}-{dialect.api}",
        dialect=dialect,
        path=None,
        decode=lambda recording: decode(protocol, recording),
        kind=lambda name, payload: name or "event",
        settings=settings,
    )
    return protocol


def _recording(request: Request, live: RecordedResponse) -> dict[str, Json]:
    """Return the exchange in the form of recordings. Raises JSONDecodeError."""
    kind = next((value for name, value in live.headers if name.lower() == "content-type"), "")
    response: dict[str, Json] = {"status": live.status, "headers": dict(live.headers)}
    if "amazon.eventstream" in kind or live.body[:1] == b"\0":  # its frames begin with a length of four bytes
        response |= {"body": b64encode(live.body).decode(), "body_encoding": "base64"}
    elif _is_stream(kind, live.body):
        response["body"] = live.body.decode()
    elif "ndjson" in kind or "stream+json" in kind:
        response["body"] = [loads(line) for line in live.body.splitlines() if line.strip()]
    else:
        response["body"] = _json_body(request, live.body, kind)
    sent = {
        "method": request.method,
        "path": request.path,
        "query": dict(parse_qsl(request.query_string)),
        "headers": dict(request.headers),
        "body": request.body,
    }
    return {"id": "", "request": sent, "response": response, "features": ()}


def _json_body(request: Request, body: bytes, kind: str) -> Json:
    """Return a JSON body; that of a file, a text or nothing as no payloads. Raises JSONDecodeError."""
    try:
        return loads(body)
    except JSONDecodeError:
        is_text = request.makes_media and kind.startswith("text/plain")
        if not body or is_text or _FILE.match(kind):
            return _NO_PAYLOADS
        raise


def _is_stream(kind: str, body: bytes) -> bool:
    """Return whether a body has server-sent events. Gemini sends errors of streams as JSON, with their type."""
    framed = body.startswith((b"data:", b"event:", b":"))
    return framed or ("text/event-stream" in kind and not body.startswith((b"{", b"[")))


def _with_known_extras(content: Reply | Failure, known: frozenset[str]) -> Reply | Failure:
    """Return the content without the fields that a decoder takes over although they are new."""
    if isinstance(content, Failure) or not content.extras:
        return content
    extras = {
        dialect: {name: _known(value, name, known) for name, value in own.items() if _knows(name, known)}
        for dialect, own in content.extras.items()
    }
    return replace(content, extras=extras)


def _knows(name: str, known: frozenset[str]) -> bool:
    return name in known or any(each.startswith(f"{name}.") for each in known)


def _known(value: Json, name: str, known: frozenset[str]) -> Json:
    """Return the value of an extra with its known members."""
    if name in known:
        return value
    if isinstance(value, list):
        return [_known(item, name, known) for item in value]
    return {member: item for member, item in value.items() if f"{name}.{member}" in known}


def _own_plan(
    engine: Engine, request: EngineRequest, dialect: Dialect, content: Reply | Failure, without: str
) -> Plan | None:
    """Return this server's response with the provider's content, and the `extras` of modifiers; None where only a
    rule responds."""
    identity = ResponseIdentity(Ids(engine.seed, "drift", 1), request.now)
    plan: Plan | None
    if isinstance(content, Reply) and request.makes_media:
        plan = _media_plan(dialect, content, request, identity)
    else:
        if isinstance(content, Reply) and dialect.generates:
            content = cast(ReplyDialect, dialect).supported_reply(content, request)
        plan = encoded(dialect, content, request, identity)
    extras = [
        extra_fields(each)
        for item in engine.preview(request).modifier_items
        if item.settings is not None and not (without and item.id.startswith(f"{without}/"))
        for each in item.settings.extras or ()
    ]
    return with_extra_fields(plan, extras) if plan is not None and extras else plan


def _encodable_plan(
    engine: Engine, request: EngineRequest, dialect: Dialect, content: Reply | Failure, without: str
) -> Plan | None:
    """Return this server's response. Where the provider's counts or its model have another type, they are left out,
    so that the comparison names them."""
    try:
        return _own_plan(engine, request, dialect, content, without)
    except Exception:  # the content is a provider's: each encoder raises what it raises
        if isinstance(content, Failure):
            raise
        bare = replace(content, usage=Usage(0, 0), model=None)
        return _own_plan(engine, request, dialect, bare, without)


def _payloads(plan: Plan) -> Json:
    """Return the body of this server's response for a comparison."""
    try:
        return sent_body(plan)
    except JSONDecodeError:
        return _NO_PAYLOADS


def _media_plan(dialect: Dialect, content: Reply, request: Request, identity: ResponseIdentity) -> Plan:
    """Return this server's response of a call for media, with media that it makes."""
    media = cast(MediaDialect, dialect)
    reply = media.supported_reply(media.with_required_media(content, request), request)
    if request.background:
        stream = media.encode_stream(reply, request, identity)
        in_background = cast(BackgroundDialect, dialect).in_background
        return in_background(stream, Pacing(), request, identity, streamed=request.stream)
    encode = media.encode_stream if request.stream else media.encode_body
    return encode(reply, request, identity)


def _judgement(request: Request, dialect: Dialect, status: int) -> list[FormDifference]:
    """Return whether only one side says that the request is wrong."""
    refusal = dialect.check(request)
    if status in REFUSALS and refusal is None:
        return [FormDifference("refused", "request")]
    return [FormDifference("accepted", "request")] if status == 200 and refusal is not None else []


def _f1(ours: Observation, theirs: Observation) -> float:
    total = len(ours.shape) + len(theirs.shape)
    same = 2 * len(ours.shape & theirs.shape) / total if total else 1.0
    return same if ours.status == theirs.status else 0.0


def _selectors(protocol: Protocol, plan: Plan) -> dict[str, frozenset[str]]:
    """Return the words that select the events of each kind, the most special ones first to be tried."""
    found: dict[str, frozenset[str]] = {}
    for step in plan.steps:
        if not isinstance(step, EventStep) or not plan.streamed:
            continue
        try:
            payload: Json = loads(step.payload)
        except JSONDecodeError:
            continue
        kind = protocol.kind(step.event or "", payload)
        words = event_names(step, payload)
        named = words - {step.kind} or words
        found[kind] = found.get(kind, frozenset()) | named
    return found
