"""A request of the journal as a conversation, and its response as text and as events on a time axis."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, assert_never

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.redaction import Redactor
from mockllm.core.rendering.plan import CutStep, EventStep, Plan, Step, WaitStep
from mockllm.core.request.messages import (
    CallPart,
    MediaPart,
    MessagePart,
    OtherPart,
    ResultPart,
    TextPart,
    ThinkingPart,
)
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.engine import Engine
from mockllm.engine.engine_request import decode_response
from mockllm.server.control.journal_queries import decode_again
from mockllm.server.control.models.conversation import (
    Conversation,
    ConversationPart,
    ConversationTurn,
    ReadResponse,
    TimedEvent,
)
from mockllm.server.journal.entry import JournalEntry

MAX_TURNS: Final = 200
MAX_EVENTS: Final = 1_000
MAX_TEXT: Final = 20_000
"""Most turns, events, and characters of a text."""
MAX_PAYLOAD: Final = 300
"""Most characters of an event."""
LATE: Final = 1e-6
"""Seconds by which a time may be before the planned one, because it was rounded."""


def conversation(entry: JournalEntry, engine: Engine) -> Conversation:
    """Return an entry's turns (the last ones of many), its response in provider-neutral form, and its events."""
    request, redactor = decode_again(entry, engine), entry.full_redactor
    messages = request.messages if request.generates else ()
    plan = entry.response.plan
    decoded = decode_response(request, plan)
    return Conversation(
        system=_text(request.system, redactor) if request.generates else None,
        tools=[redactor.text(tool.name) for tool in request.tools if tool.name] if request.generates else [],
        left_out=max(0, len(messages) - MAX_TURNS),
        turns=[
            ConversationTurn(role=message.role, parts=[_part(part, redactor) for part in message.parts])
            for message in messages[-MAX_TURNS:]
            if message.role != "system"
        ],
        response=None if decoded is None else _response(decoded, redactor),
        events=list(islice(_events(entry, plan, redactor), MAX_EVENTS)) if plan.streamed else [],
    )


def _text(text: str | None, redactor: Redactor) -> str | None:
    return None if text is None else redactor.text(text)[:MAX_TEXT]


def _json(value: Json, redactor: Redactor) -> Json:
    """Return arguments without secrets; long ones as the start of their text."""
    text = redactor.text(value if isinstance(value, str) else dumps(value).decode())
    try:
        return loads(text) if len(text) <= MAX_TEXT and not isinstance(value, str) else text[:MAX_TEXT]
    except JSONDecodeError:
        return text


def _part(part: MessagePart, redactor: Redactor) -> ConversationPart:
    match part:
        case TextPart():
            return ConversationPart(kind="text", text=_text(part.text, redactor))
        case ThinkingPart():
            return ConversationPart(kind="thinking", text=_text(part.text, redactor))
        case CallPart():
            arguments = _json(part.arguments, redactor)
            return ConversationPart(kind="call", name=part.name, id=part.id, arguments=arguments)
        case ResultPart():
            kind = "failed result" if part.is_error else "result"
            return ConversationPart(kind=kind, name=part.name, id=part.id, text=_text(part.text, redactor))
        case MediaPart():
            return ConversationPart(kind=part.kind)
        case OtherPart():
            return ConversationPart(kind=redactor.text(part.type)[:100])
        case _:
            assert_never(part)


def _response(decoded: DecodedResponse, redactor: Redactor) -> ReadResponse:
    calls = [
        ConversationPart(kind="call", name=call.name, arguments=_json(call.arguments, redactor))
        for call in decoded.calls
    ]
    usage = decoded.usage
    return ReadResponse(
        text=_text(decoded.text, redactor),
        thinking=_text(decoded.thinking, redactor),
        refusal=_text(decoded.refusal, redactor),
        calls=calls,
        finish=decoded.finish,
        input_tokens=None if usage is None else usage.input,
        output_tokens=None if usage is None else usage.output,
    )


def _events(entry: JournalEntry, plan: Plan, redactor: Redactor) -> Iterator[TimedEvent]:
    """Yield the steps of a stream with their planned and their real times, in seconds after the request."""
    times = None if entry.write_times is None else [at - entry.monotonic for at in entry.write_times]
    planned, place, cut = plan.delay, 0, False
    faults, waited = dict(entry.response.faults_by_step), None
    for number, step in enumerate(plan.steps):
        fault = faults.get(number, waited)
        if isinstance(step, WaitStep):
            planned, waited = planned + step.seconds, fault
            continue
        at: float | None = None
        if times is None and not cut:
            at = entry.duration
        elif times is not None and not cut:
            while place < len(times) and times[place] < planned - LATE:
                place += 1
            at = times[place] if place < len(times) else None
        cut = cut or isinstance(step, CutStep)
        kind, text = _shown(step, framed=not entry.response.faults)
        yield TimedEvent(
            planned=round(planned, 6),
            at=None if at is None else round(at, 6),
            kind=kind,
            chunk=step.chunk_number,
            text=redactor.text(text)[:MAX_PAYLOAD],
            fault=fault,
        )
        waited = None


def _shown(step: Step, *, framed: bool) -> tuple[str, str]:
    """Return the kind and the text of a step: an event's kind, `raw` for bytes without framing, `cut` for an end.
    `framed`: bytes are a prepared event, because no fault has made them."""
    if isinstance(step, EventStep):
        return str(step.kind), step.payload.decode("utf-8", "replace")
    if isinstance(step, CutStep):
        return "cut", step.how
    assert not isinstance(step, WaitStep)
    kind = "raw" if not framed else "chunk" if step.chunk_number else "event"
    return kind, step.data.decode("utf-8", "replace")
