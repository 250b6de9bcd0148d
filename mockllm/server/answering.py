"""What the server asks of an engine, and nothing more: a reload swaps one such object for another.

The engine is synchronous, pure of I/O, and never raises on any request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mockllm.core.failure import Failure
from mockllm.core.request import Request
from mockllm.engine.answer import Answer


@dataclass(frozen=True, slots=True)
class About:
    """What is loaded, as `/` and `/health` say it.

    `routes` are lines such as `POST /v1/messages`; `bases` are an SDK's name and the path that follows
    the server's address in its base URL (`("OpenAI", "/v1")`); `stale` are the files whose last good
    version is still in use, with the reason (which may have several lines).
    """

    rules: int
    files: int
    routes: tuple[str, ...] = ()
    bases: tuple[tuple[str, str], ...] = ()
    stale: tuple[tuple[str, str], ...] = ()


class Engine(Protocol):
    """Answers requests. An instance is immutable but for its counts."""

    def read(
        self,
        method: str,
        path: str,
        query_string: str,
        headers: Mapping[str, str],
        raw: bytes,
        client: str,
        now: float,
    ) -> Request:
        """The request as its dialect reads it. `path` and `query_string` are as on the wire (percent-encoded,
        the path without the query); `headers` is looked up without regard to case; `raw` is inflated;
        `client` is the peer's address without its port; `now` is in seconds since the epoch."""

    def answer(self, request: Request) -> Answer:
        """Find, settle, plan."""

    def refuse(self, failure: Failure, request: Request) -> Answer:
        """The server itself turns the request away (too large, too slow, too deep): the failure in the
        provider's envelope. No rule is asked and nothing is counted. The request's body is empty."""

    def about(self) -> About: ...
