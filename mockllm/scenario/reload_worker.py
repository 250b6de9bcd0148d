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
from mockllm.scenario.diagnostics import Mistake, Stale
from mockllm.scenario.file_loader import Loading
from mockllm.scenario.fingerprint import fingerprint
from mockllm.scenario.loader import Gathered, Wanted, gather
from mockllm.scenario.typed_entries import Entry

READINGS: Final = 20
"""How often files that go on changing are read anew before they are taken as they were read."""


class Parcel(Struct, frozen=True):
    """A Gathered on its way between two processes: entries without their words, and the loading packed,
    since unpacking everything at once would stall the event loop."""

    loading: bytes
    entries: Sequence[Entry]
    mistakes: Sequence[Mistake]
    trees: frozenset[str]
    folders: frozenset[str]
    stale: Sequence[Stale]
    files: int
    warnings: Sequence[str] = ()


def packed(gathered: Gathered, warnings: Sequence[str] = ()) -> Parcel:
    """The parcel of what was gathered, and of what is worth a line about it."""
    entries = [replace(entry, word=None) for entry in gathered.entries]
    loading = gathered.loading
    return Parcel(
        pickle.dumps(loading, -1), entries, gathered.mistakes, loading.trees, loading.folders, gathered.stale,
        len(loading.files), warnings,
    )  # fmt: skip


def at_rest(wanted: Wanted, last: Loading | None) -> Gathered:
    """`gather`, once more where a file changed meanwhile: one of this version and one of the next must never
    answer together."""
    watched = last.trees | last.folders if last is not None else ()
    for _ in range(READINGS):
        before = fingerprint(watched)
        gathered = gather(wanted, last)
        if fingerprint(watched) == before:
            break
    return gathered


def main() -> None:
    """Reads (Wanted, packed loading or None) from standard input and writes a Parcel to standard output."""
    wanted, last = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent wrote it
    gathered = at_rest(wanted, None if last is None else pickle.loads(last))  # noqa: S301
    warnings = [str(each) for each in catalog_lint.warnings(gathered)]
    pickle.dump(packed(gathered, warnings), sys.stdout.buffer, -1)
