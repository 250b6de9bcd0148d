"""The access log: one line on the terminal for each request that is not hidden.

Texts of clients are never written raw. Control characters are escaped and long texts are cut, so that a request
cannot move the cursor or forge a line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.display import shortened
from mockllm.core.key_forms import REDACTED, may_show_random, without_random
from mockllm.core.redaction import Redactor, secrets_of
from mockllm.core.request.body_secrets import body_secrets
from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import cached_older_hash, hash_input_json, hash_of
from mockllm.engine import seed_token
from mockllm.engine.override_headers import UNKNOWN_HEADER
from mockllm.engine.planned_response import UNKNOWN_FIELD
from mockllm.server.ended_exchange import EndedExchange, is_unsent
from mockllm.server.exchange import EndReason
from mockllm.server.journal.entry import headers_and_body
from mockllm.server.server_limits import MIB

_END_NOTES: Final = {
    "close": "cut: connection closed",
    "reset": "cut: connection reset",
    "gone": "the client left",
    "stopped": "cut: the server stopped",
}
MAX_TEXT: Final = 200
"""Characters of a client's text that a line shows."""
MAX_NEAR_MISS: Final = 600
"""Characters of a near miss below the line of an unmatched request."""
MAX_NOTED: Final = 10_000
"""The most notes on clients that are stored; a further one deletes all of them."""
MAX_PRINTED_LINE: Final = 4000
"""The most characters of a line that shows a long text, such as an explanation or the input of a hash."""
MAX_SEARCHED_BODY: Final = MIB
"""Bytes of a body that is searched for secrets, which takes 40 ms: other requests wait."""
RETRY: Final = "x-stainless-retry-count"
"""The header in which OpenAI's and Anthropic's SDKs send the number of the retry."""
_COLOURS: Final = {2: "32", 3: "36", 4: "33", 5: "31"}


class AccessLogRecord(Struct, frozen=True):
    """One request, for a line. `now` is in seconds since the epoch. `duration`: seconds from the request to the end
    of the response, with those for which it was held. `unsent`: no byte of the response was sent."""

    now: float
    method: str
    path: str
    model: str | None
    rule: str | None
    modifiers: tuple[str, ...]
    status: int
    duration: float
    notes: tuple[str, ...] = ()
    end_reason: EndReason = "finished"
    unmatched: bool = False
    session: str | None = None
    seed_token: str = ""
    id_seed: bytes = b""
    faults: tuple[str, ...] = ()
    unsent: bool = False
    near_misses: tuple[str, ...] = ()
    """The lines of `UnmatchedError.near_misses`: on rules, or on what is wrong with the path."""
    retry: str = ""
    """The number of the retry, if an SDK sent it."""
    redactor: Redactor = Redactor()
    """Masks the request's secrets in what a verbose line adds."""

    @property
    def seed(self) -> str:
        """The value of `x-mockllm-seed` that repeats the response in a fresh session; empty if the engine
        decided nothing, or another server responded."""
        return seed_token.token_of(self.seed_token, self.id_seed)


def access_log_record_of(ended: EndedExchange, request: Request | None = None) -> AccessLogRecord:
    """Return the record of an ended exchange without secrets. `request` saves parsing the headers again."""
    response, model, session = ended.response, ended.model, ended.session
    headers = headers_and_body(ended)[0] if request is None else request.headers
    redactor = Redactor(secrets_of(headers.items(), ended.target))
    return AccessLogRecord(
        now=ended.now,
        method=redactor.text(ended.method),
        path=shortened_for_line(redactor.target(ended.target)),
        model=None if model is None else redactor.beginning(model, MAX_TEXT),
        rule=response.responder_id,
        modifiers=response.modifiers,
        status=response.status,
        duration=ended.held_seconds + ended.duration,
        notes=tuple(map(redactor.text, response.notes)),
        end_reason=ended.end_reason,
        unmatched=response.unmatched,
        session=None if session is None else redactor.session(session),
        seed_token=response.seed_token,
        id_seed=ended.id_seed or response.id_seed,
        faults=response.faults,
        unsent=is_unsent(response, ended.write_times),
        near_misses=_near_misses(response.near_misses, redactor, request),
        retry=shown_retry(headers.get(RETRY), redactor),
        redactor=redactor,
    )


def shown_retry(count: str | None, redactor: Redactor) -> str:
    """Return the number of the retry without secrets; empty where an SDK sends none, or 0."""
    return "" if count is None or count == "0" else redactor.text(count)


def _near_misses(lines: Sequence[str], redactor: Redactor, request: Request | None) -> tuple[str, ...]:
    """Return the lines without secrets: after the address of a rule they quote the body. The body is searched only
    where they could quote a secret. In place of a longer search, each word that looks random is masked."""
    if not lines:
        return ()
    quotes = [line.partition(": ")[2] or line for line in lines]
    if request is not None and may_show_random(quotes):
        if len(request.raw) > MAX_SEARCHED_BODY:
            lines = [
                line.removesuffix(quote) + without_random(quote)
                for line, quote in zip(lines, quotes, strict=True)
            ]
        else:
            redactor = _with_body(redactor, request)
    return tuple(map(redactor.text, lines))


def _with_body(redactor: Redactor, request: Request) -> Redactor:
    """Return a redactor that masks the secrets of the body, too."""
    of_body = body_secrets(request.headers.get("content-type") or "", request.raw)
    return redactor.with_secrets(of_body)


def near_miss_lines(record: AccessLogRecord, count: int) -> list[str]:
    """Return the lines below the line of an unmatched request: its near misses, of at most this number."""
    near_misses = record.near_misses[:count] if record.unmatched else ()
    return [f"  {printable_line(near_miss, MAX_NEAR_MISS)}" for near_miss in near_misses]


def shortened_for_line(text: str) -> str:
    """Return as much of a client's text as a line shows."""
    return shortened(text, MAX_TEXT)


class AccessLog:
    """Writes records as lines. `write` gets a line without its end. `strict`: an unmatched request is an error."""

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        colour: bool = False,
        verbose: bool = False,
        strict: bool = False,
    ) -> None:
        self._write = write
        self._colour = colour
        self._verbose = verbose
        self._noted: set[tuple[str, str, str]] = set()
        """The notes on unknown fields and headers that were written, with address and user agent of the client."""
        self._unmatched_label = ("error: no rule matched", "1;31") if strict else ("no rule matched", "1;33")

    def show(self, record: AccessLogRecord, request: Request | None = None) -> None:
        if record.notes and request is not None:
            record = replace(record, notes=self._new_notes(record.notes, request))
        self._write(self.line(record, request))
        for near_miss in near_miss_lines(record, 1):
            self._write(near_miss)
        if self._verbose and request is not None:
            self._write(f"  {self._hash_input_line(record, request)}")

    def _hash_input_line(self, record: AccessLogRecord, request: Request) -> str:
        """Return the beginning of the JSON that the request's hash covers."""
        if len(request.raw) > MAX_SEARCHED_BODY:
            return f"(a body of {len(request.raw):,} bytes is not searched for secrets, and not shown)"
        redactor = _with_body(record.redactor, request)
        return printable_line(
            redactor.beginning(hash_input_json(request), MAX_PRINTED_LINE), MAX_PRINTED_LINE
        )

    def show_hold(self, record: AccessLogRecord, name: str, at_most: float) -> None:
        """Write that a response waits until a name is released, at most for these seconds, and how to release it. The
        call needs the session's id, which is not shown where it looks like a key."""
        session = "" if record.session is None else f"?session={quote(record.session, safe='')}"
        call = printable_line(f": POST /api/release/{quote(name, safe='')}{session}")
        if record.session is not None and record.session.startswith(REDACTED):
            call = ""
        waits = f'waits for "{printable_line(name)}"{call}, at most {at_most:g}s'
        self._write(" ".join((*self._beginning(record), waits)))

    def _new_notes(self, notes: Iterable[str], request: Request) -> tuple[str, ...]:
        """Leave out the notes on unknown fields and headers that were written for this client before: these are the
        same in each request."""
        agent = request.headers.get("user-agent", "")
        new = []
        for note in notes:
            key = (request.client_address, agent, note)
            if note.startswith((UNKNOWN_FIELD, UNKNOWN_HEADER)):
                if key in self._noted:
                    continue
                if len(self._noted) >= MAX_NOTED:
                    self._noted.clear()
                self._noted.add(key)
            new.append(note)
        return tuple(new)

    def line(self, record: AccessLogRecord, request: Request | None = None) -> str:
        """Return `10:12:01 POST /v1/messages claude-x → a.yaml:greeting 200 12ms  [notes]`, with the number of the
        retry if an SDK sends it. A verbose line also has the modifiers, the session, the seed, and the hash that
        `match: {hash: …}` sees. It has the older hash, too, if a rule has compared that: one of the
        body alone, with a `provider` in it."""
        fields = [
            *self._beginning(record),
            self._paint(str(record.status), _COLOURS.get(record.status // 100, "0")),
            duration(record.duration),
        ]
        asides = [printable_line(note) for note in record.notes]
        if record.faults:
            asides.append(f"fault: {', '.join(record.faults)}")
        if record.end_reason in _END_NOTES:
            unsent = " before a byte was sent" if record.unsent and record.end_reason == "gone" else ""
            asides.append(_END_NOTES[record.end_reason] + unsent)
        if record.retry:
            asides.append(f"retry {printable_line(record.retry)}")
        if self._verbose and record.modifiers:
            asides.append("modifiers: " + printable_line(", ".join(record.modifiers)))
        if self._verbose and record.session is not None:
            asides.append(f"session: {record.session}")
        if self._verbose and record.seed:
            asides.append(f"seed: {record.seed}")
        if self._verbose and request is not None:
            asides.append(f"hash: {hash_of(request)}")
            if (older := cached_older_hash(request)) is not None:
                asides.append(f"older hash: {older}")
        return " ".join(fields) + (f"  [{'; '.join(asides)}]" if asides else "")

    def _beginning(self, record: AccessLogRecord) -> tuple[str, ...]:
        rule = printable_line(record.rule) if record.rule else "-"
        return (
            _time_of_day(int(record.now)),
            printable_line(record.method),
            printable_line(record.path),
            printable_line(record.model) if record.model else "-",
            "→",
            self._paint(*self._unmatched_label) if record.unmatched else rule,
        )

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


@lru_cache(maxsize=4)  # many requests come in the same second
def _time_of_day(now: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(now))


def duration(seconds: float) -> str:
    """Return `0.4ms`, `12ms` or `3.2s`."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f}ms"
    return f"{seconds * 1000:.0f}ms" if seconds < 0.9995 else f"{seconds:.1f}s"


def printable_line(text: str, max_length: int = MAX_TEXT) -> str:
    """Return one line of printable characters."""
    text = shortened(text, max_length)
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape", "replace").decode() for mark in text
    )
