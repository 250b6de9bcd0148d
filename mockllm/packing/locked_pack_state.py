"""The state of the files of a locked pack."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mockllm.scenario.lockfile import Lock
from mockllm.scenario.pack_files import PackRejected, read_tree
from mockllm.scenario.scenario_folder import is_pack

State = Literal["here", "vendored", "missing", "changed"]


def state_of(lock: Lock, name: str) -> State:
    """Return the state of a locked pack's files."""
    folders: dict[State, Path] = {"vendored": lock.vendored_path(name), "here": lock.fetched_path(name)}
    for state, folder in folders.items():
        if is_pack(folder):
            try:
                return state if read_tree(folder).sha256 == lock.packs[name].sha256 else "changed"
            except (PackRejected, OSError):
                return "changed"
    return "missing"
