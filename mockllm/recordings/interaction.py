"""One interaction as it was recorded, whatever it was recorded with; and what of it is never written down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from mockllm.core.gzip import ENCODING, unpacked
from mockllm.core.recording import Frame
from mockllm.core.redaction import redact_bytes, redact_text, secret_name

Pairs = tuple[tuple[str, str], ...]

LEFT_OUT: Final = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-mockllm-hash",
        "x-mockllm-rule",
    }
)
"""Headers that tell how one answer was carried, or that this server adds itself."""
MAGIC: Final = {"gzip": (b"\x1f\x8b",), "x-gzip": (b"\x1f\x8b",), "deflate": (b"\x78",)}
"""How bytes of a coding begin."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `path` has the prefix of its provider, as a client of this server would ask."""

    method: str
    path: str
    query_string: str = ""
    headers: Pairs = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: its frames are the bytes of its body as they came."""

    status: int
    headers: Pairs
    frames: tuple[Frame, ...]

    @property
    def body(self) -> bytes:
        return b"".join(frame.data for frame in self.frames)


@dataclass(frozen=True, slots=True)
class Interaction:
    """`where` is its place in the file that it came from; `notes` what could not be carried over, each with its
    place; `hash` in place of the request's own, where the request is not known."""

    asked: Asked
    answered: Answered
    where: str = ""
    session: str | None = None
    notes: tuple[str, ...] = ()
    extra: Sequence[str] = field(default=())
    """Secrets of this very request, wherever they stand."""


def cleaned(interaction: Interaction) -> Interaction:
    """The interaction without secrets, and without headers that are of one connection."""
    notes = list(interaction.notes)
    secrets = {
        secret
        for name, value in interaction.asked.headers
        if secret_name(name)
        for secret in (value, value.partition(" ")[2])
        if len(secret) >= SHORT
    }
    secrets |= set(interaction.extra)
    answered = interaction.answered
    headers = [
        (name, redact_text(value))
        for name, value in answered.headers
        if name.lower() not in LEFT_OUT and not secret_name(name)
    ]
    frames, headers = _decoded(answered.frames, headers, interaction.where, notes)
    coding = next((value for name, value in headers if name.lower() == ENCODING), None)
    clean = _clean_frames(frames, coding, secrets)
    if clean is not None:
        notes.append(f"{interaction.where}: what looks like a key stood in the answer; it is written as ****")
        if coding is not None:
            headers = [(name, value) for name, value in headers if name.lower() != ENCODING]
        frames = clean
    return replace(
        interaction, answered=Answered(answered.status, _joined(headers), tuple(frames)), notes=tuple(notes)
    )


SHORT: Final = 8
"""A secret has at least so many characters."""


def _decoded(
    frames: Sequence[Frame], headers: list[tuple[str, str]], where: str, notes: list[str]
) -> tuple[Sequence[Frame], list[tuple[str, str]]]:
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
    frames: Sequence[Frame], coding: str | None, secrets: Collection[str]
) -> Sequence[Frame] | None:
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
        found.append(Frame(frame.at, clean[at : at + len(part)]))
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
