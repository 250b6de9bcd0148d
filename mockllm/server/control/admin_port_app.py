"""The control API on a port of its own: nothing else is served there."""

from __future__ import annotations

from mockllm.server.app import App
from mockllm.server.control.control import ControlApi
from mockllm.server.protocols import EngineProtocol
from mockllm.server.server_limits import ServerLimits


class AdminPortApp(App):
    """An app with only the control API and `/health`."""

    def __init__(self, control: ControlApi, *, limits: ServerLimits | None = None) -> None:
        self._control_api = control
        super().__init__(control.engine, limits=limits, open_to_pages=False)
        self.control = control
        self.control_only = True

    @property
    def engine(self) -> EngineProtocol:
        """The engine that responds now."""
        return self._control_api.engine

    @engine.setter
    def engine(self, engine: EngineProtocol) -> None: ...
