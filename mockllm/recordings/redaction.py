"""Redaction of an interaction before it is stored: removes secrets and headers of one connection.

Recorders and importers create complete interactions; this module removes what must not be stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.key_forms import REDACTED, looks_random
from mockllm.core.named_secrets import named_secrets
from mockllm.core.redaction import Redactor, secrets_of, written_forms
from mockllm.core.rendering.gzip import ENCODING, MAX_DECOMPRESSED, decompressed_frames, exceeds_maximum
from mockllm.core.rendering.plan import Headers
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.rendering.recorded_websocket import RecordedMessage
from mockllm.core.request.body_secrets import body_secrets
from mockllm.core.secret_names import secret_field, secret_name
from mockllm.recordings.divided_secrets import event_json, events_of, without_divided_secrets
from mockllm.recordings.escaped_credentials import without_escaped_credentials
from mockllm.recordings.interaction import (
    DROPPED_HEADERS,
    Interaction,
    RecordedRequest,
    RecordedResponse,
    valid_headers,
)

MAX_FIELD_SECRETS: Final = 1_024
"""Most different secrets in fields of one response: each search takes time."""
MAGIC: Final = {"gzip": (b"\x1f\x8b",), "x-gzip": (b"\x1f\x8b",), "deflate": (b"\x78",)}
"""First bytes by content encoding."""


def redact(interaction: Interaction, redactor: Redactor) -> Interaction:
    """Return an interaction without secrets and without headers of one connection."""
    notes = list(interaction.notes)
    response = interaction.response
    headers = [
        (name, _redact_value(value, redactor))
        for name, value in response.headers
        if name.lower() not in DROPPED_HEADERS and not secret_name(name)
    ]
    headers, invalid = valid_headers(headers)
    notes += [f"{interaction.where}: {name!r} is not a header name and is left out" for name in invalid]
    frames, headers = _decoded(response.frames, headers, interaction.where, notes)
    coding = next((value for name, value in headers if name.lower() == ENCODING), None)
    if coding is not None and exceeds_maximum(coding, [frame.data for frame in frames]):
        notes.append(
            f"{interaction.where}: the response has more than {MAX_DECOMPRESSED >> 20} MiB without its compression "
            f"({coding}): it is not searched for keys, and only clients that accept the compression can read it"
        )
    clean = _clean_frames(frames, coding, redactor)
    if clean is not None:
        notes.append(
            f"{interaction.where}: the response contains text that looks like a key or is private; "
            "it is replaced by ****"
        )
        if coding is not None:
            headers = [(name, value) for name, value in headers if name.lower() != ENCODING]
        frames = clean
    messages = response.messages
    if messages is not None:
        messages = tuple(_clean_message(message, redactor) for message in messages)
        if messages != response.messages:
            notes.append(
                f"{interaction.where}: messages contain text that looks like a key or is private; "
                "it is replaced by ****"
            )
    return replace(
        interaction,
        response=RecordedResponse(response.status, _joined(headers), tuple(frames), messages),
        notes=tuple(notes),
    )


def _clean_message(message: RecordedMessage, redactor: Redactor) -> RecordedMessage:
    """Return a message with asterisks of the same length instead of secrets."""
    named: tuple[str, ...] = ()
    with suppress(JSONDecodeError):
        named = secrets_of((), "", loads(message.data), personal=True)
    data = without_escaped_credentials(redactor.with_secrets(named).data(message.data))
    return message if data == message.data else message._replace(data=data)


_PARAMETER: Final = re.compile(r"([?&;])([^?=&;#\s]+)=([^&;#\s,<>\"']+)")


def redactor_of(request: RecordedRequest, response_headers: Headers, private: Sequence[str] = ()) -> Redactor:
    """Return the redactor that masks the secrets of a request and the cookies and keys of its response. `private`:
    further texts that no file may have."""
    secrets = secrets_of((*request.headers, *response_headers), f"?{request.query_string}", personal=True)
    media_type = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    of_body = body_secrets(media_type, request.body)
    return Redactor(written_forms(_with_json_escapes(private))).with_secrets((*of_body, *secrets))


def _with_json_escapes(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts as they are and as JSON has them, with all other letters than those of ASCII as numbers or not."""
    for text in texts:
        yield text
        yield from (json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True))


def _redact_value(value: str, redactor: Redactor) -> str:
    """Return a header's value without known secrets, texts that look like keys, and signatures of URLs."""
    return redactor.text(_PARAMETER.sub(_parameter, value))


def _parameter(match: re.Match[str]) -> str:
    mark, name, _ = match.groups()
    return f"{mark}{name}={REDACTED}" if secret_name(name) else match[0]


def clean_json(value: Json, redactor: Redactor | None = None) -> Json:
    """Return JSON without keys, recognised by name and form or by form alone. `redactor` masks those that are keys by
    their names, if known. Passwords of tests stay, on which a rule may match."""
    if redactor is None:
        redactor = Redactor(written_forms(filter(looks_random, named_secrets(value))))
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, list):
        return [clean_json(item, redactor) for item in value]
    if isinstance(value, dict):
        return {key: clean_json(item, redactor) for key, item in value.items()}
    return value


def _decoded(
    frames: Sequence[RecordedFrame], headers: list[tuple[str, str]], where: str, notes: list[str]
) -> tuple[Sequence[RecordedFrame], list[tuple[str, str]]]:
    """Remove a content encoding that the recorder has already decoded."""
    body = b"".join(frame.data for frame in frames)
    coding = next((value.strip().lower() for name, value in headers if name.lower() == ENCODING), None)
    if coding is None or (coding in MAGIC and body.startswith(MAGIC[coding])):
        return frames, headers
    if coding not in MAGIC:
        try:
            body.decode()
        except UnicodeDecodeError:
            return frames, headers
    notes.append(
        f"{where}: the body was recorded decompressed, so its content-encoding ({coding}) is left out"
    )
    return frames, [(name, value) for name, value in headers if name.lower() != ENCODING]


def _clean_frames(
    frames: Sequence[RecordedFrame], coding: str | None, redactor: Redactor
) -> Sequence[RecordedFrame] | None:
    """Return the frames with asterisks of the same length instead of secrets; None if there are no secrets."""
    parts = [frame.data for frame in frames]
    if coding is not None:
        parts = list(decompressed_frames(coding, parts) or parts)
    body = b"".join(parts)
    found = islice(dict.fromkeys(_field_secrets(body)), MAX_FIELD_SECRETS)
    redactor = redactor.with_secrets(written_forms(found))
    clean = without_divided_secrets(without_escaped_credentials(redactor.data(body)), redactor)
    if clean == body:
        return None
    at, redacted = 0, []
    for frame, part in zip(frames, parts, strict=True):
        redacted.append(RecordedFrame(frame.at, clean[at : at + len(part)]))
        at += len(part)
    return redacted


def _field_secrets(body: bytes) -> Iterator[str]:
    """Yield the secrets that fields of a response have: of its JSON, or of that of its events."""
    values: Iterable[Json]
    try:
        values = [loads(body)]
    except JSONDecodeError:
        values = map(event_json, events_of(body)[0])
    for value in values:
        yield from named_secrets(value, secret_field)


def _joined(headers: Sequence[tuple[str, str]]) -> Headers:
    """Join headers of the same name."""
    joined: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        value = " ".join(value.split())
        key = name.lower()
        joined[key] = (joined[key][0], f"{joined[key][1]}, {value}") if key in joined else (name, value)
    return tuple(joined.values())
