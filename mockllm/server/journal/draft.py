"""A note of a request that was answered: references to all there was, and what a live line tells of it.

Apart from the journal, which settles and keeps such notes: this is what each request costs.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from multidict import CIMultiDict

from mockllm.core.display import cut
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse, seed_token
from mockllm.server.http1 import ORDINARY, ResponseFraming
from mockllm.server.journal import redaction

LONGEST: Final = 200
NO_HEADERS: Final[Mapping[str, str]] = {}

EndReason: TypeAlias = Literal["finished", "close", "reset", "silence", "gone", "stopped"]
"""How the client left: with the whole answer, cut off by the plan with FIN or RST, of its own (in a silence or
before the end), or because the server stopped."""


class AccessLogRecord(NamedTuple):
    """One request, for a line. `at` is in seconds since the epoch, `took` the seconds from the request's last
    byte to the end of its answer."""

    at: float
    method: str
    path: str
    model: str | None
    rule: str | None
    modifiers: tuple[str, ...]
    status: int
    took: float
    notes: tuple[str, ...] = ()
    left: EndReason = "finished"
    missed: bool = False
    session: str | None = None
    drawn: str | bytes = ""

    @property
    def seed(self) -> str:
        """The seed that would give its answer again in a fresh session, for `x-mockllm-seed`; empty where no
        rule was asked."""
        return self.drawn if isinstance(self.drawn, str) else seed_token.told_of(self.drawn)


class JournalDraft(NamedTuple):
    """A note of one request, with references to what there is anyway; the request itself is let go, for to keep
    what was read of it costs more than all else here. `kind` is its class, None of what was no provider's
    call; `model` as far as anybody has looked. `since` and `times` are on the server's own clock, `times` those
    of each turn in which a part of the answer was written; None where it left in the turn of its request."""

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    client: str
    session: str | None
    kind: type[Request] | None
    provider: str | None
    model: str | None
    answer: PlannedResponse
    since: float
    took: float
    left: EndReason = "finished"
    framing: ResponseFraming = ORDINARY
    allow_cors: bool = False
    times: array[float] | None = None
    body: int | None = None
    """Where `raw` is all that came, head and body, and `headers` are in it: the bytes of the body."""

    root: str | bytes | None = None
    """Where `answer` is only what the answer is like: what its ids are hashed behind, and the request's input
    tokens."""
    tokens: int = 0

    def whole(self) -> PlannedResponse:
        """The answer as it was given."""
        if not isinstance(self.root, bytes):
            return self.answer
        return self.answer.again(self.root, self.at, self.tokens)

    def parted(self) -> tuple[Mapping[str, str], bytes]:
        """Headers and body."""
        if self.body is None:
            return self.headers, self.raw
        at = len(self.raw) - self.body
        headers: CIMultiDict[str] = CIMultiDict()
        for line in self.raw[:at].split(b"\r\n")[1:]:
            name, colon, value = line.partition(b":")
            if not colon:
                break
            headers.add(_text(name), _text(value.strip(b" \t")))
        return headers, self.raw[at:]

    @property
    def target(self) -> str:
        """Path and query as they came, without secrets."""
        return redaction.target(self.path)

    def record(self) -> AccessLogRecord:
        """For the live line."""
        answer, model = self.answer, self.model
        return AccessLogRecord(
            self.at,
            self.method,
            short(self.target),
            None if model is None else short(model),
            answer.rule,
            answer.modifiers,
            answer.status,
            self.took,
            answer.notes,
            self.left,
            answer.missed,
            self.session,
            self.root or answer.drawn,
        )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def short(text: str) -> str:
    """At most so much of a client's text is shown in a line."""
    return cut(text, LONGEST)
