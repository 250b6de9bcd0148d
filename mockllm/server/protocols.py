"""What the server asks of an engine, and nothing more: a reload swaps one such object for another.

The engine is synchronous, pure of I/O, and never raises on any request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.engine import EngineInfo, PlannedResponse


class ProxyFailed(Exception):
    """A request was not answered by its provider: what the client is told in its place."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class RequestReaderProtocol(Protocol):
    """Reads the requests that have one head."""

    def read(self, raw: bytes, client: str, now: float) -> Request:
        """The request as its dialect reads it. `raw` is inflated; `client` is the peer's address without its
        port; `now` is in seconds since the epoch."""


class EngineProtocol(Protocol):
    """Answers requests. An instance is immutable but for its counts."""

    def request_reader(
        self, method: str, path: str, query_string: str, headers: Mapping[str, str]
    ) -> RequestReaderProtocol:
        """What reads the requests that have this head. `path` and `query_string` are as on the wire
        (percent-encoded, the path without the query); `headers` is looked up without regard to case."""

    def respond(self, request: Request) -> PlannedResponse:
        """Find, settle, plan."""

    def refuse(self, failure: Failure, request: Request) -> PlannedResponse:
        """The server itself turns the request away (too large, too slow, too deep): the failure in the
        provider's envelope. No rule is asked and nothing is counted. The request's body is empty."""

    def info(self) -> EngineInfo: ...
