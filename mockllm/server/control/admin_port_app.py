"""The control API on a port of its own: nothing else is served there."""

from __future__ import annotations

from mockllm.engine import PlannedResponse
from mockllm.server import builtin_pages
from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.control.control import ControlApi
from mockllm.server.protocols import EngineProtocol
from mockllm.server.request_heads import RequestHead, is_control_path
from mockllm.server.server_limits import ServerLimits
from mockllm.server.server_response import ServerResponse


class AdminPortApp(App):
    """An app whose every answer is the control API's."""

    def __init__(self, control: ControlApi, *, limits: ServerLimits | None = None) -> None:
        self._steering = control
        super().__init__(control.engine, limits=limits, open_to_pages=False)
        self.control = control

    @property
    def engine(self) -> EngineProtocol:
        """The one that answers now."""
        return self._steering.engine

    @engine.setter
    def engine(self, engine: EngineProtocol) -> None: ...

    def _given(self, connection: Connection, head: RequestHead, raw: bytes, now: float) -> ServerResponse:
        if head.path == "/health" or is_control_path(head.path):
            return super()._given(connection, head, raw, now)
        return ServerResponse(
            PlannedResponse(
                builtin_pages.plain(404, "Here is the control API alone: /api, /metrics.\n"), None
            ),
            unlogged=True,
        )
