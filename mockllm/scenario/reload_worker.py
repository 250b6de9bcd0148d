"""Loads scenarios in a separate process, so that parsing never stalls running streams, and sends the result
back: `python -c "from mockllm.scenario.reload_worker import main; main()"`."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.scenario.diagnostics import StaleSource
from mockllm.scenario.file_loader import LoadedFiles
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.scenario_folder import fingerprint
from mockllm.scenario.typed_entries import TypedEntry

MAX_READS: Final = 20
"""Maximum number of times that changing files are read again before their last content is used."""


class ReloadResult(Struct, frozen=True):
    """LoadedScenarios as two processes exchange them: entries without their specs, and the loaded files
    pickled, since unpickling everything at once would stall the event loop."""

    loaded: bytes
    entries: Sequence[TypedEntry]
    trees: frozenset[str]
    folders: frozenset[str]
    stale: Sequence[StaleSource]
    warnings: Sequence[str] = ()


def pack_result(scenarios: LoadedScenarios, warnings: Sequence[str] = ()) -> ReloadResult:
    """Return the result to send for the loaded scenarios and their warnings."""
    entries = [replace(entry, spec=None) for entry in scenarios.entries]
    loaded = scenarios.loaded
    return ReloadResult(
        pickle.dumps(loaded, -1), entries, loaded.trees, loaded.folders, scenarios.stale, warnings
    )  # fmt: skip


def load_stable(sources: ScenarioSources, last: LoadedFiles | None) -> LoadedScenarios:
    """Load the scenarios, again if a file changed meanwhile. A file of this version and a file of the next version
    must never be used together."""
    watched = last.trees | last.folders if last is not None else ()
    for _ in range(MAX_READS):
        before = fingerprint(watched)
        scenarios = load_scenarios(sources, last)
        if fingerprint(watched) == before:
            break
    return scenarios


def main() -> None:
    """Read (ScenarioSources, pickled LoadedFiles or None) from standard input and write a ReloadResult to
    standard output."""
    from mockllm.scenario import catalog_lint  # the server, which imports ReloadResult, starts without it

    sources, last = pickle.load(sys.stdin.buffer)  # noqa: S301 - the parent process wrote it
    scenarios = load_stable(sources, None if last is None else pickle.loads(last))  # noqa: S301
    warnings = [str(warning) for warning in catalog_lint.warnings(scenarios)]
    pickle.dump(pack_result(scenarios, warnings), sys.stdout.buffer, -1)
