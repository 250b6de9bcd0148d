"""Every fault of the vocabulary on every generating call, streamed and whole, by a client of raw bytes.

The rows are FAULTS and the columns SPOKEN: who adds a fault or a protocol gets its cells, and a fault of which
nothing is expected fails here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mockllm.core.faults import FAULTS
from mockllm.dialects.asking import Asked, Wish
from mockllm.dialects.registry import APIS, DIALECT_NAMES, PROVIDERS, SPOKEN
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.gathering import Wanted
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.server.building import Builder
from mockllm.state.memory import Memory
from tests.faults import expected, expected_meaning
from tests.faults.cells import Fault, Not, Plain, Seen, ask, assert_seen
from tests.live import Live
from tests.live import live as serve
from tests.waiting import until

ROWS: dict[str, Fault] = {
    **expected.CONNECTION,
    **expected.HTTP,
    **expected.STREAM,
    **expected_meaning.MEANING,
}
NOW = 1_760_000_000.0


def columns(wish: Wish) -> dict[str, Asked]:
    """A request for each generating call; Gemini's streams once more as a JSON array."""
    found: dict[str, Asked] = {}
    for provider, call in SPOKEN:
        for stream in (True, False):
            asked = call.compose(replace(wish, stream=stream))
            form = "streamed" if stream else "whole"
            found[f"{provider} {call.api} {form}"] = asked
            if "alt=sse" in asked.path:
                path = asked.path.replace("?alt=sse", "").replace("&alt=sse", "")
                found[f"{provider} {call.api} array"] = Asked(path, asked.headers, asked.body)
    return found


COLUMNS = list(columns(Wish()))


def test_every_fault_has_a_row() -> None:
    assert list(ROWS.keys() ^ FAULTS.keys()) == []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server whose clock stands still."""
    empty = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch, serve(empty) as server:
        still = SimpleNamespace(time=lambda: NOW, monotonic=time.monotonic)
        patch.setattr("mockllm.server.app.time", still)
        yield server


class Bench:
    """Engines by what they say, each compiled once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalogs: dict[str, Catalog] = {}

    def engine(self, settings: dict[str, Any]) -> Engine:
        """A fresh engine whose only rule has these settings."""
        rule = {"name": "said", **settings}
        text = json.dumps({"mockllm": 1, "rules": [rule]})
        if text not in self.catalogs:
            file = self.folder / "a.yaml"
            file.write_text(text)
            wanted = Wanted([str(file)], vocabulary=Vocabulary(PROVIDERS, DIALECT_NAMES, APIS))
            self.catalogs[text] = Builder(wanted, Memory()).first().catalog
        return Engine(self.catalogs[text], Memory())


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


def seen(server: Live, engine: Engine, asked: Asked) -> Seen:
    server.app.engine = engine
    return ask(server.port, asked)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", ROWS)
def test_cell(name: str, column: str, server: Live, bench: Bench) -> None:
    row, streamed = ROWS[name], not column.endswith("whole")
    pace = {"pace": dict(row.pace)} if row.pace else {}
    asked = columns(row.wish)[column]
    plain = Plain(seen(server, bench.engine({"reply": dict(row.reply), **pace}), asked), streamed)
    wanted = (row.streamed if streamed else row.whole)(plain)
    fault = {"reply": dict(row.reply), "faults": [{name: dict(row.settings)}], **pace}
    server.lines.clear()
    came = seen(server, bench.engine(fault), asked)
    if isinstance(wanted, Not):
        assert (came.lines, came.body, came.end) == (plain.seen.lines, plain.body, "kept")
        assert f"[{name} not played: {wanted.reason}]" in line(server)
    else:
        assert_seen(came, wanted, plain)
        assert "not played" not in line(server)


def line(server: Live) -> str:
    """The live line of the answer."""
    return until(lambda: next((each for each in server.lines if "a.yaml:said" in each), None))
