"""The app that serves only the control API, on a separate port."""

from __future__ import annotations

from mockllm.engine import PlannedResponse
from mockllm.server import builtin_pages
from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.control.api import ControlApi
from mockllm.server.protocols import EngineProtocol
from mockllm.server.request_heads import RequestHead, is_control_path
from mockllm.server.server_limits import ServerLimits
from mockllm.server.server_response import ServerResponse


class AdminPortApp(App):
    """An app that serves nothing but the control API."""

    def __init__(self, control: ControlApi, *, limits: ServerLimits | None = None) -> None:
        self._context = control.context
        super().__init__(control.context.engine, limits=limits, open_to_pages=False)
        self.control = control

    @property
    def engine(self) -> EngineProtocol:
        """The current engine of the controlled app."""
        return self._context.engine

    @engine.setter
    def engine(self, engine: EngineProtocol) -> None: ...

    def _given(self, connection: Connection, head: RequestHead, raw: bytes, now: float) -> ServerResponse:
        if head.path == "/health" or is_control_path(head.path):
            return super()._given(connection, head, raw, now)
        return ServerResponse(
            PlannedResponse(
                builtin_pages.plain(404, "This port serves only the control API: /api, /metrics.\n"), None
            ),
            unlogged=True,
        )
