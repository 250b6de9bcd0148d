"""Compares recorded responses with this server's: a recording is reduced to a `RecordedCase` without texts
(outlines.py), so that a clone without the recordings compares it in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mockllm.conformance.shape import Observation, Protocol, encoded, observe, same_order, sent_body
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Reply
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.router import RouteMatch, find_route


@dataclass(frozen=True, slots=True)
class RecordedCase:
    """A recording without its texts. `day` is the day of the recording (ISO, "" where unknown); `seen` has no
    headers where the recording's were scrubbed."""

    id: str
    day: str
    path: str
    """The path with its query."""
    body: Mapping[str, Json]
    headers: Mapping[str, str]
    content: Reply | Failure
    observed: Observation


@dataclass(frozen=True, slots=True)
class Comparison:
    case: RecordedCase
    missing: frozenset[str]
    extra: frozenset[str]
    f1: float
    same_order: bool
    headers_missing: frozenset[str] = field(default_factory=frozenset)


def compare(protocol: Protocol, case: RecordedCase) -> Comparison:
    ours, live = serve(protocol, case), case.observed
    common = len(ours.shape & live.shape)
    f1 = 2 * common / (len(ours.shape) + len(live.shape))
    missing = live.headers - ours.headers
    return Comparison(
        case,
        live.shape - ours.shape,
        ours.shape - live.shape,
        f1 if ours.status == live.status else 0.0,
        same_order(ours, live, case.content),
        missing,
    )


def serve(protocol: Protocol, case: RecordedCase) -> Observation:
    """Return the observation of this server's response to a case."""
    plan = planned(protocol, case)
    return observe(protocol, plan.head.status, (name for name, _ in plan.head.headers), sent_body(plan))


def planned(protocol: Protocol, case: RecordedCase) -> Plan:
    """Return this server's response to a case's request, with the case's content."""
    path, _, query = case.path.partition("?")
    headers = {**protocol.sent, **case.headers}
    match = find_route(protocol.method, protocol.before + path, headers, query)
    assert isinstance(match, RouteMatch) or isinstance(case.content, Failure)
    dialect = next(item for item in (protocol.dialect, *protocol.others) if item is match.dialect)
    request = dialect.request_class(
        method=protocol.method,
        path=match.path,
        headers=headers,
        raw=dumps(dict(case.body)),
        query_string=query,
        path_variables=match.path_variables if isinstance(match, RouteMatch) else {},
    )
    identity = ResponseIdentity(Ids(0, "conformance", 1), 1_700_000_000.0)
    plan = encoded(dialect, case.content, request, identity)
    assert plan is not None, "no compared call is left to the rules"
    return plan
