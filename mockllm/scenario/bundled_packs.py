"""The packs that ship with mockllm: where they are and what they are called.

Apart from other packs: these are used by their bare names. In an installed package they lie inside it, in a
checkout in the folder `scenarios` beside it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import mockllm
from mockllm.scenario.scenario_folder import is_pack


@cache
def _home() -> Path:
    package = Path(mockllm.__file__).resolve().parent
    installed = package / "packs"
    return installed if installed.is_dir() else package.parent / "scenarios"


def shipped_names() -> list[str]:
    """The names of the packs that ship."""
    home = _home()
    return sorted(each.name for each in home.iterdir() if is_pack(each)) if home.is_dir() else []


def shipped(name: str) -> Path | None:
    """The folder of a pack that ships, by its name."""
    return _home() / name if name in shipped_names() else None
