"""Secrets that the events of a stream divide: no event has the whole key, and the text of the response has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from mockllm.core.escaped_secrets import asterisks
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.redaction import Redactor

DATA_PREFIX = b"data:"
MAX_LINE = 100_000
"""Longer lines are not read: an event with so much text divides no key."""
MAX_DEPTH = 30
_BETWEEN: Final = re.compile(r"[\s,\[]*(?={)")
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
    for continued in texts.values():
        parts = [part for _, part in continued]
        if len(set(parts)) == 1:
            continue
        for (number, part), clean in zip(continued, redactor.parts(parts), strict=True):
            if clean != part:
                events[number] = _replaced(events[number], part, clean)
    return joint.join(events)


def events_of(body: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines of a body, or the objects of an array with all that is between them; and what joins these."""
    parts = _array_parts(body) if body[:MAX_DEPTH].lstrip().startswith(b"[") else []
    return (parts, b"") if parts else (body.split(b"\n"), b"\n")


def _array_parts(body: bytes) -> list[bytes]:
    """Return the objects at the begin of a JSON array with all that is between them; nothing without an object. The
    array may be cut off."""
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
    return [part.encode() for part in (*parts, text[at:])] if parts else []


def _replaced(event: bytes, text: bytes, clean: bytes) -> bytes:
    """Replace a text among the values of an event by one with asterisks, whichever way JSON writes its letters."""

    def masked(found: re.Match[bytes]) -> bytes:
        if found[2] is not None or loads(found[0]).encode(errors="replace") != text:
            return found[0]
        written, at = [], 0
        for character in _CHARACTER.findall(found[1]):
            end = at + len(loads(b'"%s"' % character).encode(errors="replace"))
            written.append(character if text[at:end] == clean[at:end] else asterisks(character))
            at = end
        return b'"%s"' % b"".join(written)

    return _TEXT.sub(masked, event)


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
