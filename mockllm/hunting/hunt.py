"""`Hunt`: a hunt of a function, in this process."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self
from unittest.mock import patch

from mockllm.core.hunting.disturbance import Schedule
from mockllm.core.hunting.finding import HuntReport
from mockllm.core.hunting.judgement import Policy
from mockllm.core.hunting.outcome import RunOutcome
from mockllm.hunting.disturbed_server import (
    ServerSources,
    disturbed_server,
    exchanges_seen,
    verdicts_seen,
)
from mockllm.hunting.hunter import HuntBudget, Hunter, HuntWatch
from mockllm.hunting.outcome_store import OutcomeStore
from mockllm.testing.mock_server import MockLLM

REPORTED: Final = 3
"""The exit code of a function that raised an exception of `reported`."""
FAILED: Final = 1
"""The exit code of a function that raised another one."""


class Hunt:
    """Searches for the failure that breaks a function: `Hunt(test).run()`.

    `test` receives a running server, whose environment is set meanwhile. Its result must not change, unless it is
    None. `reported` are the exceptions that report a failure; without any, all exceptions do that are no mistakes of
    a program. `timeout`, in seconds, is the bound of one run: then the server stops.
    """

    def __init__(
        self,
        test: Callable[[MockLLM], object],
        *,
        scenarios: Sequence[str] = (),
        packs: Sequence[str] = (),
        params: Mapping[str, object] | None = None,
        seed: int = 0,
        reported: tuple[type[BaseException], ...] = (),
        timeout: float = 10.0,
        budget: HuntBudget | None = None,
        own_pace: bool = False,
    ) -> None:
        self._test = test
        self._sources = ServerSources(scenarios, packs, dict(params or {}), seed, own_pace)
        self._reported = reported
        self._timeout = timeout
        self._budget = budget or HuntBudget()

    @property
    def parallel(self) -> bool:
        """Runs share the process's environment."""
        return False

    @property
    def inline(self) -> bool:
        """Runs take place in the caller's thread."""
        return True

    def hunt(self, watch: HuntWatch | None = None) -> HuntReport:
        """Run the hunt. Raise NoBaseline if the function fails without disturbances."""
        policy = Policy(frozenset({REPORTED}) if self._reported else frozenset())
        store = OutcomeStore(self, None, "", resume=False)
        return Hunter(store, policy, self._budget, watch).hunt(getattr(self._test, "__name__", "test"))

    def end(self) -> None:
        """No run takes place in another thread."""

    def run(self, schedule: Schedule) -> RunOutcome:
        """Run the function once."""
        with (
            disturbed_server(self._sources, schedule) as server,
            patch.dict(os.environ, server.environment),
            RunBound(self._timeout, server.stop) as bound,
        ):
            began, since = time.monotonic(), time.time()
            code, compared, error = self._ended(server)
            took = time.monotonic() - began
            verdicts, seen = verdicts_seen(server), exchanges_seen(server, since)
        return RunOutcome(
            None if bound.reached else code,
            took,
            stderr=error,
            compared=compared,
            verdicts=verdicts,
            exchanges=seen,
        )

    def _ended(self, server: MockLLM) -> tuple[int, bytes | None, str]:
        """Return how the function ended: its code, its result, its exception."""
        try:
            result = self._test(server)
        except self._reported:
            return REPORTED, None, traceback.format_exc()
        except Exception:
            return FAILED, None, traceback.format_exc()
        return 0, None if result is None else repr(result).encode(), ""


class RunBound:
    """Stops the server when a block has taken longer than so many seconds: then its client's requests fail.

    `reached`: whether it did.
    """

    def __init__(self, seconds: float, stop: Callable[[], None]) -> None:
        self.reached = False
        self._stop = stop
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def _end(self) -> None:
        self.reached = True
        self._stop()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
