"""What a reload gathers in a process of its own, so that parsing never stalls running streams, and how it comes
back: `python -c "from mockllm.scenario.reload_worker import main; main()"`.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.scenario import catalog_lint
from mockllm.scenario.diagnostics import Diagnostic, StaleSource
from mockllm.scenario.file_loader import LoadedFiles
from mockllm.scenario.fingerprint import fingerprint
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.typed_entries import TypedEntry

READINGS: Final = 20
"""How often files that go on changing are read anew before they are taken as they were read."""


class ReloadResult(Struct, frozen=True):
    """A Gathered on its way between two processes: entries without their words, and the loading packed,
    since unpacking everything at once would stall the event loop."""

    loading: bytes
    entries: Sequence[TypedEntry]
    mistakes: Sequence[Diagnostic]
    trees: frozenset[str]
    folders: frozenset[str]
    stale: Sequence[StaleSource]
    files: int
    warnings: Sequence[str] = ()


def packed(gathered: LoadedScenarios, warnings: Sequence[str] = ()) -> ReloadResult:
    """The parcel of what was gathered, and of what is worth a line about it."""
    entries = [replace(entry, spec=None) for entry in gathered.entries]
    loading = gathered.loading
    return ReloadResult(
        pickle.dumps(loading, -1), entries, gathered.mistakes, loading.trees, loading.folders, gathered.stale,
        len(loading.files), warnings,
    )  # fmt: skip


def load_stable(wanted: ScenarioSources, last: LoadedFiles | None) -> LoadedScenarios:
    """`gather`, once more where a file changed meanwhile: one of this version and one of the next must never
    answer together."""
    watched = last.trees | last.folders if last is not None else ()
    for _ in range(READINGS):
        before = fingerprint(watched)
        gathered = load_scenarios(wanted, last)
        if fingerprint(watched) == before:
            break
    return gathered


def main() -> None:
    """Reads (Wanted, packed loading or None) from standard input and writes a Parcel to standard output."""
    wanted, last = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent wrote it
    gathered = load_stable(wanted, None if last is None else pickle.loads(last))  # noqa: S301
    warnings = [str(each) for each in catalog_lint.warnings(gathered)]
    pickle.dump(packed(gathered, warnings), sys.stdout.buffer, -1)
