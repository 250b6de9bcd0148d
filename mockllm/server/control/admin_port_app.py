"""The app that serves only the control API, on a separate port."""

from __future__ import annotations

from mockllm.server.app import App
from mockllm.server.control.api import ControlApi
from mockllm.server.protocols import EngineProtocol
from mockllm.server.server_limits import ServerLimits


class AdminPortApp(App):
    """An app with only the control API and `/health`."""

    def __init__(self, control: ControlApi, *, limits: ServerLimits | None = None) -> None:
        self._context = control.context
        super().__init__(control.context.engine, limits=limits, open_to_pages=False)
        self.control = control
        self.control_only = True

    @property
    def engine(self) -> EngineProtocol:
        """The current engine of the controlled app."""
        return self._context.engine

    @engine.setter
    def engine(self, engine: EngineProtocol) -> None: ...
