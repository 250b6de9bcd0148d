"""Reconstructs what was sent to a client from its plan: the head, and each part with its time.

A new `Player` writes each part again, with its stored time in place of a clock. So the journal stores only these
times of a response.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mockllm.core.header_secrets import shown_headers
from mockllm.core.redaction import Redactor
from mockllm.core.rendering.framing import framed
from mockllm.server.deadlines import Action, Deadline
from mockllm.server.http1 import ALLOW_CORS, DateLine, serialize_head
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.player import Player
from mockllm.server.single_write import single_write


class SentPart(NamedTuple):
    """The bytes of one write, `after` in seconds since `Exchange.monotonic`. They are without the framing of chunked
    transfer."""

    after: float
    data: bytes


class SentResponse(NamedTuple):
    """A response as it was sent. A head that a fault withheld or changed is as the plan has it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    parts: Sequence[SentPart]

    @property
    def body(self) -> bytes:
        return b"".join([part.data for part in self.parts])


def reconstruct(entry: JournalEntry, redactor: Redactor | None = None) -> SentResponse:
    """Return the response of a journal entry, as this redactor shows it: the entry's own, if none is passed."""
    plan = entry.response.plan
    cors_lines = ALLOW_CORS if entry.sends_cors_headers else ""
    head = serialize_head(plan, entry.constraints, DateLine().at(entry.now + entry.held_seconds), cors_lines)
    without_http_chunks = head._replace(http_chunked=False)
    if entry.write_times is None:
        data = single_write(plan, without_http_chunks)
        if data is None:
            # a provider's long response or a turn of its WebSocket, whose times are not stored; the head of a
            # handshake; or a response that was not sent
            body = [] if head.bodiless else [item for item in framed(plan) if type(item) is bytes]
            data = without_http_chunks.data + b"".join(body)
        parts = [SentPart(entry.duration, data)]
    else:
        writes = _TimedWrites()
        scale = entry.response.time_scale
        play = Player(plan, without_http_chunks, writes, writes, entry.monotonic, scale)
        for monotonic in entry.write_times:
            writes.monotonic = monotonic
            play.write_once(monotonic)
        parts = [SentPart(monotonic - entry.monotonic, data) for monotonic, data in writes.written]
    sent = _after_head(head.data, parts)
    redactor = redactor or entry.redactor
    masked = redactor.parts([part.data for part in sent])
    sent = [SentPart(part.after, data) for part, data in zip(sent, masked, strict=True)]
    headers = tuple((name, redactor.header(name, value)) for name, value in shown_headers(_lines(head.data)))
    return SentResponse(plan.head.status, headers, sent)


def _lines(head: bytes) -> list[tuple[str, str]]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines) if name]


def _after_head(head: bytes, parts: Sequence[SentPart]) -> Sequence[SentPart]:
    """Return the parts after the head, if the parts begin with it."""
    if not b"".join([part.data for part in parts]).startswith(head):
        return parts
    left, found = len(head), []
    for part in parts:
        data, left = part.data[left:], max(0, left - len(part.data))
        if data:
            found.append(SentPart(part.after, data))
    return found


class _TimedWrites:
    """The writes of a player with their times, which the caller sets. It has no deadlines."""

    full = False

    def __init__(self) -> None:
        self.monotonic = 0.0
        self.written: list[tuple[float, bytes]] = []

    def time(self) -> float:
        return self.monotonic

    def call_at(self, when: float, action: Action) -> Deadline:
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        self.written.append((self.monotonic, data))
