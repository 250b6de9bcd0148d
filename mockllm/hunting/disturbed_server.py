"""A server that disturbs its clients by a schedule, and what it saw of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from msgspec import Struct, field

from mockllm.core.hunting.disturbance import Schedule
from mockllm.core.hunting.judgement import modifier_name
from mockllm.core.hunting.outcome import ExchangeSeen, VerdictSeen
from mockllm.core.json.codec import Json
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.verdicts.observed_request import TIMEOUTS
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ProtocolCapabilities
from mockllm.engine.engine_request import decode_response
from mockllm.scenario.rule_ids import split_id
from mockllm.testing.mock_base import MockBase
from mockllm.testing.mock_server import MockLLM
from mockllm.testing.received_request import Received

FAST: Final = {"ttft": "1ms", "itl": "1ms", "jitter": "0s", "whole": "at_once"}
"""The pace of all responses of a hunt: each chunk is a separate write, and no run waits for a model."""
MAX_SEEN: Final = 200
"""The requests of a run that are looked at: the first ones. A client that retries for ever sends many."""
MAX_BODY: Final = 10_000
"""The bytes of a request's body that is stored for the examples of a finding."""
MAX_TEXT: Final = 20_000
"""The characters of a response's text that are looked at."""


class ServerSources(Struct, frozen=True):
    """The scenarios and settings of a hunt's servers: as the parameters of `MockLLM`. `own_pace`: the scenarios' own
    pace."""

    scenarios: Sequence[str] = ()
    packs: Sequence[str] = ()
    params: dict[str, object] = field(default_factory=dict)
    seed: int = 0
    own_pace: bool = False


@contextmanager
def disturbed_server(sources: ServerSources, schedule: Schedule) -> Iterator[MockLLM]:
    """Serve on a free port. Raise Broken for mistakes in the scenarios."""
    server = MockLLM(sources.scenarios, sources.packs, sources.params, sources.seed)
    disturb(server, schedule, own_pace=sources.own_pace)
    with server:
        yield server


def disturb(server: MockBase, schedule: Schedule, *, own_pace: bool = False) -> None:
    """Add the schedule to a server or a session."""
    if not own_pace:
        server.modifier(name="hunt-pace", pace=FAST)
    for number, disturbance in enumerate(schedule):
        server.modifier(**disturbance.modifier(modifier_name(number)))


def exchanges_seen(server: MockBase, since: float) -> tuple[ExchangeSeen, ...]:
    """Return what the clients of a server requested since a time, in seconds since the epoch."""
    return tuple(_seen(each, since) for each in server.requests[:MAX_SEEN])


def verdicts_seen(server: MockBase) -> tuple[VerdictSeen, ...]:
    """Return the verdicts on the clients of a server."""
    return tuple(VerdictSeen(each.name, each.good, each.says) for each in server.verdicts)


def _seen(received: Received, since: float) -> ExchangeSeen:
    content = decoded(received)
    text = sent_bytes(received._response.plan)[:MAX_TEXT].decode("utf-8", "replace")
    parts = () if content is None else (content.text, content.thinking, content.refusal)
    return ExchangeSeen(
        provider=received.provider,
        api=received.api,
        model=received.model,
        stream=received.stream,
        turn=1 + sum(message.role == "assistant" for message in received.messages),
        status=received.status,
        error=received.error,
        modifiers=tuple(split_id(id)[1] for id in received.modifiers),
        faults=received.faults,
        notes=received.notes,
        left=received.left,
        started=received.at - since,
        took=received.took,
        calls=len(content.calls) if content is not None else 0,
        text="\n".join(part for part in parts if part),
        sent=text,
        refused=content is not None and content.finish == "refusal" and _capabilities(received).refusal_ends,
        timeout=_stated_timeout(received),
        line=str(received),
        path=received.path,
        user=received.user,
        body=received.body if len(received.raw) <= MAX_BODY else None,
        reply=None if content is None or received.error else _reply(content),
    )


def _reply(content: DecodedResponse) -> Json:
    """Return the content of a response as a reply of the scenario language."""
    reply: dict[str, Json] = {}
    if content.thinking:
        reply["thinking"] = content.thinking
    if content.calls:
        reply["tool_calls"] = [{"name": call.name, "arguments": call.arguments} for call in content.calls]
    if content.refusal:
        reply["refusal"] = content.refusal
    if content.text and content.chunks and not reply:
        reply["chunks"] = list(content.chunks)
    elif content.text or not reply:
        reply["text"] = content.text or ""
    return reply


def decoded(received: Received) -> DecodedResponse | None:
    """Return the content of a response; None where its call generates none."""
    return decode_response(received.request, received._response.plan)


def _capabilities(received: Received) -> ProtocolCapabilities:
    found: ProtocolCapabilities = getattr(
        received.request.routing.dialect, "capabilities", ProtocolCapabilities()
    )
    return found


def _stated_timeout(received: Received) -> float | None:
    for name in TIMEOUTS:
        try:
            return float(received.headers.get(name, ""))
        except ValueError:
            continue
    return None
