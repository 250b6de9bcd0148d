"""Fetches missing packs of `mockllm.lock` before scenarios are loaded, with a line for each on standard error."""

from __future__ import annotations

import sys

from mockllm.scenario.lockfile import read_lock
from mockllm.scenario.scenario_folder import is_pack


def fetch_missing(path: str) -> bool:
    """Fetch the missing packs of the lock at a path and return whether all packs exist now. Report packs that cannot
    be fetched; loading reports them again, with their positions."""
    lock = read_lock(path)
    missing = [
        name
        for name in lock.packs
        if not (is_pack(lock.vendored_path(name)) or is_pack(lock.fetched_path(name)))
    ]
    if not missing:
        return True
    from mockllm.packing.lockfile_editor import LockfileEditor  # imports git and archives
    from mockllm.scenario.pack_files import PackRejected

    locking, complete = LockfileEditor(path), True
    for name in missing:
        try:
            for change in locking.fetch([name]):
                print(f"fetched {change.name} {change.now} from {change.source}", file=sys.stderr)
        except PackRejected as error:
            complete = False
            print(f"mockllm: {error}", file=sys.stderr)
    return complete
