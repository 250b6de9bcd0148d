"""The control API of a test's server: what it was asked, for tests in other languages and for a look at it.

What answers is said by the test (`server.reply`); here nothing can be added.
"""

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
    """A test's server as its control API sees it: the app, and the engine of what the test has said so far."""

    def __init__(self, app: App, watching: RecordingEngine) -> None:
        self._watching = watching
        self.journal: Journal = app.journal
        self.metrics: Metrics = app.metrics
        self.playing = app.playing

    @property
    def engine(self) -> Engine:
        return self._watching.engine


def control_of(app: App, watching: RecordingEngine) -> ControlApi:
    """Made when it is first asked for."""
    from mockllm.dialects.registry import APIS, DIALECT_NAMES, PROVIDERS
    from mockllm.scenario.vocabulary import Vocabulary
    from mockllm.server.control import ControlApi, ControlContext

    vocabulary = Vocabulary(PROVIDERS, DIALECT_NAMES, APIS)
    return ControlApi(ControlContext(ControlledEngine(app, watching), vocabulary=vocabulary))
