"""A live server in a thread of the test's own process: the whole product, on a real socket.

Apart from `tests/process.py`, which runs the command: here a test can look at the app and at its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.engine.settings import EngineSettings
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.manifest import ParamSettings
from mockllm.server.access_log import AccessLog
from mockllm.server.app import App
from mockllm.server.engine_builder import Builder
from mockllm.server.server_limits import ServerLimits
from mockllm.state.engine_state import EngineState
from tests.server.threaded_server import ThreadedServer
from tests.waiting import until


@dataclass
class Live:
    """Where a server listens, and the lines that it wrote for each request."""

    url: str
    port: int
    app: App
    lines: list[str] = field(default_factory=list)

    def line(self, holds: Callable[[str], bool]) -> str:
        """The first line for which this holds; a line is written when its response has left."""
        return until(lambda: next((line for line in self.lines if holds(line)), None))


@contextmanager
def live(
    *scenarios: Path,
    packs: Sequence[str] = (),
    settings: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    allow_overrides: bool = False,
) -> Iterator[Live]:
    """Serve these files, folders and shipped packs; `settings` are as for `--set`, `allow_overrides` as for
    `--allow-overrides`."""
    wanted = ScenarioSources(
        [str(path) for path in scenarios],
        list(packs),
        ParamSettings(tuple(settings), dict(environment or {})),
        KnownNames(PROVIDERS, DIALECT_NAMES, APIS),
    )
    lines: list[str] = []
    builder = Builder(wanted, EngineState(), EngineSettings(allow_overrides=allow_overrides))
    app = App(builder.first(), limits=ServerLimits(grace=0.5), access_log=AccessLog(lines.append))
    server = ThreadedServer(app)
    with server as url:
        yield Live(url, server.port, app, lines)
