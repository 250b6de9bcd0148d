"""A live server with its control API, and calls of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from math import inf
from pathlib import Path
from typing import Any

from mockllm.cli.control_setup import explain_live
from mockllm.cli.sources import known_names
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.overlay import OverlaidEntries
from mockllm.server.app import App
from mockllm.server.control.access import Access
from mockllm.server.control.api import ControlApi
from mockllm.server.control.context import ControlContext
from mockllm.server.engine_builder import Builder, LoadedRules
from mockllm.server.overlay_store import OverlayStore
from mockllm.server.reload import Reloader
from mockllm.server.scenario_editor import ScenarioEditor
from mockllm.server.server_limits import ServerLimits
from mockllm.state.engine_state import EngineState
from tests.server.threaded_server import ThreadedServer

EXAMPLE = """
rules:
  - name: hello
    match: {user: {contains: hello}}
    reply: Hello you.
  - name: never
    match: {user: {equals: never asked}}
    reply: Never.
modifiers:
  - name: quota
    match: {model: limited}
    limit: {strategy: fixed-window, requests: 1, window: 1m}
"""


@dataclass
class Got:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def text(self) -> str:
        return self.raw.decode()


@dataclass
class Steered:
    """A server, and what it was made of."""

    port: int
    app: App
    folder: Path
    stop: Callable[[], None]
    lines: list[str] = field(default_factory=list)
    """What a test has collected of its terminal."""

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Got:
        """A call; a body that is no text is sent as JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = body if isinstance(body, str | bytes | None) else json.dumps(body)
        try:
            connection.request(method, path, sent, dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Got(answer.status, found, answer.read())
        finally:
            connection.close()

    def ask(self, user: str = "hi", *, session: str | None = None, model: str = "gpt-4o", **more: Any) -> Got:
        """A chat completion."""
        headers = {"authorization": "Bearer sk-s3cret"}
        if session is not None:
            headers["x-mockllm-session"] = session
        body = {"model": model, "messages": [{"role": "user", "content": user}], **more}
        return self.call("POST", "/v1/chat/completions", body, headers)

    def reply_text(self, user: str = "hi", **more: Any) -> str:
        """What it says."""
        return str(self.ask(user, **more).json["choices"][0]["message"]["content"])


@contextmanager
def steered(
    folder: Path,
    files: Mapping[str, str],
    packs: Sequence[str] = (),
    access: Access | None = None,
    unused: float = inf,
    activate: Callable[[Catalog, LoadedRules], Awaitable[None]] | None = None,
) -> Iterator[Steered]:
    """Serve these files. `unused`: seconds after which an unused session ends. `activate`: is called with new rules
    before they are used, as for worker processes."""
    for name, text in files.items():
        (folder / name).write_text(text)
    builder = Builder(
        ScenarioSources([str(folder)], list(packs), ParamSettings(), known_names()),
        EngineState(unused_timeout=unused),
    )
    app = App(builder.first(), limits=ServerLimits(grace=0.5))
    builder.activate = activate

    def swap(engine: Engine) -> None:
        app.engine = engine

    def apply(over: Sequence[OverlaidEntries]) -> Awaitable[None]:
        return builder.overlaid(over, swap)

    reload = Reloader(app, builder.watched, builder.again, lambda text: None)
    context = ControlContext(
        app,
        known_names=known_names(),
        explain=explain_live,
        reload=reload.reload_now,
        overlays=OverlayStore(apply, known_names(), builder.previewed),
        folder=str(folder),
        editor=ScenarioEditor(str(folder), known_names(), writable=True),
    )
    app.control = ControlApi(context, access)
    server = ThreadedServer(app)
    with server:
        yield Steered(server.port, app, folder, server.stop)


def listed(server: Steered, query: str = "") -> list[dict[str, Any]]:
    """The requests of the journal's page."""
    found: list[dict[str, Any]] = server.call("GET", f"/api/requests{query}").json["requests"]
    return found
