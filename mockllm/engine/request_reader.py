"""Reads requests: the head's call, session and overrides. A `Request` has the bytes of its body, and parses them when
they are needed.

Many requests have the same head, so a server makes one reader for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, cast

from mockllm.core.failure import Failure
from mockllm.core.redaction import Redactor, secrets_of
from mockllm.core.request.body_fields import VOLATILE
from mockllm.core.request.mcp_server import McpServer
from mockllm.core.request.request import PER_REQUEST_ATTRIBUTES, read_query
from mockllm.core.request.server_address import SESSION_PREFIX
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.dialects.router import Routing, find_route
from mockllm.engine.engine_request import (
    EngineRequest,
    attributes_of_route,
    engine_request_class,
    often_read_attributes,
)
from mockllm.engine.override_headers import NON_OVERRIDING_HEADERS, OWN_PREFIX, Override, nearest_own_header
from mockllm.engine.repeated_requests import (
    MAX_BODY_BYTES,
    RepeatedRequest,
    RepeatedRequestKey,
    RepeatedRequests,
)
from mockllm.engine.session_id import SESSION_HEADER, read_session
from mockllm.state.engine_state import EngineState, Session

_SHORT_QUERY: Final = 256
"""Characters of a query that is read with its head. A longer one is read when something needs it: that takes long."""


class ReaderInputs(NamedTuple):
    """What all readers of one engine have in common. `lookup_without_session` finds what is stored for requests
    without a session. `volatile` are the body's fields that its hash leaves out. `read_override` reads the
    overrides in the headers. `mcp_servers` are the loaded ones."""

    state: EngineState
    lookup_without_session: ObjectLookup
    volatile: frozenset[str]
    read_override: Callable[[Mapping[str, str], Session | None], Override | Failure]
    mcp_servers: Mapping[str, McpServer]
    root_provider: str | None
    """The provider that a scenario file names: its routes come first, and need no prefix."""
    repeated_requests: RepeatedRequests
    """The small requests that came several times."""


def _prefix_of(path: str, routing: Routing) -> str:
    """Return the provider's prefix of a path, such as `/groq`; empty where it has none."""
    prefix = f"/{routing.provider}"
    return prefix if len(path) > len(routing.path) and path.startswith(f"{prefix}/") else ""


def _has_override(headers: Mapping[str, str]) -> bool:
    """Return whether a header overrides a part of the response, or has almost the name of any header of this
    server."""
    names = "\n".join(headers).lower()
    return OWN_PREFIX in names and any(
        name.startswith(OWN_PREFIX)
        and name not in NON_OVERRIDING_HEADERS
        and nearest_own_header(name) is not None
        for name in names.split("\n")
    )


class RequestReader:
    """Reads all requests with one head. Their connections have TLS, or none has (`over_tls`).

    `_request_of` makes a request from a dict of attributes. `_head_identity` is the head in the keys of repeated
    requests. `_repeated_requests` is None for a call that does not generate, and for an invalid session. It is also
    None for a head that no other request is likely to have (`is_unique`). It is not used for the first request (until
    `_has_read`), in a session, or with an override."""

    __slots__ = (
        "_attributes",
        "_has_read",
        "_head_identity",
        "_lookup_without_session",
        "_read_override",
        "_repeated_requests",
        "_request_of",
        "_session",
        "_session_failure",
        "_state",
    )

    def __init__(
        self,
        method: str,
        path: str,
        query_string: str,
        headers: Mapping[str, str],
        reader_inputs: ReaderInputs,
        over_tls: bool,
    ) -> None:
        """Read the head: `path` as on the wire, `headers` found by lower-case names."""
        session, error = headers.get(SESSION_HEADER), None
        if session is not None or path.startswith(SESSION_PREFIX):
            session, path, error = read_session(session, path)
        routing = find_route(method, path, headers, query_string, reader_inputs.root_provider, over_tls)
        request_class = engine_request_class(routing)
        self._request_of, self._head_identity = request_class.of, object()
        may_repeat = request_class.generates and not error
        self._repeated_requests = reader_inputs.repeated_requests if may_repeat else None
        self._state, self._lookup_without_session = reader_inputs.state, reader_inputs.lookup_without_session
        self._session, self._session_failure, self._has_read = session, error, False
        self._read_override = reader_inputs.read_override if _has_override(headers) else None
        self._attributes: dict[str, object] = {
            "method": method,
            "path_prefix": _prefix_of(path, routing),
            "headers": headers,
            "over_tls": over_tls,
            "query_string": query_string,
            "session": session,
            "override_or_failure": error,  # the failure of an invalid session; `read` sets what the headers override
            **attributes_of_route(routing),
            **often_read_attributes(request_class),
            **PER_REQUEST_ATTRIBUTES,  # so that the copied dict does not grow
        }
        if len(query_string) <= _SHORT_QUERY:
            self._attributes["query"] = read_query(query_string)
        if request_class.is_for_mcp_server:
            self._attributes["mcp_servers"] = reader_inputs.mcp_servers
        if reader_inputs.volatile != VOLATILE:
            self._attributes["volatile"] = reader_inputs.volatile

    def with_headers(self, headers: Mapping[str, str], *, is_unique: bool = False) -> RequestReader:
        """Return a reader for a head that differs only in headers that this reader does not evaluate. `is_unique`: a
        single request has the head, so none is repeated. It copies the attributes itself: `copy.copy` takes five
        times as long. Each request of an agent needs such a reader, since its body has another length."""
        reader = RequestReader.__new__(RequestReader)
        reader._attributes, reader._head_identity = {**self._attributes, "headers": headers}, object()
        reader._session_failure, reader._session = self._session_failure, self._session
        reader._read_override = self._read_override
        reader._request_of = self._request_of
        reader._repeated_requests = None if is_unique else self._repeated_requests
        reader._has_read = self._has_read
        reader._state, reader._lookup_without_session = self._state, self._lookup_without_session
        return reader

    def read(
        self,
        raw: bytes,
        client_address: str,
        now: float,
        monotonic: float | None = None,
        *,
        uses_session: bool = True,
    ) -> EngineRequest:
        """Return the request with this body, in its dialect's class. `raw` is decompressed; `now` is in seconds since
        the epoch, `monotonic` on a monotonic clock (by default `now`). `uses_session`: its session counts as used,
        and begins if it does not exist."""
        if monotonic is None:
            monotonic = now
        if self._session is None and self._read_override is None:
            attributes, repeated_requests = self._attributes, self._repeated_requests
            if not self._has_read:
                self._has_read = True
            elif repeated_requests is not None and repeated_requests.to_skip:
                repeated_requests.to_skip -= 1
            elif repeated_requests is not None and len(raw) <= MAX_BODY_BYTES:
                key = (self._head_identity, raw)
                known = repeated_requests.attributes_by_key.get(key)
                if known is not None:
                    attributes = known
                    repeated_requests.new_in_a_row = 0
                elif repeated_requests.has_come_before(key):
                    attributes = self._attributes_of_repeated(key)
            return self._request_of(
                attributes, raw, client_address, now, monotonic, self._lookup_without_session
            )
        return self._read_with_session_or_override(raw, client_address, now, monotonic, uses_session)

    def _read_with_session_or_override(
        self, raw: bytes, client_address: str, now: float, monotonic: float, uses_session: bool
    ) -> EngineRequest:
        """Return the request of a head with a session or an override."""
        if self._session is None:
            session, lookup = None, self._lookup_without_session
        elif uses_session:
            session = self._state.use_session(self._session, monotonic, now)
            lookup = session.lookup
        else:
            session, lookup = self._state.session(self._session, monotonic), self._state.lookup(self._session)
        request = self._request_of(self._attributes, raw, client_address, now, monotonic, lookup)
        if session is not None and uses_session and not session.redacted_id:
            self._set_redacted_id(session)
        if self._session_failure is None:
            if self._read_override is not None:
                request.override_or_failure = self._read_override(request.headers, session)
            elif session is not None and session.seed is not None:
                request.override_or_failure = Override(session.seed)
        return request

    def use_session(self, now: float, monotonic: float) -> None:
        """Record that the session of the head is used, and create it if it has ended: `read` does so, too. A request
        that was read some time ago needs this alone."""
        if self._session is not None:
            session = self._state.use_session(self._session, monotonic, now)
            if not session.redacted_id:
                self._set_redacted_id(session)

    def _set_redacted_id(self, session: Session) -> None:
        """Set `redacted_id`: the id of a new session, with the secrets of the head masked."""
        headers = cast(Mapping[str, str], self._attributes["headers"])
        secrets = secrets_of(headers.items(), f"?{self._attributes['query_string']}")
        session.redacted_id = Redactor(secrets).session(self._session or "")

    def _attributes_of_repeated(self, key: RepeatedRequestKey) -> dict[str, object]:
        """Return the attributes of a request of which an equal one came before. The engine computes from this request
        the attributes that later equal requests get."""
        repeated = RepeatedRequest(compute_from=(key, self._attributes))
        return {**self._attributes, "repeated": repeated}
