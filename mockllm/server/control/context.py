"""The state that the handlers of the control API read and change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.dialects.price import Price
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.known_names import KnownNames
from mockllm.server.control.problem import Problem
from mockllm.server.deadlines import Deadlines
from mockllm.server.held_responses import HeldResponses
from mockllm.server.journal.entry import endpoint
from mockllm.server.journal.journal import Journal
from mockllm.server.metrics import NONE, Metrics
from mockllm.server.overlay_store import OverlayStore
from mockllm.server.protocols import EngineProtocol
from mockllm.server.scenario_editor import ScenarioEditor
from mockllm.server.serving_metrics import AllServingMetrics
from mockllm.state.engine_state import EngineState

if TYPE_CHECKING:
    from mockllm.server.control.costs import CostCounters
    from mockllm.server.http_server import Address
    from mockllm.store.named_states import NamedState


class ControlledApp(Protocol):
    """The part of an app that the control API uses."""

    @property
    def journal(self) -> Journal: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def engine(self) -> EngineProtocol: ...
    @property
    def responses_in_flight(self) -> Mapping[type[Request], int]: ...
    @property
    def held_responses(self) -> HeldResponses: ...
    @property
    def serving_metrics(self) -> AllServingMetrics: ...
    @property
    def deadlines(self) -> Deadlines: ...


class OtherProcesses(Protocol):
    """The processes whose journals, metrics and counts the control API shows as one."""

    async def collect(self) -> None:
        """Get what they have served up to now."""

    @property
    def count_changes(self) -> int:
        """How often calls have changed counts so far."""

    async def conclude(self, before: int) -> None:
        """Wait until they know what a call has changed. `before`: the changes of counts before the call."""

    def require_sessions(self) -> None:
        """Raise a Problem where they have no sessions."""

    async def has_session(self, id: str) -> bool | None:
        """Return whether they have anything of a session; None if their store is away."""

    async def named_states(self, catalog: Catalog, sessions: Iterable[str]) -> Iterable[NamedState]:
        """Return the named states that the rules of a catalog have set, without a session and in these."""

    @property
    def store_problem(self) -> str | None:
        """Why the store of their counts is away; None if it is not, or if they have none."""


class ControlContext:
    """The controlled app, its settings, and the functions that only the command line can supply.

    `explain` takes a request as `mockllm explain` takes one, and an engine.
    """

    def __init__(
        self,
        app: ControlledApp,
        *,
        known_names: KnownNames | None = None,
        explain: Callable[[bytes, Engine], Awaitable[Json]] | None = None,
        reload: Callable[[], Awaitable[object]] | None = None,
        overlays: OverlayStore | None = None,
        folder: str | None = None,
        editor: ScenarioEditor | None = None,
    ) -> None:
        self._app = app
        self.known_names = known_names or KnownNames()
        self.explain = explain
        self.reload = reload
        self.overlays = overlays
        self.folder = folder
        """The user's scenario folder, which need not exist."""
        self.editor = editor
        self.settings: dict[str, dict[str, Json]] = {}
        """Settings by endpoint; an empty name means all endpoints."""
        self.resets = 0
        """Number of resets of counters that rules use."""
        self.prices: Mapping[str, Price] = {}
        """The user's own prices, by the beginning of a model's name."""
        self.proxy_hosts: frozenset[str] = frozenset()
        """The hosts of --proxy-allow, in lower case."""
        self.provider_address: Address | None = None
        """Where the provider routes are, if the control API has its own port."""
        self.costs: CostCounters | None = None
        """The costs that `/metrics` shows; None before the first scrape."""
        self._expiry: OverlayExpiry | None = None
        self.other_processes: OtherProcesses | None = None
        """The processes that serve requests beside this one, or instead of it."""
        self.engine.state.on_end.append(self.held_responses.forget)

    @property
    def store_problem(self) -> str | None:
        """Why the store of other processes is away; None if it is not, or if there is none."""
        return None if self.other_processes is None else self.other_processes.store_problem

    async def has_session(self, id: str) -> bool | None:
        """Return whether a session is in use, or has an overlay; None if the store of other processes is away."""
        if id in self.sessions:
            return True
        return False if self.other_processes is None else await self.other_processes.has_session(id)

    async def named_states(self) -> Iterable[NamedState]:
        """Return the named states that rules have set: session, name and value."""
        state = self.engine.state
        if self.other_processes is None:
            return state.named_states()
        return await self.other_processes.named_states(self.engine.catalog, state.sessions())

    async def collect(self) -> None:
        """Get what other processes have served up to now."""
        if self.other_processes is not None:
            await self.other_processes.collect()

    @property
    def count_changes(self) -> int:
        """How often calls have changed counts of other processes so far."""
        return 0 if self.other_processes is None else self.other_processes.count_changes

    async def conclude(self, before: int) -> None:
        """As that of other processes, where there are some."""
        if self.other_processes is not None:
            await self.other_processes.conclude(before)

    @property
    def metrics(self) -> Metrics:
        return self._app.metrics

    @property
    def serving_metrics(self) -> AllServingMetrics:
        return self._app.serving_metrics

    @property
    def now(self) -> float:
        """The time on the clock of the deadlines."""
        return self._app.deadlines.time()

    @property
    def held_responses(self) -> HeldResponses:
        """The places where responses wait for their release."""
        return self._app.held_responses

    @property
    def in_flight(self) -> int:
        """Number of responses that are being played."""
        return sum(self._app.responses_in_flight.values())

    @property
    def in_flight_by_endpoint(self) -> dict[str, int]:
        """Number of responses that are being played, by endpoint."""
        counts: dict[str, int] = {}
        for kind, count in self._app.responses_in_flight.items():
            name = endpoint(kind) or NONE
            counts[name] = counts.get(name, 0) + count
        return {name: count for name, count in counts.items() if count}

    @property
    def journal(self) -> Journal:
        return self._app.journal

    @property
    def engine(self) -> Engine:
        return cast(Engine, self._app.engine)

    @property
    def sessions(self) -> Sequence[str]:
        """The ids of all used sessions and of all sessions with an overlay."""
        overlays = () if self.overlays is None else self.overlays.sessions
        return tuple(dict.fromkeys((*self.engine.state.sessions(), *overlays)))

    def require_overlays(self) -> OverlayStore:
        """Return the overlays. Raises Problem where the server has none."""
        if self.overlays is None:
            raise Problem(501, "This server has no overlay: the test that started it adds the rules.")
        return self.overlays

    def require_editor(self) -> ScenarioEditor:
        """Return the editor of the scenario folder. Raises Problem where the server has none."""
        if self.editor is None:
            raise Problem(501, "This server has no scenario folder: the test that started it adds the rules.")
        return self.editor

    def require_sessions(self) -> None:
        """Raise a Problem where no request has a session."""
        if self.other_processes is not None:
            self.other_processes.require_sessions()

    def use_session(self, id: str) -> None:
        """Mark a session with an overlay as used now; its overlay ends with the session."""
        self.engine.state.use_session(id, time.monotonic(), time.time())
        if self._expiry is None and self.overlays is not None:
            self._expiry = OverlayExpiry(self.engine.state, self.overlays)
        if self._expiry is not None:
            self._expiry.schedule()

    async def forget(self, kind: str) -> None:
        """Discard what `/api/reset` names."""
        if kind == "state":
            self.resets += 1
            self.engine.state.reset()
            self.held_responses.forget([""])
            if self.overlays is not None:  # a session's overlay ends with it
                await self.overlays.drop(self.overlays.sessions)
        elif kind == "journal":
            self.journal.clear()
        elif kind == "metrics":
            self.journal.count_cached()
            self.metrics.reset()
            if self.costs is not None:
                self.costs.reset(max((entry.number for entry in self.journal), default=0))
        elif self.overlays is not None:
            await self.overlays.clear(all=True)
            self.settings = {}


MAX_INTERVAL: Final = 5.0
"""Longest interval in seconds between two searches for expired sessions with an overlay."""


class OverlayExpiry:
    """Drops the overlays of sessions that end; while a session has an overlay, it searches for expired sessions."""

    def __init__(self, state: EngineState, overlays: OverlayStore) -> None:
        self._state = state
        self._overlays = overlays
        self._timer: asyncio.TimerHandle | None = None
        self._drops: set[asyncio.Task[None]] = set()
        state.on_end.append(self._drop)

    def schedule(self) -> None:
        """Schedule the next search, unless one is scheduled."""
        if self._timer is None:
            interval = max(0.1, min(MAX_INTERVAL, self._state.unused_timeout))
            self._timer = asyncio.get_running_loop().call_later(interval, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self._state.expire(time.monotonic())
        if self._overlays.sessions:
            self.schedule()

    def _drop(self, ids: Sequence[str]) -> None:
        ended = [id for id in ids if id in self._overlays.sessions]
        if ended:
            task = asyncio.get_running_loop().create_task(self._overlays.drop(ended))
            self._drops.add(task)
            task.add_done_callback(self._drops.discard)
