"""Redaction of an interaction before it is stored: removes secrets and headers of one connection.

Recorders and importers create complete interactions; this module removes what must not be stored.
`core.redaction` recognises keys by their form; this module also finds secrets by their position.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qsl, quote

from msgspec.structs import replace

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.redaction import REDACTED, redact_bytes, redact_text, secret_name
from mockllm.core.rendering.gzip import ENCODING, unpacked
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.recordings.interaction import (
    DROPPED_HEADERS,
    Interaction,
    Pairs,
    RecordedRequest,
    RecordedResponse,
    valid_headers,
)

MAGIC: Final = {"gzip": (b"\x1f\x8b",), "x-gzip": (b"\x1f\x8b",), "deflate": (b"\x78",)}
"""First bytes by content encoding."""
MIN_LENGTH: Final = 8
"""Least length of a secret: shorter texts are words that occur in many places."""
CERTAIN: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-goog-api-key"}
)
"""Headers whose value is always a secret."""
_RANDOM: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[^\s]{16,}")
"""Text that looks random: the field name `key` alone does not indicate a secret."""


def redact(interaction: Interaction) -> Interaction:
    """Return an interaction without secrets and without headers of one connection."""
    notes = list(interaction.notes)
    secrets = secrets_of(interaction.request, interaction.response.headers)
    response = interaction.response
    headers = [
        (name, _redact_value(value, secrets))
        for name, value in response.headers
        if name.lower() not in DROPPED_HEADERS and not secret_name(name)
    ]
    headers, invalid = valid_headers(headers)
    notes += [f"{interaction.where}: {name!r} is not a header name and is left out" for name in invalid]
    frames, headers = _decoded(response.frames, headers, interaction.where, notes)
    coding = next((value for name, value in headers if name.lower() == ENCODING), None)
    clean = _clean_frames(frames, coding, secrets)
    if clean is not None:
        notes.append(
            f"{interaction.where}: the response contains text that looks like a key; it is replaced by ****"
        )
        if coding is not None:
            headers = [(name, value) for name, value in headers if name.lower() != ENCODING]
        frames = clean
    return replace(
        interaction,
        response=RecordedResponse(response.status, _joined(headers), tuple(frames)),
        notes=tuple(notes),
    )


_PARAMETER: Final = re.compile(r"([?&;])([^=&;#\s]+)=([^&;#\s,<>\"']+)")


def _redact_value(value: str, secrets: Collection[str]) -> str:
    """Return a header's value without known secrets, texts that look like keys, and signatures of URLs."""
    for secret in secrets:
        value = value.replace(secret, REDACTED)
    return redact_text(_PARAMETER.sub(_parameter, value))


def _parameter(match: re.Match[str]) -> str:
    mark, name, _ = match.groups()
    return f"{mark}{name}={REDACTED}" if secret_name(name) else match[0]


def clean_json(value: Json, secrets: Collection[str] | None = None) -> Json:
    """Return JSON without keys, recognised by name and form or by form alone. `secrets`: the texts that are keys by
    their names, if known."""
    secrets = frozenset(named_secrets(value)) if secrets is None else secrets
    if isinstance(value, str):
        return REDACTED if value in secrets else redact_text(value)
    if isinstance(value, list):
        return [clean_json(item, secrets) for item in value]
    if isinstance(value, dict):
        return {key: clean_json(item, secrets) for key, item in value.items()}
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
    frames: Sequence[RecordedFrame], coding: str | None, secrets: Collection[str]
) -> Sequence[RecordedFrame] | None:
    """Return the frames with asterisks of the same length instead of secrets; None if there are no secrets."""
    parts = [frame.data for frame in frames]
    if coding is not None:
        parts = list(unpacked(coding, parts) or parts)
    body = b"".join(parts)
    clean = redact_bytes(body, secrets)
    if clean == body:
        return None
    at, redacted = 0, []
    for frame, part in zip(frames, parts, strict=True):
        redacted.append(RecordedFrame(frame.at, clean[at : at + len(part)]))
        at += len(part)
    return redacted


def _joined(headers: Sequence[tuple[str, str]]) -> Pairs:
    """Join headers of the same name."""
    joined: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        value = " ".join(value.split())
        key = name.lower()
        joined[key] = (joined[key][0], f"{joined[key][1]}, {value}") if key in joined else (name, value)
    return tuple(joined.values())


def has_secret_body(interaction: Interaction) -> bool:
    """Return whether a request's body contains one of its secrets, so that it must not be stored."""
    secrets = secrets_of(interaction.request, interaction.response.headers)
    return any(secret.encode("utf-8", "surrogateescape") in interaction.request.body for secret in secrets)


# --- secrets -----------------------------------------------------------------------------------------


def secrets_of(request: RecordedRequest, response_headers: Pairs) -> frozenset[str]:
    """Return the texts that no file may contain: keys and cookies in headers, the query and the body's fields, as
    they are and in the encodings of URLs and JSON."""
    texts = [
        *(secret for pair in (*request.headers, *response_headers) for secret in _in_header(*pair)),
        *(value for name, value in parse_qsl(request.query_string) if secret_name(name)),
        *_in_body(request.body),
    ]
    plain = {text.strip() for text in texts}
    encoded = {form for text in plain for form in (text, quote(text, safe=""), text.replace("/", "\\/"))}
    return frozenset(text for text in encoded if len(text) >= MIN_LENGTH)


def _in_header(name: str, value: str) -> Iterator[str]:
    """Yield a header's value, the credentials without their scheme, and the value of each cookie."""
    if not secret_name(name) or (name.lower() not in CERTAIN and not _RANDOM.fullmatch(value)):
        return
    yield value
    if name.lower() in ("cookie", "set-cookie"):
        first = ";" if name.lower() == "cookie" else "\n"  # Set-Cookie has attributes after its value
        for cookie in value.split(first):
            yield cookie.partition("=")[2].partition(";")[0]
    else:
        yield value.partition(" ")[2]


def _in_body(raw: bytes) -> Iterator[str]:
    with suppress(JSONDecodeError):
        yield from named_secrets(loads(raw))


def named_secrets(value: Json) -> Iterator[str]:
    """Yield random-looking texts in fields with the name of a secret."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and secret_name(name) and _RANDOM.fullmatch(inner):
                yield inner
            else:
                yield from named_secrets(inner)
    elif isinstance(value, list):
        for item in value:
            yield from named_secrets(item)
