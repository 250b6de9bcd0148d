"""The control API on a port of its own: nothing else is served there."""

from __future__ import annotations

from mockllm.engine import Answer
from mockllm.server import builtin_pages
from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.control.control import Control
from mockllm.server.protocols import Engine
from mockllm.server.request_heads import Head, steers
from mockllm.server.server_limits import Limits
from mockllm.server.server_response import Given


class Aside(App):
    """An app whose every answer is the control API's."""

    def __init__(self, control: Control, *, limits: Limits | None = None) -> None:
        self._steering = control
        super().__init__(control.engine, limits=limits, open_to_pages=False)
        self.control = control

    @property
    def engine(self) -> Engine:
        """The one that answers now."""
        return self._steering.engine

    @engine.setter
    def engine(self, engine: Engine) -> None: ...

    def _given(self, connection: Connection, head: Head, raw: bytes, now: float) -> Given:
        if head.path == "/health" or steers(head.path):
            return super()._given(connection, head, raw, now)
        return Given(
            Answer(builtin_pages.plain(404, "Here is the control API alone: /api, /metrics.\n"), None),
            unheard=True,
        )
