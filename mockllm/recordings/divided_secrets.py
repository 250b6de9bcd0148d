"""Secrets that the events of a stream divide: no event has the whole key, and the text of the response has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.redaction import Redactor

DATA_PREFIX = b"data:"
MAX_LINE = 100_000
"""Longer lines are not read: an event with so much text divides no key."""
MAX_DEPTH = 30


def without_divided_secrets(body: bytes, redactor: Redactor) -> bytes:
    """Return the body in the same length, with asterisks in place of the parts of secrets.

    Texts at the same place of the JSON of several events continue each other. Equal texts in all events, such as the
    id of a response, do not.
    """
    lines = body.split(b"\n")
    texts: dict[tuple[str | int, ...], list[tuple[int, bytes]]] = {}
    for number, line in enumerate(lines):
        for place, text in _texts(event_json(line)):
            texts.setdefault(place, []).append((number, text.encode(errors="replace")))
    for continued in texts.values():
        parts = [part for _, part in continued]
        if len(set(parts)) == 1:
            continue
        for (number, part), clean in zip(continued, redactor.parts(parts), strict=True):
            if clean != part:
                lines[number] = _replaced(lines[number], part, clean)
    return b"\n".join(lines)


def _replaced(line: bytes, text: bytes, clean: bytes) -> bytes:
    """Replace a text among the values of a line, whichever way JSON writes its letters."""
    for ascii_only in (False, True):
        old, new = (
            json.dumps(each.decode(), ensure_ascii=ascii_only).encode(errors="replace")
            for each in (text, clean)
        )
        line = re.sub(rb"%s(?!\s*:)" % re.escape(old), new.replace(b"\\", rb"\\"), line)
    return line


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
