"""Hatchling's build hook: it builds the dashboard and the documentation site. Hatchling loads one such file."""

from __future__ import annotations

import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

import build_dashboard
import build_docs

PARTS = (build_dashboard.BuildHook, build_docs.BuildHook)


class BuildHook(BuildHookInterface):
    def dependencies(self) -> list[str]:
        return [name for part in PARTS for name in part.dependencies(self)]

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        for part in PARTS:
            part.initialize(self, version, build_data)
