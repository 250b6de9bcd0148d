"""The server of the fault tests: a live server, and a fresh engine for each response."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from mockllm.dialects.neutral_request import WireRequest
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources
from mockllm.server.batches import BatchServer
from mockllm.server.engine_builder import Builder
from mockllm.state.engine_state import EngineState
from tests.faults.matrix_cell import (
    PATIENCE,
    QUIET,
    Expect,
    Fault,
    Not,
    Plain,
    ReceivedResponse,
    ask,
    assert_seen,
)
from tests.live import Live
from tests.live import live as serve
from tests.waiting import until

NOW: Final = 1_760_000_000.0


@dataclass
class Bench:
    """A server whose clock does not move. Each catalog is compiled once, each engine is new."""

    folder: Path
    server: Live
    catalogs: dict[str, Catalog] = field(default_factory=dict)

    def engine(self, settings: dict[str, Any]) -> Engine:
        """One whose only rule has these settings."""
        return self.scenario_engine({"rules": [{"name": "said", **settings}]})

    def scenario_engine(self, scenario: dict[str, Any]) -> Engine:
        """One with this file."""
        text = json.dumps({"mockllm": 1, **scenario})
        if text not in self.catalogs:
            file = self.folder / "a.yaml"
            file.write_text(text)
            wanted = ScenarioSources([str(file)], known_names=KnownNames(PROVIDERS, DIALECT_NAMES, APIS))
            self.catalogs[text] = Builder(wanted, EngineState()).first().catalog
        return Engine(self.catalogs[text], EngineState())

    @property
    def serves_batch_lines(self) -> bool:
        """Whether lines of a batch are still being served, by the engine of that time."""
        batches = self.server.app.batches
        return isinstance(batches, BatchServer) and bool(batches._tasks)

    def seen(
        self, settings: dict[str, Any], requested: WireRequest, patience: float = PATIENCE
    ) -> ReceivedResponse:
        """The result of a request to a separate engine."""
        self.server.app.engine = self.engine(settings)
        self.server.lines.clear()
        return ask(self.server.port, requested, patience)

    def line(self) -> str:
        """The live line of the last response."""
        lines = self.server.lines
        return until(lambda: next((line for line in lines if "a.yaml:said" in line), None))

    def play(
        self, name: str, row: Fault, requested: WireRequest, *, streamed: bool, endpoint: str = "openai-chat"
    ) -> None:
        """The fault does what its row says."""
        settings: dict[str, Any] = {
            "reply": dict(row.reply),
            **({"pace": dict(row.pace)} if row.pace else {}),
        }
        plain = Plain(self.seen(settings, requested), streamed, endpoint)
        _, bracket, notes = self.line().partition("  [")
        wanted = (row.streamed if streamed else row.whole)(plain)
        silent = isinstance(wanted, Expect) and wanted.end == "silent"
        fault = {**settings, "faults": [{name: dict(row.settings)}]}
        came = self.seen(fault, requested, QUIET if silent else PATIENCE)
        if isinstance(wanted, Not):
            assert (came.lines, came.body, came.end) == (plain.seen.lines, plain.body, "kept")
            before = f"{notes.removesuffix(']')}; " if bracket else ""
            hint = "is the endpoint in a table of expected_form.py, such as UNSENT_NAMES?"
            assert f"  [{before}{name} not applied: {wanted.reason}]" in self.line(), hint
        else:
            assert_seen(came, wanted, plain)
            assert "not applied" not in self.line()


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A bench that stores its files in a folder."""
    (folder / "empty").mkdir()
    with pytest.MonkeyPatch.context() as patch, serve(folder / "empty") as server:
        still = SimpleNamespace(time=lambda: NOW, monotonic=time.monotonic)
        for module in ("connection", "exchange_end", "respond", "waiting_exchange"):
            patch.setattr(f"mockllm.server.{module}.time", still)
        yield Bench(folder, server)
