"""The interfaces that the server uses: engine, request reader, store client and control API.

`StoreClientProtocol` is the interface of `StoreClient`, for example. In `server`, the name of an interface ends with
`Protocol` only if a class of mockllm has the name before it. All others name what a class has to do (`Sink`,
`Clock`).

An engine is synchronous and has no I/O. No request makes it fail. It returns an ObjectToFetch where it needs an
object that another process may have. A reload replaces one engine by another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.stored_objects import EMPTY_LOOKUP, ObjectLookup, StorageUpdate, StoredObject
from mockllm.core.selection.decision import Decision, DecisionInputs
from mockllm.engine import EngineInfo, EngineRequest, PlannedResponse

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from mockllm.engine import DeferredResponse, UndecidedResponse
    from mockllm.state.fetched_objects import FetchedObject, ObjectToFetch, StorageConflict


class ProxyFailed(Exception):
    """The provider did not respond to a request. `failure` is what the client gets instead."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class RequestReaderProtocol(Protocol):
    """Reads the requests that have one head."""

    def read(
        self,
        raw: bytes,
        client_address: str,
        now: float,
        monotonic: float | None = None,
        *,
        uses_session: bool = True,
    ) -> EngineRequest:
        """Return the request as its dialect reads it. `raw` is decompressed; `client_address` is the peer's, without
        its port; `now` is in seconds since the epoch, `monotonic` on the clock of the deadlines. `uses_session`: its
        session counts as used, and begins if it does not exist."""

    def use_session(self, now: float, monotonic: float) -> None:
        """Record that the session of the head is used, and create it if it has ended: `read` does so, too."""

    def with_headers(self, headers: Mapping[str, str], *, is_unique: bool = False) -> RequestReaderProtocol:
        """Return the reader of a head that differs only in the length of the body, or in values of headers. The
        route does not depend on these. `is_unique`: a single request has the head."""


class EngineProtocol(Protocol):
    """Responds to requests. An instance is immutable except for its state and its caches."""

    def request_reader(
        self, method: str, path: str, query_string: str, headers: Mapping[str, str], *, over_tls: bool = False
    ) -> RequestReaderProtocol:
        """Return the reader of the requests that have this head. `path` and `query_string` are as on the wire
        (percent-encoded, the path without the query); `headers` are looked up by lower-case names. `over_tls`:
        whether the connection has TLS."""

    def read_ahead(self, request: EngineRequest) -> None:
        """Read what the decision on a long request needs. Another thread may do it: only the request and caches
        change, and nothing is counted."""

    def begin_response(
        self, request: EngineRequest, *, deferrable: bool = True
    ) -> PlannedResponse | DeferredResponse | UndecidedResponse | ObjectToFetch:
        """Decide and plan, and begin to store what the response stores. A `PlannedResponse` is complete; each other
        result says what is left to do. A response is deferred only with `deferrable`."""

    def serves(self, request: EngineRequest) -> bool:
        """Return whether a provider has the path, or would have it with a prefix, or a rule matches, even one that a
        guard blocks. Nothing is counted."""

    def refuse(self, failure: Failure, request: EngineRequest) -> PlannedResponse:
        """Plan a response of the server itself: the failure in the provider's envelope. The request is too large, too
        slow or too deep, for example, or the store fails. `refuse` itself matches no rule and counts nothing."""

    def stored(self, session: str, id: str) -> StoredObject | ObjectToFetch | None:
        """Return what is stored under an id, in this process or elsewhere."""

    def apply_storage_update(
        self, session: str, update: StorageUpdate, read_lookup: ObjectLookup = EMPTY_LOOKUP
    ) -> bool:
        """Store what changes without a request, if nothing of what `read_lookup` has found was changed meanwhile.
        Return False where it is too large."""

    def info(self) -> EngineInfo:
        """Return what `/` and `/health` report of the loaded scenarios."""


class PendingDecisionProtocol(Protocol):
    """A decision that the store is making."""

    decision: Decision | Failure | None
    """None until it is made; a failure for the client where no decision can be made."""

    async def wait(self) -> Decision | Failure:
        """Return the decision. `on_ready` is not called any more."""

    def abandon(self) -> None:
        """Free what the decision has taken, or may take: its client has disconnected."""


class CountingRounds(Protocol):
    """Counts the requests of one iteration of the event loop together, where several processes share the counts."""

    def begin_round(self, requests: int) -> None:
        """Begin a round of at most so many requests."""

    def end_round(self) -> None:
        """Count the requests of the round, before their responses are written."""


class StoreClientProtocol(Protocol):
    """Lets the store decide the requests whose counts it has, fetches stored objects, and confirms storage."""

    def begin(self, inputs: DecisionInputs, on_ready: Callable[[], object]) -> PendingDecisionProtocol:
        """Begin to decide and count, in one step. `on_ready` is called when the decision is made, or a task has to
        wait for it. It may be called before this method returns."""

    async def fetch(self, to_fetch: ObjectToFetch) -> FetchedObject | Failure:
        """Return an object that is not in this process."""

    def take_storage_confirmation(self) -> Awaitable[Failure | StorageConflict | None] | None:
        """Return an awaitable that completes when the last response is stored: with None, or with what prevents it.
        Return None where nothing was to be stored."""

    @property
    def max_store_seconds(self) -> float:
        """The most seconds that a wait for the store takes."""

    def status(self) -> str | None:
        """Return what is wrong with the store, as one line: empty if nothing is, None without a store."""


class ControlApiProtocol(Protocol):
    """Responds to the calls whose paths `request_target.is_control_path` names. `loaded`: whether it can respond
    without `load`."""

    loaded: bool

    def load(self) -> None:
        """Import the modules of all calls, which takes some hundred milliseconds. Any thread may do it."""

    def knows(self, path: str) -> bool:
        """Return whether it has a path, with any method."""

    async def respond(
        self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes, client_address: str
    ) -> Plan:
        """Return the response to a call, which may be an error."""

    async def follow(
        self, request: BaseRequest, headers: Mapping[str, str], client_address: str
    ) -> Plan | None:
        """Send the live feed to a client until it disconnects. Return an error response if the client may not, or
        cannot, follow it."""

    def refuse(self, failure: Failure) -> Plan:
        """Return the response to a call that the server itself refuses."""

    def close(self) -> None:
        """End the live feed: the server stops."""
