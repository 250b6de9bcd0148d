"""What of an interaction is written down: without secrets, and without what was of one connection alone.

Apart from the shape of an interaction, which whatever records or imports makes as it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.redaction import REDACTED, redact_bytes, redact_text, secret_name
from mockllm.core.rendering.gzip import ENCODING, unpacked
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.recordings.interaction import LEFT_OUT, Interaction, Pairs, RecordedResponse, sound_headers
from mockllm.recordings.secrets import named_secrets, secrets_of

MAGIC: Final = {"gzip": (b"\x1f\x8b",), "x-gzip": (b"\x1f\x8b",), "deflate": (b"\x78",)}
"""How bytes of a coding begin."""


def cleaned(interaction: Interaction) -> Interaction:
    """The interaction without secrets, and without headers that are of one connection."""
    notes = list(interaction.notes)
    secrets = secrets_of(interaction.request, interaction.response.headers)
    answered = interaction.response
    headers = [
        (name, _told(value, secrets))
        for name, value in answered.headers
        if name.lower() not in LEFT_OUT and not secret_name(name)
    ]
    headers, odd = sound_headers(headers)
    notes += [f"{interaction.where}: {name!r} is no header and is left out" for name in odd]
    frames, headers = _decoded(answered.frames, headers, interaction.where, notes)
    coding = next((value for name, value in headers if name.lower() == ENCODING), None)
    clean = _clean_frames(frames, coding, secrets)
    if clean is not None:
        notes.append(f"{interaction.where}: what looks like a key stood in the answer; it is written as ****")
        if coding is not None:
            headers = [(name, value) for name, value in headers if name.lower() != ENCODING]
        frames = clean
    return replace(
        interaction,
        response=RecordedResponse(answered.status, _joined(headers), tuple(frames)),
        notes=tuple(notes),
    )


_PARAMETER: Final = re.compile(r"([?&;])([^=&;#\s]+)=([^&;#\s,<>\"']+)")


def _told(value: str, secrets: Collection[str]) -> str:
    """A header's value without what is known or looks like a key, or signs an address."""
    for secret in secrets:
        value = value.replace(secret, REDACTED)
    return redact_text(_PARAMETER.sub(_parameter, value))


def _parameter(found: re.Match[str]) -> str:
    mark, name, _ = found.groups()
    return f"{mark}{name}={REDACTED}" if secret_name(name) else found[0]


def clean_json(value: Json) -> Json:
    """JSON without what is a key by its name and by its looks, or by its looks alone."""
    return _clean_json(value, frozenset(named_secrets(value)))


def _clean_json(value: Json, secrets: Collection[str]) -> Json:
    if isinstance(value, str):
        return REDACTED if value in secrets else redact_text(value)
    if isinstance(value, list):
        return [_clean_json(each, secrets) for each in value]
    if isinstance(value, dict):
        return {key: _clean_json(each, secrets) for key, each in value.items()}
    return value


def _decoded(
    frames: Sequence[RecordedFrame], headers: list[tuple[str, str]], where: str, notes: list[str]
) -> tuple[Sequence[RecordedFrame], list[tuple[str, str]]]:
    """The headers without a coding that the recorder has undone."""
    body = b"".join(frame.data for frame in frames)
    coding = next((value.strip().lower() for name, value in headers if name.lower() == ENCODING), None)
    if coding is None or (coding in MAGIC and body.startswith(MAGIC[coding])):
        return frames, headers
    if body and coding not in MAGIC and not _is_text(body):
        return frames, headers
    notes.append(f"{where}: the body was recorded unpacked, so its content-encoding ({coding}) is left out")
    return frames, [(name, value) for name, value in headers if name.lower() != ENCODING]


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _clean_frames(
    frames: Sequence[RecordedFrame], coding: str | None, secrets: Collection[str]
) -> Sequence[RecordedFrame] | None:
    """The frames with asterisks in place of secrets, as long as these were; None where there are none."""
    parts = [frame.data for frame in frames]
    if coding is not None:
        parts = list(unpacked(coding, parts) or parts)
    body = b"".join(parts)
    clean = redact_bytes(body, secrets)
    if clean == body:
        return None
    at, found = 0, []
    for frame, part in zip(frames, parts, strict=True):
        found.append(RecordedFrame(frame.at, clean[at : at + len(part)]))
        at += len(part)
    return found


def _joined(headers: Sequence[tuple[str, str]]) -> Pairs:
    """Headers of the same name as one."""
    found: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        value = " ".join(value.split())
        key = name.lower()
        found[key] = (found[key][0], f"{found[key][1]}, {value}") if key in found else (name, value)
    return tuple(found.values())


def private(interaction: Interaction) -> bool:
    """Whether a request's body says a secret that it is also signed with, so that it may stand nowhere."""
    secrets = secrets_of(interaction.request, interaction.response.headers)
    return any(secret.encode("utf-8", "surrogateescape") in interaction.request.body for secret in secrets)
