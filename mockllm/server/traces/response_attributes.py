"""Span attributes of a response: its id, model, finish reasons, usage and error.

The values are parsed from the sent bytes, as a client would parse them. The dialect's decoder returns usage and
errors. The provider's `TelemetryFields` name the members with the id, the model and the finish reasons.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects
from mockllm.core.rendering.plan import Plan, RawStep, ResponseHead
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, payloads
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.provider_facts import telemetry_fields
from mockllm.dialects.telemetry_fields import TelemetryFields, members_at
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.reconstruction import SentResponse

MAX_BODY: Final = 4 * 1024 * 1024
"""Largest body in bytes that is parsed: a larger one would delay other spans."""
MAX_CHOICES: Final = 128
UNFINISHED: Final = "error"
"""The conventions' finish reason of a choice that did not end."""


class ResponseAttributes(Struct):
    """Attributes of one response; None where the response lacks them. `reasons` maps a choice's number to the
    provider's finish reason."""

    id: str | None = None
    model: str | None = None
    reasons: dict[int, str] = field(default_factory=dict)
    usage: Usage | None = None
    error: str | None = None
    """The provider's code or type of the error, from a non-streaming response or inside a stream."""
    understood: bool = False

    def finish_reasons(self, choices: int) -> tuple[str, ...]:
        """Return one finish reason for each choice."""
        count = max([choices, *(number + 1 for number in self.reasons)])
        return tuple(self.reasons.get(number, UNFINISHED) for number in range(count))


def response_attributes(
    entry: JournalEntry, sent: SentResponse, provider: str, dialect: Dialect
) -> ResponseAttributes:
    """Parse the sent response with the dialect's decoder. An error may have the form of the provider."""
    attributes, fields = ResponseAttributes(), telemetry_fields(dialect.name)
    fields = replace(fields, error=(*telemetry_fields(provider).error, *fields.error))
    body = _decompressed(sent)
    if len(body) > MAX_BODY:
        return attributes
    plan = Plan(ResponseHead(sent.status, ()), (RawStep(body, 0),), entry.response.content.framing)
    for payload in payloads(plan):
        for item in payload if isinstance(payload, list) else (payload,):
            if isinstance(item, dict):
                _collect(item, fields, attributes)
    decoded: DecodedResponse | None = dialect.decode(plan) if dialect.generates else None  # type: ignore[attr-defined]
    if decoded is not None:
        attributes.understood = True
        attributes.usage = decoded.usage
        attributes.error = attributes.error or _first_text(decoded.error, fields.error)
        if decoded.finish is not None:
            attributes.reasons.setdefault(0, decoded.finish)
    return attributes


def _decompressed(sent: SentResponse) -> bytes:
    body = sent.body
    if any(name.lower() == "content-encoding" and value.lower() == "gzip" for name, value in sent.headers):
        try:
            return zlib.decompressobj(31).decompress(body, MAX_BODY + 1)
        except zlib.error:
            return b""
    return body


def _collect(item: dict[str, Json], fields: TelemetryFields, attributes: ResponseAttributes) -> None:
    """Add the values of one event or of a body."""
    for source in (item, item.get(fields.response) if fields.response else None):
        attributes.id = attributes.id or _first_text(source, fields.id)
        attributes.model = attributes.model or _first_text(source, fields.model)
        attributes.error = attributes.error or _first_text(object_of(source).get("error"), fields.error)
    for count in members_at(item, fields.input_tokens):
        if isinstance(count, int):
            attributes.usage = Usage(count, 0, 0, 0, 0)
    for number, choice in _choices(item, fields):
        for reason in members_at(choice, fields.finish):
            if isinstance(reason, str) and reason:
                attributes.reasons[number] = reason


def _choices(item: Mapping[str, Json], fields: TelemetryFields) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """Yield all objects that may contain a finish reason, with the choice's number."""
    if fields.choices is None:
        yield 0, item
        return
    for choice in objects(item.get(fields.choices)):
        number = choice.get("index", 0)
        yield (number if isinstance(number, int) and 0 <= number < MAX_CHOICES else 0), choice


def _first_text(source: Json, names: tuple[str, ...]) -> str | None:
    """Return the first text that is not empty of the members of these names."""
    if not isinstance(source, dict):
        return None
    return next((value for name in names if isinstance(value := source.get(name), str) and value), None)
