"""The control API of a test's server. It is read-only: the test adds rules in Python (`server.reply`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockllm.engine import Engine
from mockllm.server.app import App
from mockllm.server.journal.journal import Journal
from mockllm.server.metrics import Metrics
from mockllm.testing.recording_engine import RecordingEngine

if TYPE_CHECKING:
    from mockllm.server.control import ControlApi


class ControlledEngine:
    """The view of the control API on a test's server: the app and the current engine."""

    def __init__(self, app: App, recorder: RecordingEngine) -> None:
        self._recorder = recorder
        self.journal: Journal = app.journal
        self.metrics: Metrics = app.metrics
        self.playing = app.playing

    @property
    def engine(self) -> Engine:
        return self._recorder.engine


def create_control_api(app: App, recorder: RecordingEngine) -> ControlApi:
    """Create the control API at its first request."""
    from mockllm.dialects.registry import APIS, DIALECT_NAMES, PROVIDERS
    from mockllm.scenario.vocabulary import Vocabulary
    from mockllm.server.control import ControlApi

    return ControlApi(ControlledEngine(app, recorder), vocabulary=Vocabulary(PROVIDERS, DIALECT_NAMES, APIS))
