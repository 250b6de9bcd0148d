"""A mock server inside a test: `with MockLLM() as server: server.reply("Hi")`.

It listens on a port of its own. What it answers is written in the scenario language: in files, in packs, or by
the methods, each of which stands before all that came earlier (`testing.answering`).
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from mockllm.engine import Engine
from mockllm.engine.session_id import named
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.server.app import App
from mockllm.server.engine_builder import Broken
from mockllm.server.http_server import Address
from mockllm.server.lazy_control import steer_late
from mockllm.server.server_limits import ServerLimits
from mockllm.state.sessions import Sessions
from mockllm.testing.control_api import control_of
from mockllm.testing.loop_thread import Hosted
from mockllm.testing.mock_base import MockBase, wanted_of
from mockllm.testing.recording_engine import KEPT, Ends, RecordingEngine, RuleStack, engine_of

__tracebackhide__ = True  # of a test that fails, the test's own lines are shown

Paths: TypeAlias = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"

LONGEST: Final = 60.0


class MockLLM(MockBase):
    """A server of its own, on a free port of this machine. `with` it, `async with` it, or `start` and `stop` it."""

    def __init__(
        self,
        scenarios: Paths = (),
        packs: str | Sequence[str] = (),
        params: Mapping[str, Any] | None = None,
        seed: int = 0,
        strict: bool = False,
        *,
        all_used: bool = False,
        port: int = 0,
        max_delay: float = LONGEST,
        limits: ServerLimits | None = None,
    ) -> None:
        """`scenarios`: files and folders, the first given is asked first; `packs`: by name;
        `params`: values of their parameters (`climate` or `weather.climate`). `strict`: warnings about the files
        are errors, and so is a request that no rule answered, when it stops; `all_used`: so is a rule of one's
        own that never answered. `port`: 0 takes a free one; `max_delay`, in seconds, and `limits` as `mockllm serve`
        has them. Broken where files have mistakes."""
        listed = [scenarios] if isinstance(scenarios, str | os.PathLike) else scenarios
        named = [packs] if isinstance(packs, str) else packs
        self._stage = RuleStack(wanted_of([os.fspath(each) for each in listed], named, params or {}))
        if strict and self._stage.base.warnings:
            raise Broken(self._stage.base.warnings)
        self._names = itertools.count(1)
        self.seed = seed
        self.strict = strict
        self.all_used = all_used
        self._max_delay = max_delay
        self._limits = limits or ServerLimits()
        self._address = Address("127.0.0.1", port)
        self._state = Sessions()
        self._seen = RecordingEngine(self._stage, self._engine, KEPT)
        self._hosted: Hosted | None = None
        self._sessions = itertools.count(1)

    @property
    def _watching(self) -> RecordingEngine:
        return self._seen

    @property
    def warnings(self) -> Sequence[Diagnostic]:
        """What `mockllm check` warns of in the files."""
        return self._stage.base.warnings

    @property
    def base_url(self) -> str:
        return self._running.address.url

    @property
    def port(self) -> int:
        return self._running.address.port

    def start(self) -> Self:
        """Listens. CannotListen where the port is taken; RuntimeError where it runs already."""
        if self._hosted is not None:
            raise RuntimeError("this server runs already")
        app = App(self._seen, limits=self._limits, lines=Ends(self._seen))
        steer_late(app, partial(control_of, app, self._seen))
        self._hosted = Hosted(app, self._address)
        return self

    def stop(self) -> None:
        """Ends at once; answers that are under way are cut. What came can still be looked at."""
        hosted, self._hosted = self._hosted, None
        if hosted is not None:
            hosted.stop()

    def check(self) -> None:
        """AssertionError where it was used otherwise than `strict` and `all_used` allow."""
        told = self.complaints(unmatched=self.strict, unused=self.all_used)
        if told:
            raise AssertionError("\n".join(told))

    def session(
        self,
        id: str | None = None,
        *,
        scenarios: Sequence[str] | None = None,
        packs: Sequence[str] | None = None,
        params: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> MockSession:
        """A session of this server: its own counts, rules and requests, under a base URL of its own. `with` it,
        or `close` it. `scenarios`, `packs` and `params` stand in place of the server's; `seed` too. ValueError
        where the id is none."""
        wrong = None if id is None else named(id, "/")[2]
        if wrong is not None:
            raise ValueError(wrong.message)
        wanted = self._stage.wanted
        wanted = wanted_of(
            wanted.scenarios if scenarios is None else scenarios,
            wanted.packs if packs is None else packs,
            wanted.settings.values if params is None else params,
        )
        return MockSession(
            self, id or f"session-{next(self._sessions)}", RuleStack(wanted, self._stage), seed
        )

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
            raise RuntimeError("this server does not run; use it inside of `with`, or start() it")
        return self._hosted

    def _catch_up(self) -> None:
        if self._hosted is not None:
            self._hosted.do(lambda: None)

    def _engine(self, stage: RuleStack) -> Engine:
        return engine_of(
            stage,
            self._state,
            seed=self.seed,
            longest=self._max_delay,
            max_generated=self._limits.generated,
        )

    def _open(self, session: str, stage: RuleStack, seed: int | None) -> None:
        def opened() -> None:
            self._seen.open(session, stage)
            self._state.session(session, time.time()).seed = seed

        self._running.do(opened)

    def _close(self, session: str) -> None:
        if self._hosted is not None:
            self._hosted.do(lambda: self._seen.close(session))


class MockSession(MockBase):
    """One session of a server that several tests share."""

    def __init__(self, server: MockLLM, id: str, stage: RuleStack, seed: int | None) -> None:
        self.server = server
        self.session_id = id
        self._stage = stage
        self._names = itertools.count(1)
        server._open(id, stage, seed)

    @property
    def _watching(self) -> RecordingEngine:
        return self.server._watching

    @property
    def base_url(self) -> str:
        return f"{self.server.base_url}/s/{self.session_id}"

    def _catch_up(self) -> None:
        self.server._catch_up()

    def close(self) -> None:
        """What was given to it answers no more."""
        self.server._close(self.session_id or "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
