"""The engine of a test's server. It uses the rules that the test has added so far, and stores every request.

Added rules are compiled at the next request: ten rules cost one compilation, and a server without requests costs
none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import EMPTY_LOOKUP, ObjectLookup, StorageUpdate, StoredObject
from mockllm.engine import Engine, EngineInfo, PlannedResponse
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.request_reader import RequestReader
from mockllm.engine.session_id import SESSION_HEADER, path_without_session, read_session
from mockllm.engine.settings import EngineSettings
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.server.access_log import AccessLog, AccessLogRecord
from mockllm.state.engine_state import EngineState
from mockllm.state.fetched_objects import ObjectToFetch
from mockllm.testing.received_request import Received
from mockllm.testing.rule_stack import RuleStack

__tracebackhide__ = True  # a traceback shows the lines of the test only

MAX_RECEIVED: Final = 10_000
"""Maximum number of stored requests. The oldest are dropped first."""


class AddedRulesReader(NamedTuple):
    """Reads the requests with this head, with the engine that is current when each request arrives."""

    rules_engine: AddedRulesEngine
    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    over_tls: bool = False

    def with_headers(self, headers: Mapping[str, str], *, is_unique: bool = False) -> AddedRulesReader:
        return self._replace(headers=headers)

    def read(
        self,
        raw: bytes,
        client_address: str,
        now: float,
        monotonic: float | None = None,
        *,
        uses_session: bool = True,
    ) -> EngineRequest:
        reader = self._current_reader()
        return reader.read(raw, client_address, now, monotonic, uses_session=uses_session)

    def use_session(self, now: float, monotonic: float) -> None:
        self._current_reader().use_session(now, monotonic)

    def _current_reader(self) -> RequestReader:
        engine = self.rules_engine.engine_for(self.path, self.headers)
        head = (self.method, self.path, self.query_string, self.headers)
        return engine.request_reader(*head, over_tls=self.over_tls)


class AddedRulesEngine:
    """See `server.protocols.EngineProtocol`. A session with its own rule stack uses that stack."""

    def __init__(
        self, stack: RuleStack, make: Callable[[RuleStack], Engine], max_received: int = MAX_RECEIVED
    ) -> None:
        """`make` creates the engine of the current state of a stack."""
        self._make = make
        self._stack = stack
        self._sessions: dict[str, RuleStack] = {}
        self._engines: dict[int, tuple[int, Engine]] = {}
        self._current: Engine | None = None
        self._path = ""
        self._stack_in_use = stack
        self.received: deque[Received] = deque(maxlen=max_received)
        self.total = 0
        """Number of requests so far, with dropped ones."""
        self._open: dict[int, Received] = {}

    def open(self, session: str, stack: RuleStack) -> None:
        """Use a separate stack for a session. Raise ValueError for a session that is open already."""
        if session in self._sessions:
            raise ValueError(f"the session {session!r} is open already: close it first, or leave out its id")
        self._sessions[session] = stack

    def is_open(self, session: str, stack: RuleStack | None = None) -> bool:
        """Return whether a session has a separate stack, or this one."""
        found = self._sessions.get(session)
        return found is not None and (stack is None or found is stack)

    def close(self, session: str, stack: RuleStack) -> None:
        """Remove the stack of a session; not that of a later one with the same id. Its requests stay stored."""
        if self.is_open(session, stack):
            del self._sessions[session]
        self._engines.pop(id(stack), None)

    def request_reader(
        self, method: str, path: str, query_string: str, headers: Mapping[str, str], *, over_tls: bool = False
    ) -> AddedRulesReader:
        return AddedRulesReader(self, method, path, query_string, headers, over_tls)

    def engine_for(self, path: str, headers: Mapping[str, str]) -> Engine:
        """Return the engine for requests with this head. The request must be processed in the same iteration of the
        loop."""
        stack = self._stack
        if self._sessions:
            session = read_session(headers.get(SESSION_HEADER), path)[0]
            stack = self._sessions.get(session or "", stack)
        self._current = self._engine(stack)
        self._path = path_without_session(path)
        self._stack_in_use = stack
        return self._current

    def read_ahead(self, request: EngineRequest) -> None:
        """Read nothing: `begin_response` reads it, with the engine of that moment."""

    def begin_response(self, request: EngineRequest, *, deferrable: bool = True) -> PlannedResponse:
        """Return the response, in the same iteration of the loop in which the request was read. It is never deferred:
        the test waits for it in any case."""
        assert self._current is not None
        return self._store(request, self._current.respond(request))

    def stored(self, session: str, id: str) -> StoredObject | ObjectToFetch | None:
        return self._engine(self._sessions.get(session, self._stack)).stored(session, id)

    def apply_storage_update(
        self, session: str, update: StorageUpdate, read_lookup: ObjectLookup = EMPTY_LOOKUP
    ) -> bool:
        return self._engine(self._sessions.get(session, self._stack)).apply_storage_update(
            session, update, read_lookup
        )

    def serves(self, request: EngineRequest) -> bool:
        assert self._current is not None
        return self._current.serves(request)

    def refuse(self, failure: Failure, request: EngineRequest) -> PlannedResponse:
        assert self._current is not None
        return self._store(request, self._current.refuse(failure, request))

    def info(self) -> EngineInfo:
        return self._engine(self._stack).info()

    @property
    def engine(self) -> Engine:
        """The current engine, except for sessions with their own stack."""
        return self._engine(self._stack)

    def ended(self, record: AccessLogRecord, request: Request | None) -> None:
        """Store the record of a response that has ended."""
        received = self._open.pop(id(request), None)
        if received is not None:
            received.ended = record
            received.status = record.status  # differs from the plan if an upstream responded

    def _store(self, request: EngineRequest, response: PlannedResponse) -> PlannedResponse:
        received = Received(request, response, self._path, self._stack_in_use)
        self._open[id(request)] = received
        self.received.append(received)
        self.total += 1
        return response

    def _engine(self, stack: RuleStack) -> Engine:
        version = stack.versions  # read first: a later addition is found the next time
        cached = self._engines.get(id(stack))
        if cached is None or cached[0] != version:
            cached = self._engines[id(stack)] = version, self._make(stack)
        return cached[1]


class Ends(AccessLog):
    """Receives the record of every ended response, in place of the access log."""

    def __init__(self, rules_engine: AddedRulesEngine) -> None:
        super().__init__(lambda line: None)
        self._rules_engine = rules_engine

    def show(self, record: AccessLogRecord, request: Request | None = None) -> None:
        self._rules_engine.ended(record, request)


def create_engine(stack: RuleStack, state: EngineState, settings: EngineSettings) -> Engine:
    """Create an engine for the current state of a stack."""
    catalog = stack.base.catalog
    if stack.all_additions:
        catalog = run_steps(compile_catalog(stack.entries, catalog))
    return Engine(catalog, state, settings)
