"""Reads requests: their call, their session, and the overrides that their headers demand.

Separate from the body, because many requests have the same head: a server reads each head once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockllm.core.failure import Failure
from mockllm.core.request.request import VOLATILE, Request
from mockllm.core.request.stored_responses import ResponseLookup
from mockllm.dialects.routes import RouteMatch, find
from mockllm.engine import session_id
from mockllm.engine.overrides import DELAY, FAULT, RULE, SEED, Override
from mockllm.engine.request_context import EngineContext
from mockllm.engine.session_id import PREFIX, SESSION
from mockllm.state import SessionView, State


class RequestReader:
    """Reads the requests that have one head."""

    __slots__ = ("_facts", "_kind", "_override", "_routing", "_session", "_shared", "_state", "_wrong")

    def __init__(
        self,
        method: str,
        path: str,
        query_string: str,
        headers: Mapping[str, str],
        *,
        state: State,
        shared: ResponseLookup,
        volatile: frozenset[str],
        override: Callable[[Mapping[str, str], SessionView | None], Override | Failure],
    ) -> None:
        """`path` is as on the wire; `headers` are looked up without regard to case; `shared` looks up what is
        stored of the session that all requests without a session share; `override` reads the overrides of
        headers."""
        named, wrong = headers.get(SESSION), None
        if named is not None or path.startswith(PREFIX):
            named, path, wrong = session_id.named(named, path)
        found = find(method, path, headers, query_string)
        self._kind: type[Request] = found.dialect.request if isinstance(found, RouteMatch) else Request
        self._routing = found
        self._state = state
        self._shared = shared
        self._session = named
        self._wrong = wrong
        asks = SEED in headers or FAULT in headers or DELAY in headers or RULE in headers
        self._override = override if asks else None
        self._facts: dict[str, Any] = {
            "method": method,
            "path": found.path,
            "headers": headers,
            "query_string": query_string,
            "provider": found.provider,
            "route": found.route if isinstance(found, RouteMatch) else {},
            "session": named,
            "context": EngineContext(found, wrong),
        }
        if volatile != VOLATILE:
            self._facts["volatile"] = volatile

    def read(self, raw: bytes, client: str, now: float) -> Request:
        """Return the request with this body, as its dialect reads it; a plain request outside every protocol.
        `raw` is inflated; `now` is in seconds since the epoch."""
        if self._session is None and self._override is None:
            return self._kind.of(self._facts, raw, client, now, self._shared)
        held = None if self._session is None else self._state.session(self._session, now)
        recall = self._shared if held is None else held.recall
        request = self._kind.of(self._facts, raw, client, now, recall)
        if self._wrong is None:
            if self._override is not None:
                override = self._override(request.headers, held)
                request.context = EngineContext(self._routing, override)
            elif held is not None and held.seed is not None:
                request.context = EngineContext(self._routing, Override(held.seed))
        return request
