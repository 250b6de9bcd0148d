"""The engine of a test's server: it answers by what the test has said so far, and keeps every request.

What a test adds is compiled when the next request comes: ten rules cost one compilation, and a server that is
never asked costs none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct, field

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.engine import Engine, EngineInfo, PlannedResponse
from mockllm.engine.session_id import PREFIX, SESSION, named, without
from mockllm.scenario.compiler import compile_catalog, finished
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.typed_entries import TypedEntry
from mockllm.server.access_log import AccessLog, AccessLogRecord
from mockllm.server.engine_builder import Broken
from mockllm.state import State
from mockllm.testing.catalog_cache import CompiledBase, compiled_base
from mockllm.testing.code_rules import CodeRules, merged
from mockllm.testing.received_request import Received

KEPT: Final = 10_000
"""So many requests are kept; the oldest go first."""


class RuleStack(Struct, dict=True):
    """What answers: the additions, newest first, over files and packs. A session's stands over its server's."""

    wanted: ScenarioSources
    below: RuleStack | None = None
    additions: list[CodeRules] = field(default_factory=list)
    version: int = 0

    def __post_init__(self) -> None:
        below = self.below
        self.base: CompiledBase = (
            compiled_base(self.wanted) if below is None or self.wanted != below.wanted else below.base
        )

    @property
    def versions(self) -> int:
        """Grows whenever anything changes."""
        return self.version + (0 if self.below is None else self.below.versions)

    @property
    def all_additions(self) -> list[CodeRules]:
        """The oldest first, those of the server below those of a session."""
        return [*(() if self.below is None else self.below.all_additions), *self.additions]

    @property
    def entries(self) -> Sequence[TypedEntry]:
        return merged(self.base.entries, self.all_additions)[0]

    def add(self, addition: CodeRules) -> None:
        """Puts it above all others. Broken where it cannot be."""
        if addition.typing.switched or any(each.spec.replaces is not None for each in addition.entries):
            mistakes = merged(self.base.entries, [*self.all_additions, addition])[1]
            if mistakes:
                raise Broken(mistakes)
        self.additions.append(addition)
        self.version += 1

    def serve(self, wanted: ScenarioSources) -> None:
        """Other files and packs below the additions. Broken where they have mistakes."""
        self.base, self.wanted = compiled_base(wanted), wanted
        self.version += 1


class RecordingReader(NamedTuple):
    """Reads the requests that have this head, by the engine that answers each when it comes."""

    watching: RecordingEngine
    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]

    def read(self, raw: bytes, client: str, now: float) -> Request:
        engine = self.watching.turn_to(self.path, self.headers)
        return engine.read(self.method, self.path, self.query_string, self.headers, raw, client, now)


class RecordingEngine:
    """See `server.answering.Engine`. A session that has a stage of its own is answered by that."""

    def __init__(self, stage: RuleStack, make: Callable[[RuleStack], Engine], kept: int = KEPT) -> None:
        """`make` gives the engine of a stage, as it is now."""
        self._make = make
        self._stage = stage
        self._sessions: dict[str, RuleStack] = {}
        self._engines: dict[int, tuple[int, Engine]] = {}
        self._current: Engine | None = None
        self._path = ""
        self.received: deque[Received] = deque(maxlen=kept)
        self.total = 0
        """How many there ever were."""
        self._open: dict[int, Received] = {}

    def open(self, session: str, stage: RuleStack) -> None:
        """This session is answered by a stage of its own."""
        self._sessions[session] = stage

    def close(self, session: str) -> None:
        """What stands for the session is forgotten; what came is kept."""
        stage = self._sessions.pop(session, None)
        if stage is not None:
            self._engines.pop(id(stage), None)

    def request_reader(
        self, method: str, path: str, query_string: str, headers: Mapping[str, str]
    ) -> RecordingReader:
        return RecordingReader(self, method, path, query_string, headers)

    def turn_to(self, path: str, headers: Mapping[str, str]) -> Engine:
        """The engine of the stage that answers what has this head; the request is answered in the same turn
        of the loop."""
        stage = self._stage
        if self._sessions:
            session = named(headers.get(SESSION), path)[0]
            stage = self._sessions.get(session or "", stage)
        self._current = self._engine(stage)
        self._path = without(path)[1] if path.startswith(PREFIX) else path
        return self._current

    def respond(self, request: Request) -> PlannedResponse:
        """In the same turn of the loop in which the request was read."""
        assert self._current is not None
        return self._seen(request, self._current.respond(request))

    def refuse(self, failure: Failure, request: Request) -> PlannedResponse:
        assert self._current is not None
        return self._seen(request, self._current.refuse(failure, request))

    def info(self) -> EngineInfo:
        return self._engine(self._stage).info()

    @property
    def engine(self) -> Engine:
        """What answers now, but for sessions that have a stage of their own."""
        return self._engine(self._stage)

    def ended(self, record: AccessLogRecord, request: Request | None) -> None:
        """The answer to a request has ended."""
        received = self._open.pop(id(request), None)
        if received is not None:
            received.ended = record
            received.status = record.status  # another than was planned where another server has answered

    def _seen(self, request: Request, answer: PlannedResponse) -> PlannedResponse:
        received = Received(request, answer, self._path)
        self._open[id(request)] = received
        self.received.append(received)
        self.total += 1
        return answer

    def _engine(self, stage: RuleStack) -> Engine:
        version = stage.versions  # asked first: what is added meanwhile is found the next time
        known = self._engines.get(id(stage))
        if known is None or known[0] != version:
            known = self._engines[id(stage)] = version, self._make(stage)
        return known[1]


class Ends(AccessLog):
    """Hears of every answer that has ended, in the place of the live lines."""

    def __init__(self, watching: RecordingEngine) -> None:
        super().__init__(lambda line: None)
        self._watching = watching

    def show(self, record: AccessLogRecord, request: Request | None = None) -> None:
        self._watching.ended(record, request)


def engine_of(stage: RuleStack, state: State, *, seed: int, longest: float, max_generated: int) -> Engine:
    """An engine for a stage as it is now."""
    catalog = stage.base.catalog
    if stage.all_additions:
        catalog = finished(compile_catalog(stage.entries, catalog))
    return Engine(catalog, state, seed=seed, longest=longest, max_generated=max_generated, overrides=True)
