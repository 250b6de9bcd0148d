"""Loads a pack before it is locked or built, and refuses it with all its diagnostics if this fails.

`scenario.pack_files` checks the names and sizes of files. Loading also detects endless patterns, inaccessible files
and invalid templates.
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
from mockllm.scenario.lockfile import LOCK_FILE
from mockllm.scenario.pack_files import PackFiles, PackRejected
from mockllm.scenario.vocabulary import Vocabulary

MAX_SHOWN: Final = 10
"""Most diagnostics in a message."""


def validate_pack(tree: PackFiles, lock: str, vocabulary: Vocabulary) -> PackCapabilities | None:
    """Return the capabilities of a pack, or None if they depend on missing packs that it uses. Raises PackRejected on
    errors; a missing used pack is not an error."""
    with tempfile.TemporaryDirectory(prefix="mockllm-vet-") as temporary:
        folder = Path(temporary) / "pack"
        put_tree(tree, folder)
        scenarios = load_scenarios(ScenarioSources((str(folder),), vocabulary=vocabulary, lock=lock))
        diagnostics = with_shown_path(scenarios.diagnostics, str(folder), "")
        own = next((pack for pack in scenarios.loading.packs if pack.folder == str(folder)), None)
    errors = [diagnostic for diagnostic in diagnostics if not _concerns_other_pack(diagnostic)]
    if errors:
        more = f"\n… and {len(errors) - MAX_SHOWN} more" if len(errors) > MAX_SHOWN else ""
        raise PackRejected("it has errors:\n" + "\n".join(map(str, errors[:MAX_SHOWN])) + more)
    return None if own is None else capabilities(scenarios, own)


def _concerns_other_pack(mistake: Diagnostic) -> bool:
    """Return whether a diagnostic concerns a used pack, which may be added later, or the lockfile."""
    if mistake.file.rpartition("/")[2] == LOCK_FILE:
        return True
    begins = ('there is no pack "', f"{LOCK_FILE} names", "the pack ", "the installed pack")
    return mistake.path.startswith("use") and mistake.message.startswith(begins)


def with_shown_path(mistakes: Iterable[Diagnostic], folder: str, shown: str) -> list[Diagnostic]:
    """Return diagnostics with the shown path instead of the temporary folder."""
    result = []
    for diagnostic in sorted(mistakes):
        below = diagnostic.file.removeprefix(folder)
        if below != diagnostic.file:
            diagnostic = replace(diagnostic, file=f"{shown}{below}" if shown else below.lstrip("/"))
        result.append(diagnostic)
    return result
