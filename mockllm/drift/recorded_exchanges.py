"""Recordings in place of a live provider: files of `mockllm record`, and of each tool that `mockllm import` reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from mockllm.core.display import counted
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.request.body_fields import VOLATILE
from mockllm.engine import Engine
from mockllm.recordings.import_file import ImportFile, NotImported
from mockllm.recordings.importer import import_recordings
from mockllm.recordings.interaction import RecordedResponse
from mockllm.recordings.scenario_writer import RequestParser
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import HttpSpec
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.scenario_folder import SUFFIXES, iter_files
from mockllm.state.engine_state import EngineState
from mockllm.testing.example_requests import SentRequest
from mockllm.testing.scenario_diff import recorded

IMPORTED = (".json", ".jsonl", ".har", *SUFFIXES)


class RecordedExchanges:
    """The interactions of the recordings in a folder (or a file). `notes` are about what is no recording."""

    def __init__(self, folder: Path, known_names: KnownNames) -> None:
        self._folder = folder
        self._known_names = known_names
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[tuple[SentRequest, RecordedResponse]]:
        for name in sorted(iter_files(self._folder)):
            if name.endswith(IMPORTED):
                yield from self._of_file(Path(name))

    def _of_file(self, file: Path) -> Iterator[tuple[SentRequest, RecordedResponse]]:
        if file.suffix in SUFFIXES and self._is_scenario(file):
            yield from self._replayed(str(file), file)
            return
        try:
            imported = import_recordings(ImportFile(str(file), file.read_bytes()), RequestParser(VOLATILE))
        except (NotImported, OSError) as error:
            self.notes.append(f"{file} is no recording: {str(error).partition(chr(10))[0]}")
            return
        with tempfile.TemporaryDirectory(prefix="mockllm-drift-") as folder:
            for number, text in enumerate(imported.texts):
                scenario = Path(folder) / f"recordings-{number}.yaml"
                scenario.write_text(text, encoding="utf-8")
                yield from self._replayed(str(scenario), file)

    def _is_scenario(self, file: Path) -> bool:
        found = load_scenarios(ScenarioSources((str(file),), known_names=self._known_names))
        return not found.diagnostics

    def _replayed(self, scenario: str, file: Path) -> Iterator[tuple[SentRequest, RecordedResponse]]:
        """Yield the examples of a scenario file with the recorded responses. A note on `file` counts the others: this
        server generates them, and would be compared with itself."""
        sources = ScenarioSources((scenario,), known_names=self._known_names)
        gathered = load_scenarios(sources)
        catalog = run_steps(compile_catalog(gathered.entries))
        engine, recordings = Engine(catalog, EngineState()), _recordings(catalog)
        generated = 0
        for case in recorded(gathered, sources):
            for _, sent in case.steps:
                plain = replace(sent, headers={**sent.headers, "accept-encoding": "identity"})
                response = engine.respond(plain.read_by(engine, 0.0))
                if response.slot is not None:
                    response.slot.release()
                plan = response.plan
                if plan.delivery.websocket_factory is not None:
                    continue  # a WebSocket: no response to compare
                if response.responder_key not in recordings:
                    generated += 1
                    continue
                headers = tuple(pair for pair in plan.head.headers if not pair[0].startswith("x-mockllm-"))
                frames = (RecordedFrame(0.0, sent_bytes(plan)),)
                yield sent, RecordedResponse(plan.head.status, headers, frames)
        if generated:
            self.notes.append(f"{file}: {counted(generated, 'response')} not compared: no recording")


def _recordings(catalog: Catalog) -> frozenset[str]:
    """Return the keys of the rules whose responses are bytes in a file."""
    return frozenset(
        item.key
        for item in catalog.items
        if item.selector is not None and all(_is_recorded(each.spec) for each in item.selector.responses)
    )


def _is_recorded(spec: object) -> bool:
    return isinstance(spec, HttpSpec) or (isinstance(spec, ReplaySpec) and spec.as_ == "bytes")
