"""A mock server inside a test: `with MockLLM() as server: server.reply("Hi")`.

It listens on a free port. Its rules are written in the scenario language: in files, in packs, or by the methods of
`testing.mock_base`. A later call of such a method has priority over earlier ones.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from mockllm.core.time_scale import ScenarioClock
from mockllm.engine import Engine
from mockllm.engine.near_misses import NOT_FOUND
from mockllm.engine.session_id import read_session
from mockllm.engine.settings import EngineSettings
from mockllm.server.app import App
from mockllm.server.engine_builder import Broken
from mockllm.server.http_server import Address
from mockllm.server.journal.journal import Journal
from mockllm.server.metrics import Metrics
from mockllm.server.server_limits import ServerLimits
from mockllm.state.engine_state import EngineState
from mockllm.testing.added_rules_engine import MAX_RECEIVED, AddedRulesEngine, Ends, create_engine
from mockllm.testing.arguments import check_arguments
from mockllm.testing.loop_thread import Hosted, SwitchedClock
from mockllm.testing.mock_base import MockBase, scenario_sources
from mockllm.testing.rule_stack import RuleStack

if TYPE_CHECKING:
    from mockllm.server.control.api import ControlApi

__tracebackhide__ = True  # a traceback shows the lines of the test only

Paths: TypeAlias = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"

DEFAULT_MAX_DELAY: Final = 60.0


class MockLLM(MockBase):
    """A mock server on a free port of this machine. Use `with`, `async with`, or `start` and `stop`."""

    def __init__(
        self,
        scenarios: Paths = (),
        packs: str | Sequence[str] = (),
        params: Mapping[str, object] | None = None,
        seed: int = 0,
        strict: bool = False,
        *,
        all_used: bool = False,
        port: int = 0,
        max_delay: float = DEFAULT_MAX_DELAY,
        time_scale: float = 1.0,
        miss_status: int = NOT_FOUND,
        limits: ServerLimits | None = None,
    ) -> None:
        """`scenarios`: files and folders, the first one has priority; `packs`: names of packs;
        `params`: values of their parameters (`climate` or `weather.climate`). `strict`: warnings about the files
        are errors, and so are unmatched requests, when the server stops; `all_used`: so are unused rules of one's
        own. `port`: 0 selects a free port. `max_delay` (seconds), `time_scale`, `miss_status` (from 400 to 599) and
        `limits` are as for `mockllm serve`. Raise Broken for mistakes in the files, ValueError for a bad
        number or type."""
        check_arguments(strict=strict, all_used=all_used, port=port, max_delay=max_delay, limits=limits)
        check_arguments(seed=seed, miss_status=miss_status, time_scale=time_scale)
        self._stack = RuleStack(scenario_sources(scenarios, packs, {} if params is None else params))
        if strict and self._stack.base.warnings:
            raise Broken(self._stack.base.warnings)
        self._names = itertools.count(1)
        self.seed = seed
        self.strict = strict
        self.all_used = all_used
        self.time_scale = time_scale
        self._limits = limits or ServerLimits()
        self._settings = _engine_settings(seed, max_delay, self._limits.generated, miss_status, time_scale)
        self._address = Address("127.0.0.1", port)
        self._state = EngineState()
        self._added_rules = AddedRulesEngine(self._stack, self._engine, MAX_RECEIVED)
        self._hosted: Hosted | None = None
        self._sessions = itertools.count(1)
        self._opened: list[MockSession] = []
        """All sessions so far, for `all_used`."""

    @property
    def _rules_engine(self) -> AddedRulesEngine:
        return self._added_rules

    @property
    def base_url(self) -> str:
        return self._running.address.url

    @property
    def port(self) -> int:
        return self._running.address.port

    def start(self) -> Self:
        """Start to listen. Raise CannotListen if the port is in use, RuntimeError if the server runs already."""
        if self._hosted is not None:
            raise RuntimeError("this server runs already")
        app = App(
            self._added_rules, limits=self._limits, access_log=Ends(self._added_rules), clock=SwitchedClock
        )
        app.make_control = partial(create_control_api, app, self._added_rules)
        self._hosted = Hosted(app, self._address)
        return self

    def stop(self) -> None:
        """Stop at once and cut the responses in flight. The received requests stay available."""
        hosted, self._hosted = self._hosted, None
        if hosted is not None:
            hosted.stop()

    def check(self) -> None:
        """Raise AssertionError for unmatched requests (`strict`) and unused rules (`all_used`), those of sessions
        included."""
        problems = self.complaints(unmatched=self.strict, unused=self.all_used)
        for session in self._opened:
            problems += session.complaints(unmatched=False, unused=self.all_used)
        if problems:
            raise AssertionError("\n".join(problems))

    def session(
        self,
        id: str | None = None,
        *,
        scenarios: Sequence[str] | None = None,
        packs: Sequence[str] | None = None,
        params: Mapping[str, object] | None = None,
        seed: int | None = None,
        time_scale: float | None = None,
    ) -> MockSession:
        """Create a session of this server with separate counts, rules, requests and base URL. Use `with`, or `close`
        it. `scenarios`, `packs`, `params`, `seed` and `time_scale` replace those of the server. `all_used` of the
        server applies to its rules, too. Raise ValueError for an invalid or open id, factor or type."""
        wrong = None if id is None else read_session(id, "/")[2]
        if wrong is not None:
            raise ValueError(wrong.message)
        sources = self._stack.sources
        if scenarios is not None or packs is not None or params is not None:
            sources = scenario_sources(
                self._stack.scenarios if scenarios is None else scenarios,
                sources.packs if packs is None else packs,
                sources.settings.values if params is None else params,
            )
        if seed is not None:
            check_arguments(seed=seed)
        if time_scale is not None:
            check_arguments(time_scale=time_scale)
        numbered = (f"session-{number}" for number in self._sessions)
        name = id or next(name for name in numbered if not self._added_rules.is_open(name))
        session = MockSession(self, name, RuleStack(sources, self._stack), seed, time_scale)
        if self.all_used:
            self._opened.append(session)
        return session

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if exc is None:
            self.check()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, exc, trace)

    @property
    def _running(self) -> Hosted:
        if self._hosted is None:
            raise RuntimeError("this server does not run; use it inside of `with`, or call start()")
        return self._hosted

    def _catch_up(self) -> None:
        if self._hosted is not None:
            self._hosted.do(lambda: None)

    def _release(self, session: str, name: str) -> int:
        running = self._running
        return running.do(lambda: running.app.held_responses.release((session, name)))

    def _engine(self, stack: RuleStack) -> Engine:
        return create_engine(stack, self._state, self._settings)

    def _open(self, session: str, stack: RuleStack, seed: int | None, time_scale: float | None) -> None:
        def open_session() -> None:
            self._added_rules.open(session, stack)
            clock = ScenarioClock(self._settings.time_scale)
            opened = self._state.change_time_scale(session, time_scale, clock, time.monotonic(), time.time())
            opened.seed = seed

        self._running.do(open_session)

    def _close(self, session: str, stack: RuleStack) -> None:
        def close_session() -> None:
            if self._added_rules.is_open(session, stack):
                self._state.end(session)
            self._added_rules.close(session, stack)

        if self._hosted is None:
            close_session()
        else:
            self._hosted.do(close_session)


def _engine_settings(
    seed: int, max_delay: float, generated: int, miss_status: int, time_scale: float
) -> EngineSettings:
    return EngineSettings(
        seed, max_delay, generated, allow_overrides=True, unmatched_status=miss_status, time_scale=time_scale
    )


class MockSession(MockBase):
    """One session of a server that several tests share."""

    def __init__(
        self, server: MockLLM, id: str, stack: RuleStack, seed: int | None, time_scale: float | None
    ) -> None:
        self.server = server
        self.session_id = id
        self._stack = stack
        self._names = itertools.count(1)
        server._open(id, stack, seed, time_scale)

    @property
    def _rules_engine(self) -> AddedRulesEngine:
        return self.server._rules_engine

    @property
    def base_url(self) -> str:
        return f"{self.server.base_url}/s/{self.session_id}"

    def _catch_up(self) -> None:
        self.server._catch_up()

    def _release(self, session: str, name: str) -> int:
        return self.server._release(session, name)

    def close(self) -> None:
        """Remove the rules, counts and stored responses of the session."""
        self.server._close(self.session_id or "", self._stack)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ControlledEngine:
    """The view of the control API on a test's server: the app and the current engine. The test adds rules in Python,
    so the control API is read-only."""

    def __init__(self, app: App, rules_engine: AddedRulesEngine) -> None:
        self._rules_engine = rules_engine
        self.journal: Journal = app.journal
        self.metrics: Metrics = app.metrics
        self.responses_in_flight = app.responses_in_flight
        self.held_responses = app.held_responses
        self.serving_metrics = app.serving_metrics
        self.deadlines = app.deadlines

    @property
    def engine(self) -> Engine:
        return self._rules_engine.engine


def create_control_api(app: App, rules_engine: AddedRulesEngine) -> ControlApi:
    """Create the control API at its first request."""
    from mockllm.engine.known_names import KNOWN_NAMES
    from mockllm.server.control.api import ControlApi
    from mockllm.server.control.context import ControlContext

    return ControlApi(ControlContext(ControlledEngine(app, rules_engine), known_names=KNOWN_NAMES))
