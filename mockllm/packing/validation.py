"""Whether a pack loads, before it is locked or built: what would not, is refused with all its mistakes.

Apart from what a pack may hold (`scenario.tree`): that is told from names and sizes, this by loading it, where
patterns that never end, files out of reach and templates that cannot be are found.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from mockllm.packing.atomic_store import put_tree
from mockllm.packing.capabilities import PackCapabilities, capabilities
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.lockfile import LOCK
from mockllm.scenario.pack_files import PackFiles, PackRejected
from mockllm.scenario.vocabulary import Vocabulary

SHOWN: Final = 10
"""So many mistakes are told."""


def validate_pack(tree: PackFiles, lock: str, vocabulary: Vocabulary) -> PackCapabilities | None:
    """Refuses a pack with mistakes in it; that packs which it uses are not here yet is none. What it could do, where
    that can be told without these."""
    with tempfile.TemporaryDirectory(prefix="mockllm-vet-") as made:
        folder = Path(made) / "pack"
        put_tree(tree, folder)
        gathered = load_scenarios(ScenarioSources((str(folder),), vocabulary=vocabulary, lock=lock))
        found = told_as(gathered.mistakes, str(folder), "")
        own = next((pack for pack in gathered.loading.packs if pack.folder == str(folder)), None)
    inside = [each for each in found if not _of_others(each)]
    if inside:
        more = f"\n… and {len(inside) - SHOWN} more" if len(inside) > SHOWN else ""
        raise PackRejected("it has mistakes:\n" + "\n".join(map(str, inside[:SHOWN])) + more)
    return None if own is None else capabilities(gathered, own)


def _of_others(mistake: Diagnostic) -> bool:
    """Whether it tells of a pack that is used, which may come later, or of the lock."""
    if mistake.file.rpartition("/")[2] == LOCK:
        return True
    begins = ('there is no pack "', f"{LOCK} names", "the pack ", "the installed pack")
    return mistake.path.startswith("use") and mistake.message.startswith(begins)


def told_as(mistakes: Iterable[Diagnostic], folder: str, shown: str) -> list[Diagnostic]:
    """The same mistakes, with a folder that is there for the while called what a person knows it by."""
    found = []
    for each in sorted(mistakes):
        below = each.file.removeprefix(folder)
        if below != each.file:
            each = replace(each, file=f"{shown}{below}" if shown else below.lstrip("/"))
        found.append(each)
    return found
