"""Secrets that the events of a stream divide: no event has the whole key, and the text of the response has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.redaction import Redactor
from mockllm.core.secret_masker import asterisks
from mockllm.recordings.escaped_credentials import without_escaped_credentials

DATA_PREFIX = b"data:"
MAX_LINE = 100_000
"""Longer lines are not read: an event with so much text divides no key."""
MAX_DEPTH = 30
_ARRAY: Final = re.compile(rb"\s*+\[")
_BETWEEN: Final = re.compile(r"(?:[^{\"]++|\"(?:[^\"\\]|\\.)*+\")*+(?={)", re.DOTALL)
"""All before the next object: brackets, commas, texts and other values."""
_DECODER: Final = json.JSONDecoder()
_TEXT: Final = re.compile(rb'"((?:[^"\\]|\\.)*+)"(\s*:)?', re.DOTALL)
"""A text in JSON; with the colon after it, if it is a name."""
_CHARACTER: Final = re.compile(
    rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[\x00-\x7f\xc0-\xff][\x80-\xbf]*", re.DOTALL
)
"""A character of a text in JSON, or the escape in its place."""


def without_divided_secrets(body: bytes, redactor: Redactor) -> bytes:
    """Return the body in the same length, with asterisks in place of the parts of secrets.

    Texts at the same place of the JSON of several events continue each other. Equal texts in all events, such as the
    id of a response, do not.
    """
    events, joint = events_of(body)
    texts: dict[tuple[str | int, ...], list[tuple[int, bytes]]] = {}
    for number, event in enumerate(events):
        for place, text in _texts(event_json(event)):
            texts.setdefault(place, []).append((number, text.encode(errors="replace")))
    masked: dict[int, dict[bytes, bytes]] = {}
    for continued in texts.values():
        parts = [part for _, part in continued]
        if len(set(parts)) == 1:
            continue
        for (number, part), clean in zip(continued, _masked_parts(parts, redactor), strict=True):
            if clean != part:
                of_event = masked.setdefault(number, {})
                of_event[part] = _union(of_event.get(part, part), clean)
    for number, of_event in masked.items():
        events[number] = _replaced(events[number], of_event)
    return joint.join(events)


def events_of(body: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines of a body, or the objects of arrays with all that is between them; and what joins these."""
    parts = _array_parts(body) if _ARRAY.match(body) is not None else []
    return (parts, b"") if parts else (body.split(b"\n"), b"\n")


def _array_parts(body: bytes) -> list[bytes]:
    """Return the objects of JSON arrays, all between them, and the lines after them; nothing without an object.
    The last array may be cut off."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return []
    parts: list[str] = []
    at = 0
    while (between := _BETWEEN.match(text, at)) is not None:
        begin = between.end()
        try:
            _, end = _DECODER.raw_decode(text, begin)
        except (ValueError, RecursionError):
            break
        parts += [text[at:begin], text[begin:end]]
        at = end
    return (
        [*(part.encode() for part in parts), *text[at:].encode().splitlines(keepends=True)] if parts else []
    )


def _masked_parts(parts: Sequence[bytes], redactor: Redactor) -> Iterator[bytes]:
    """Yield the parts of a text with asterisks for its secrets."""
    whole, at = without_escaped_credentials(redactor.data(b"".join(parts))), 0
    for part in parts:
        yield whole[at : at + len(part)]
        at += len(part)


def _union(some: bytes, others: bytes) -> bytes:
    """Return a text with the asterisks of two of its forms."""
    star = ord("*")
    return bytes([star if other == star else one for one, other in zip(some, others, strict=True)])


def _replaced(event: bytes, masked: Mapping[bytes, bytes]) -> bytes:
    """Replace texts among the values of an event by those with asterisks, whichever way JSON writes their letters."""

    def replaced(found: re.Match[bytes]) -> bytes:
        if found[2] is not None:
            return found[0]
        text: bytes = loads(found[0]).encode(errors="replace")
        clean = masked.get(text)
        return found[0] if clean is None else b'"%s"' % _with_asterisks(found[1], text, clean)

    return _TEXT.sub(replaced, event)


def _with_asterisks(written: bytes, text: bytes, clean: bytes) -> bytes:
    """Return a text as JSON writes it, with asterisks for the characters that differ in its clean form."""
    parts, at = [], 0
    for character in _CHARACTER.findall(written):
        end = at + len(loads(b'"%s"' % character).encode(errors="replace"))
        parts.append(character if text[at:end] == clean[at:end] else asterisks(character))
        at = end
    return b"".join(parts)


def event_json(line: bytes) -> Json:
    """Return the JSON of an event's line; None for a line without JSON."""
    data = line.removeprefix(DATA_PREFIX).strip()
    if not data.startswith(b"{") or len(data) > MAX_LINE:
        return None
    try:
        return loads(data)
    except JSONDecodeError:
        return None


def _texts(value: Json, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each text of a JSON value with its place, down to MAX_DEPTH."""
    if len(place) > MAX_DEPTH:
        return
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*place, index))
