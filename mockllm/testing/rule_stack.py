"""The rules of a test's server or session: additions above the files and packs."""

from __future__ import annotations

import os
from collections.abc import Sequence

from msgspec import Struct, field

from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.typed_entries import TypedEntry
from mockllm.server.engine_builder import Broken
from mockllm.testing.catalog_cache import CompiledBase, compiled_base
from mockllm.testing.code_rules import CodeRules, merged

__tracebackhide__ = True  # a traceback shows the lines of the test only


class RuleStack(Struct, dict=True):
    """The rules of a server or session: additions, newest first, above files and packs. A session's stack is above
    the stack of its server."""

    sources: ScenarioSources
    below: RuleStack | None = None
    additions: list[CodeRules] = field(default_factory=list)
    version: int = 0

    def __post_init__(self) -> None:
        below = self.below
        shared = below is not None and self.sources == below.sources
        self.base: CompiledBase = below.base if below is not None and shared else compiled_base(self.sources)
        self._folder: str = os.getcwd() if below is None or not shared else below._folder

    @property
    def scenarios(self) -> Sequence[str]:
        """The paths of the files and folders: as the test has them, or absolute from another working folder."""
        paths = [
            (each, os.path.normpath(os.path.join(self._folder, each))) for each in self.sources.scenarios
        ]
        return [path if os.path.abspath(path) == absolute else absolute for path, absolute in paths]

    @property
    def versions(self) -> int:
        """A number that grows with every change."""
        return self.version + (0 if self.below is None else self.below.versions)

    @property
    def all_additions(self) -> list[CodeRules]:
        """All additions, the oldest first, those of the server below those of a session."""
        return [*(() if self.below is None else self.below.all_additions), *self.additions]

    @property
    def entries(self) -> Sequence[TypedEntry]:
        return merged(self.base.entries, self.all_additions)[0]

    def add(self, addition: CodeRules) -> None:
        """Add rules above all others. Raise Broken for mistakes."""
        if addition.typing.disabling or any(each.spec.replaces is not None for each in addition.entries):
            diagnostics = merged(self.base.entries, [*self.all_additions, addition])[1]
            if diagnostics:
                raise Broken(diagnostics)
        self.additions.append(addition)
        self.version += 1

    def serve(self, sources: ScenarioSources) -> None:
        """Replace the files and packs below the additions. Raise Broken for mistakes."""
        self.base, self.sources = compiled_base(sources), sources
        self.version += 1
