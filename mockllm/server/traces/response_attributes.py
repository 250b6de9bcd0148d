"""What of an answer stands in its span: its id, its model, why it ended, what it used, and its error.

Read back from what was sent, as a client would: usage and errors by the dialect's own reading; the id, the model
and the provider's words for an end, which no rule ever asks for, by the few names that all protocols have for them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan, RawStep, ResponseHead
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, payloads
from mockllm.dialects.dialect import Dialect
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.reconstruction import SentResponse

LARGEST: Final = 4 * 1024 * 1024
"""Of a larger answer nothing is read: it would hold up those behind it."""
UNFINISHED: Final = "error"
"""What the conventions have for a choice that never ended."""


class ResponseAttributes(Struct):
    """None where nothing was said of it. `ends` are the provider's words, by the choice's number."""

    id: str | None = None
    model: str | None = None
    ends: dict[int, str] = field(default_factory=dict)
    usage: Usage | None = None
    error: str | None = None
    """The provider's code or type of the error that was answered, of a whole answer or inside a stream."""
    understood: bool = False

    def finish_reasons(self, choices: int) -> tuple[str, ...]:
        """One for each of so many choices."""
        count = max([choices, *(number + 1 for number in self.ends)])
        return tuple(self.ends.get(number, UNFINISHED) for number in range(count))


def response_attributes(each: JournalEntry, told: SentResponse, dialect: Dialect) -> ResponseAttributes:
    """What a client could read of an answer of this dialect."""
    found = ResponseAttributes()
    body = _plain(told)
    if len(body) > LARGEST:
        return found
    plan = Plan(ResponseHead(told.status, ()), (RawStep(body, 0),), each.answer.made.framing)
    for payload in payloads(plan):
        for item in payload if isinstance(payload, list) else (payload,):
            if isinstance(item, dict):
                _look(item, found)
    heard: DecodedResponse | None = dialect.decode(plan) if dialect.generates else None  # type: ignore[attr-defined]
    if heard is not None:
        found.understood = True
        found.usage = heard.usage
        found.error = found.error or _code(heard.error)
        if heard.finish is not None:
            found.ends.setdefault(0, heard.finish)
    return found


def _plain(told: SentResponse) -> bytes:
    """The body, unpacked where it was packed; of a broken one what can be had."""
    body = told.body
    if any(name.lower() == "content-encoding" and value.lower() == "gzip" for name, value in told.headers):
        try:
            return zlib.decompressobj(31).decompress(body, LARGEST + 1)
        except zlib.error:
            return b""
    return body


def _look(item: Mapping[str, Json], found: ResponseAttributes) -> None:
    """One event, or the whole body. An answer stands in some events under a name of its own."""
    for place in (item, item.get("message"), item.get("response")):
        if isinstance(place, dict):
            found.id = found.id or _text(place, "id", "responseId")
            found.model = found.model or _text(place, "model", "modelVersion")
            found.error = found.error or _code(place.get("error"))
    if isinstance(usage := item.get("usage"), dict) and isinstance(count := usage.get("prompt_tokens"), int):
        found.usage = Usage(count, 0, 0, 0, 0)
    for number, choice in _choices(item):
        reason = _text(choice, "finish_reason", "finishReason", "stop_reason")
        if reason is not None:
            found.ends[number] = reason


def _choices(item: Mapping[str, Json]) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """All that may say why a choice ended, with the choice's number."""
    yield 0, item
    if isinstance(delta := item.get("delta"), dict):
        yield 0, delta
    for name in ("choices", "candidates"):
        listed = item.get(name)
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict):
                number = each.get("index", 0)
                yield (number if isinstance(number, int) and 0 <= number < 128 else 0), each


def _text(place: Mapping[str, Json], *names: str) -> str | None:
    return next((value for name in names if isinstance(value := place.get(name), str) and value), None)


def _code(error: Json) -> str | None:
    """A provider's word for an error: Google's status, OpenAI's code, everybody's type."""
    return _text(error, "status", "code", "type") if isinstance(error, dict) else None
