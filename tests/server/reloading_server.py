"""A server in this process that reloads its files as they change, and what it says of that.

`mockllm serve` is made of the same parts (tests/process.py runs it), and takes ten times as long to start.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from mockllm.scenario.loader import ScenarioSources
from mockllm.server.access_log import AccessLog
from mockllm.server.app import App
from mockllm.server.engine_builder import Builder
from mockllm.server.http_server import Address, Server, run_on_best_loop
from mockllm.server.reload import Reloader
from mockllm.server.server_limits import ServerLimits
from mockllm.state.engine_state import EngineState
from tests.server_client import ServerClient
from tests.waiting import PATIENCE, until


class ReloadingServer(ServerClient):
    """`out` are the lines of requests, `err` those about the files."""

    def __init__(self, folder: Path) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        builder = Builder(ScenarioSources([str(folder)]), EngineState())
        app = App(builder.first(), limits=ServerLimits(grace=0.5), access_log=AccessLog(self.out.append))
        self._server = Server(app, [Address("127.0.0.1", 0)])
        self._reload = Reloader(app, builder.watched, builder.again, self._say)
        self._listens, self._ends = threading.Event(), asyncio.Event()

    @property
    def url(self) -> str:
        return self._server.listening[0].url

    @property
    def port(self) -> int:
        return self._server.listening[0].port

    @property
    def reported(self) -> str:
        return "\n".join([*self.out, *self.err])

    def line(self, holds: Callable[[str], bool]) -> str:
        """The first line for which this holds; waits for it."""
        return until(
            lambda: next((line for line in self.out + self.err if holds(line)), None),
            otherwise=lambda: self.reported,
        )

    def _say(self, text: str) -> None:
        self.err.extend(text.splitlines())

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.start()
        self._listens.set()
        watching = self._loop.create_task(self._reload.run())
        await self._ends.wait()
        watching.cancel()
        await asyncio.wait([watching])
        await self._server.stop()

    def __enter__(self) -> ReloadingServer:
        self._thread = threading.Thread(target=lambda: run_on_best_loop(self._live()), name="watched")
        self._thread.start()
        assert self._listens.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ends.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
