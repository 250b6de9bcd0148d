"""Errors in neutral words: what went wrong, before a dialect puts it in its provider's envelope."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import inf
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

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
"""The named errors with the status they have where a dialect's table says nothing else."""

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
"""What a bare `error: {status: N}` means; another status is a generic error of its class."""


NEVER: Final = inf
"""In place of the seconds of `retry_after`: no later time is any better."""


class Failure(Struct, frozen=True):
    """One error. None means: as the dialect's table has it for this type.

    `fields` is merged into the provider's inner error object as written; where all its keys are names of
    dialects, each dialect takes its own (`for_dialect`). `retry_after` is in seconds, or NEVER; `limit` is how
    many tokens the context holds, which `context_length` tells; `quota` is what a limit refused: `requests` or
    `tokens`, how many there are, in how many seconds.
    """

    type: str
    status: int | None = None
    message: str | None = None
    retry_after: float | None = None
    fields: Mapping[str, Json] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    limit: int | None = None
    quota: tuple[str, int, float] | None = None

    def again(self, usual: float | None = None) -> float | None:
        """In how many seconds to try again, told where one is told: the failure's own, else what is usual."""
        wait = usual if self.retry_after is None else self.retry_after
        return None if wait == NEVER else wait

    def overflow(self, window: int, tokens: int) -> tuple[int, int]:
        """How many tokens the context holds, in a model of so large a `window`, and how many they were told to
        be: those of the request, where these are too many, else so many more than fit."""
        limit = window if self.limit is None else self.limit
        return limit, tokens if tokens > limit else limit + tokens

    def for_dialect(self, name: str, names: Collection[str]) -> Failure:
        """The failure as one dialect says it, where `fields` are given by dialect (`names` are all there are)."""
        if not self.fields or not set(self.fields) <= set(names):
            return self
        own = self.fields.get(name, {})
        return replace(self, fields=own if isinstance(own, dict) else {})

    @staticmethod
    def of_status(status: int, message: str | None = None) -> Failure:
        """The named error of a status, else the generic one of its class, sent with that status."""
        generic = "bad_request" if status < 500 else "server_error"
        return Failure(BY_STATUS.get(status, generic), status, message)
