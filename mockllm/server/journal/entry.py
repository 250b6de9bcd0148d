"""One request as the journal keeps it: what was asked, without its secrets, and all that its answer is made of.

What was sent is not kept but told anew when somebody asks (`server.retelling`).
"""

from __future__ import annotations

from array import array
from typing import Final, NamedTuple

from mockllm.core.rendering.plan import EventStep, Framing, RawStep
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse, seed_token
from mockllm.server.http1 import ResponseFraming
from mockllm.server.journal import redaction
from mockllm.server.journal.draft import EndReason, JournalDraft
from mockllm.server.server_limits import KIB

OVERHEAD: Final = 1500
"""Bytes that a request takes beside its texts, about."""


class JournalEntry(NamedTuple):
    """`number` counts from 1 and is never given again. `target` is path and query as they came; `key` is the
    hash of its API key. `since`, `times` and `took` as in `Seen`. `whole`: nothing of the body was left out for
    want of room."""

    number: int
    at: float
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes
    whole: bool
    client: str
    session: str | None
    key: str | None
    kind: type[Request] | None
    provider: str | None
    model: str | None
    answer: PlannedResponse
    framing: ResponseFraming
    allow_cors: bool
    since: float
    took: float
    left: EndReason
    times: array[float] | None
    size: int

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query_string(self) -> str:
        return self.target.partition("?")[2]

    @property
    def endpoint(self) -> str | None:
        """`openai-chat`; None outside every protocol."""
        return None if self.kind is None else endpoint(self.kind)

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def rule(self) -> str | None:
        return self.answer.rule

    @property
    def modifiers(self) -> tuple[str, ...]:
        return self.answer.modifiers

    @property
    def notes(self) -> tuple[str, ...]:
        return self.answer.notes

    @property
    def missed(self) -> bool:
        return self.answer.missed

    @property
    def streamed(self) -> bool:
        made = self.answer.made
        return made.framing is not Framing.PLAIN

    @property
    def seed(self) -> str:
        """The seed that would give its answer again in a fresh session, for `x-mockllm-seed`; empty where no
        rule was asked."""
        drawn = self.answer.drawn
        return drawn if isinstance(drawn, str) else seed_token.told_of(drawn)


def endpoint(kind: type[Request]) -> str | None:
    """The name of the api that a request of this kind is for."""
    return None if kind.api is None else f"{kind.dialect}-{kind.api}"


def entry_of(number: int, seen: JournalDraft, room: int) -> JournalEntry:
    """What is kept of a note. A request that has no room by itself is kept without its body."""
    answer, target = seen.whole(), seen.target
    headers, raw = seen.parted()
    key = redaction.key_in(headers, seen.path)
    raw = redaction.without(key, raw)
    pairs = redaction.headers(headers.items())
    size = OVERHEAD + len(target) + sum([len(name) + len(value) for name, value in pairs]) + _size(answer)
    if seen.times is not None:
        size += 8 * len(seen.times)
    whole = size + len(raw) <= room
    if not whole:
        raw = b""
    return JournalEntry(
        number,
        seen.at,
        seen.method,
        target,
        pairs,
        raw,
        whole,
        seen.client,
        seen.session,
        redaction.hashed(key),
        seen.kind,
        seen.provider,
        seen.model,
        answer if answer.lease is None else answer._replace(lease=None),
        seen.framing,
        seen.allow_cors,
        seen.since,
        seen.took,
        seen.left,
        seen.times,
        size + len(raw),
    )


FEW: Final = 8
"""So many steps are looked at."""
STEP: Final = 400
"""Bytes that one of many steps is taken for."""


def weight(answer: PlannedResponse) -> int:
    """What an answer holds on to, at a glance, in bytes."""
    made = answer.made
    if isinstance(made, PrerenderedResponse):
        return KIB
    return STEP * len(made.steps) if len(made.steps) > FEW else _size(answer)


def _size(answer: PlannedResponse) -> int:
    """What an answer holds on to by itself: a stencil is shared by many."""
    made = answer.made
    if isinstance(made, PrerenderedResponse):
        return sum([len(each) for each in answer.reply_error])
    size = 100 * len(made.steps)
    for step in made.steps:
        size += (
            len(step.payload) if type(step) is EventStep else len(step.data) if type(step) is RawStep else 0
        )
    return size
