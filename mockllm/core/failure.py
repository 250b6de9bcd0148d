"""Errors in provider-neutral form, before a dialect formats them for its provider."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import ceil, inf
from typing import Final, Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.display import shortened
from mockllm.core.json.codec import Json

NAMED: Final[Mapping[str, int]] = {
    "bad_request": 400,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "model_not_found": 404,
    "model_deprecated": 404,
    "request_too_large": 413,
    "context_length": 400,
    "rate_limit": 429,
    "insufficient_quota": 429,
    "content_filter": 400,
    "server_error": 500,
    "overloaded": 503,
    "unavailable": 503,
    "bad_gateway": 502,
    "timeout": 504,
}
"""The names of errors with their status, unless a dialect's table has another one."""
ErrorName: TypeAlias = Literal[tuple(NAMED)]  # type: ignore[valid-type]

BY_STATUS: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "authentication",
    402: "insufficient_quota",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "request_too_large",
    429: "rate_limit",
    500: "server_error",
    502: "bad_gateway",
    503: "unavailable",
    504: "timeout",
    529: "overloaded",
}
"""The error of `error: {status: N}`; any other status is a generic error of its class."""


NEVER: Final = inf
"""A value of `retry_after`: no retry can succeed."""


MAX_SHORT_MESSAGE: Final = 200
"""Characters of a failure's message that are noted."""
_WAIT_SENTENCE: Final = re.compile(r"\s*Please (?:try again|retry) (?:in|after) \{(?:wait\}s?|seconds\})\.")


class Failure(Struct, frozen=True):
    """One error. None means: the value of the dialect's table for this type.

    `fields` is merged into the provider's inner error object as written. Where all its keys are names of dialects,
    each dialect uses its own value (`for_dialect`). `retry_after` is in seconds, or NEVER.
    `context_tokens` is the size of the context, for `context_length`. `exceeded_limit` is the rate limit that was
    exceeded: `requests` or `tokens`, the amount, and the seconds of its window.
    """

    type: str
    status: int | None = None
    message: str | None = None
    retry_after: float | None = None
    fields: Mapping[str, Json] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    context_tokens: int | None = None
    exceeded_limit: tuple[str, int, float] | None = None
    retry_date: bool = False
    """Whether `retry_after` is a date in the header of that name."""
    in_chunk: bool = False
    """Whether a stream has the error in a chunk with the finish reason `error`, in place of a separate event."""
    events_before_error: int | None = None
    """How many of a stream's first events precede an error that comes before all content. None means all of them."""
    time_scale: float = 1.0
    """Factor on the usual wait of a dialect's table: the failure's own `retry_after` is scaled already."""
    note: str | None = None
    """The text for the author of a scenario, in the log and in `explain`; no response contains it."""

    @property
    def short_message(self) -> str:
        """The message, short enough for a note."""
        return shortened(self.message or self.type, MAX_SHORT_MESSAGE)

    def seconds_until_retry(self, usual: float | None = None) -> float | None:
        """Return the seconds until a retry for the response: the failure's own, else the usual; None for NEVER."""
        wait = usual if self.retry_after is None else self.retry_after
        if wait is None or wait == NEVER:
            return None
        return wait if self.retry_after is not None else wait * self.time_scale

    def retry_header(self, usual: float | None) -> tuple[tuple[str, str], ...]:
        """Return the header with the seconds until a retry, in whole ones, rounded up; none for NEVER."""
        wait = self.seconds_until_retry(usual)
        return () if wait is None else (("retry-after", str(-(-round(wait * 1000) // 1000))),)

    def scaled(self, factor: float) -> Failure:
        """Return the failure for a server whose time has this factor (`--time-scale`)."""
        if factor == 1.0:
            return self
        wait = self.retry_after
        if wait is not None and wait != NEVER:
            wait = ceil(round(wait * factor * 1000, 3)) / 1000  # whole milliseconds, as providers state them
        return replace(self, retry_after=wait, time_scale=factor)

    def message_format(self, format: str) -> str:
        """Return the format of a message, without the sentence that names the wait where there is none."""
        return _WAIT_SENTENCE.sub("", format) if self.retry_after == NEVER else format

    def overflow(self, window: int, tokens: int) -> tuple[int, int]:
        """Return the size of the context and the number of tokens for a `context_length` error.

        `window` is the model's context. The tokens are those of the request where they exceed the context.
        Otherwise that number is added to the context, so that the message is consistent.
        """
        size = window if self.context_tokens is None else self.context_tokens
        return size, tokens if tokens > size else size + tokens

    def for_dialect(self, name: str, names: Collection[str]) -> Failure:
        """Return the failure for one dialect, where `fields` are by dialect (`names` are those of all dialects)."""
        if not self.fields or not set(self.fields) <= set(names):
            return self
        fields = self.fields.get(name, {})
        return replace(self, fields=fields if isinstance(fields, dict) else {})

    @staticmethod
    def of_status(status: int, message: str | None = None) -> Failure:
        """Return the error of a status, else the generic one of its class, with that status."""
        generic = "bad_request" if status < 500 else "server_error"
        return Failure(BY_STATUS.get(status, generic), status, message)
