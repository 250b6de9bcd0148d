"""Runner of the examples in scenario files. Each has fresh state, seed 0 and a virtual clock.

A pack's examples run against that pack and the packs that it uses, the user's examples against all loaded files. The
process's environment sets no parameter, so an example has the same result on every machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.selection.decision import Decision
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.example_entries import ExampleEntry
from mockllm.scenario.file_loader import LoadedFile, load_files
from mockllm.scenario.language.examples import ExampleStep
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.lockfile import lock_path
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.pack_graph import UsedPack
from mockllm.scenario.pack_resolver import PackResolver, bundled_pack
from mockllm.state.engine_state import EngineState
from mockllm.testing.example_requests import UnsupportedCall, build_sent_request, chosen_provider
from mockllm.testing.expectations import Mismatch, Outcome, mismatches
from mockllm.testing.match_trace import MismatchReport

NOW: Final = 1_767_225_600.0
"""Start time of every example: 2026-01-01T00:00:00Z."""


class FailedStep(Struct, frozen=True):
    """A failed expectation of one step (counted from 1; None without steps)."""

    step: int | None
    mismatch: Mismatch


class ExampleResult(Struct, frozen=True):
    """The result of an example. `where` is its file and line. `provider` is the one of this run, if the example names
    several."""

    where: str
    name: str
    provider: str | None
    failed: tuple[FailedStep, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.failed


class PlannedExample(Struct, frozen=True):
    """An example to run, before its parameters are substituted."""

    group: ScenarioSources
    where: str
    name: str
    file: str
    number: int
    values: Mapping[str, Json]


class World(Struct, frozen=True):
    """The loaded scenarios for examples with the same parameters."""

    gathered: LoadedScenarios
    catalog: Catalog

    def example(self, planned: PlannedExample) -> ExampleEntry | None:
        """Return the typed example; None if its file is disabled."""
        place = (planned.file, planned.number)
        return next((each for each in self.gathered.examples if (each.file, each.number) == place), None)


Watch: TypeAlias = Callable[[Engine, Decision, Outcome], None]
"""Callback for each request: the engine, the decision before counting, the outcome."""


class Suite:
    """The examples of the user's files, and of packs that are named or are among the files.
    Shipped, locked and installed packs that are only used are omitted: their authors test them."""

    def __init__(self, sources: ScenarioSources, watch: Watch | None = None) -> None:
        sources = replace(sources, settings=replace(sources.settings, environment={}))
        base = load_scenarios(sources)
        self._watch = watch
        self.diagnostics: Sequence[Diagnostic] = base.diagnostics
        """Mistakes of the files. With mistakes no example is run."""
        self._worlds: dict[str, World | Sequence[Diagnostic]] = {}
        self.planned: list[PlannedExample] = []
        self.untested: list[str] = []
        """The packs of other teams in use, whose examples are not run."""
        if not base.diagnostics:
            self.planned += _planned(sources, base, None)
            for pack in base.loaded.packs:
                if _is_tested(pack, sources):
                    alone = _alone(pack, sources)
                    self.planned += _planned(alone, load_scenarios(alone), pack.manifest.name)
                elif pack.origin in ("locked", "installed"):
                    self.untested.append(pack.manifest.name)

    def run(self, name: str = "") -> Iterator[ExampleResult]:
        """Run the examples whose name (in any case) or position contains this text."""
        for planned in self.planned:
            if name.lower() in planned.name.lower() or name in planned.where:
                yield from self._run(planned)

    def _run(self, planned: PlannedExample) -> Iterator[ExampleResult]:
        world = self._world(planned)
        if not isinstance(world, World):
            wrong = Mismatch("with", "values that load", "; ".join(map(str, world)))
            yield ExampleResult(planned.where, planned.name, None, (FailedStep(None, wrong),))
            return
        entry = world.example(planned)
        if entry is None:
            wrong = Mismatch("with", "values that enable its file", "the file is disabled")
            yield ExampleResult(planned.where, planned.name, None, (FailedStep(None, wrong),))
            return
        for provider in providers_of(entry):
            engine = Engine(world.catalog, EngineState())
            failed = tuple(_failures(entry, provider, engine, self._watch))
            yield ExampleResult(entry.file_and_line, entry.name, provider, failed)

    def _world(self, planned: PlannedExample) -> World | Sequence[Diagnostic]:
        """Return the world of an example, loaded once for all examples with the same parameters."""
        group = planned.group
        key = repr((group.scenarios, group.packs, sorted(planned.values.items())))
        if key not in self._worlds:
            settings = replace(group.settings, values=planned.values)
            gathered = load_scenarios(replace(group, settings=settings))
            self._worlds[key] = gathered.diagnostics or World(
                gathered, run_steps(compile_catalog(gathered.entries))
            )
        return self._worlds[key]


def tested_examples(gathered: LoadedScenarios, sources: ScenarioSources) -> list[ExampleEntry]:
    """Return the examples of the user's files, and of packs that are named or are among the files."""
    tested = {pack.manifest.name for pack in gathered.loaded.packs if _is_tested(pack, sources)}
    return [each for each in gathered.examples if each.pack is None or each.pack in tested]


def _is_tested(pack: UsedPack, sources: ScenarioSources) -> bool:
    """Return whether to test a pack: it is named, or it is a local pack."""
    if pack.manifest.name in _named(sources):
        return True
    folder = os.path.realpath(pack.folder)
    if any(os.path.realpath(source) == folder for source in sources.scenarios):
        return True
    if pack.origin in ("locked", "installed"):
        return False
    found = bundled_pack(pack.manifest.name)
    return found is None or os.path.realpath(found) != folder


def _named(sources: ScenarioSources) -> list[str]:
    """Return the names of the packs, without version ranges."""
    return [name.partition("@")[0] for name in sources.packs]


def _alone(pack: UsedPack, sources: ScenarioSources) -> ScenarioSources:
    """Return the sources for a pack and the packs that it uses, with the settings for these."""
    found = bundled_pack(pack.manifest.name)
    named = found is not None and Path(pack.folder).resolve() == found.resolve()
    named = named or pack.origin in ("locked", "installed")
    scenarios, packs = ((), (pack.manifest.name,)) if named else ((pack.shown,), ())
    lock = sources.lock or lock_path(sources.scenarios)
    alone = ScenarioSources(
        scenarios, packs, known_names=sources.known_names, lock=lock, frozen=sources.frozen
    )
    if not sources.settings.sets:
        return alone
    used = load_files(alone.scenarios, alone.packs, resolver=PackResolver.for_lock(lock)).packs
    params = [(each.manifest.name, param) for each in used for param in each.params.kinds]
    known = {name for pack_name, param in params for name in (param, f"{pack_name}.{param}")}
    sets = [text for text in sources.settings.sets if text.partition("=")[0].strip() in known]
    return replace(alone, settings=ParamSettings(sets))


def _planned(group: ScenarioSources, gathered: LoadedScenarios, pack: str | None) -> Iterator[PlannedExample]:
    """Yield the examples of the user's files, or of one pack. For a disabled file, yield examples that set
    parameters, which may enable the file."""
    for entry in gathered.examples:
        if entry.pack == pack:
            yield PlannedExample(
                group, entry.file_and_line, entry.name, entry.file, entry.number, entry.spec.with_
            )
    for file in gathered.loaded.disabled:
        if file.pack == pack:
            yield from _enabling(group, file)


def _enabling(group: ScenarioSources, file: LoadedFile) -> Iterator[PlannedExample]:
    found = file.source.data.get("examples")
    for number, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, dict) and isinstance(item.get("with"), dict):
            where = f"{file.source.name}:{file.source.position(('examples', number)).line}"
            name = str(item.get("name", f"examples[{number}]"))
            yield PlannedExample(group, where, name, file.path, number, item["with"])


def steps_of(entry: ExampleEntry) -> Sequence[ExampleStep]:
    return [entry.spec] if entry.spec.steps is None else entry.spec.steps


def providers_of(entry: ExampleEntry) -> Sequence[str | None]:
    """Return the providers that the requests of the example list."""
    listed = [step.request.provider for step in steps_of(entry)]
    names = [name for each in listed if isinstance(each, list) for name in each]
    return list(dict.fromkeys(names)) or [None]


def _failures(
    entry: ExampleEntry, provider: str | None, engine: Engine, watch: Watch | None
) -> Iterator[FailedStep]:
    """Send the steps in order and yield the failed expectations."""
    now = NOW
    for number, step in enumerate(steps_of(entry), 1):
        place = None if entry.spec.steps is None else number
        now += step.after or 0.0
        try:
            outcome = _send(step, provider, engine, now, watch)
        except UnsupportedCall as error:
            yield FailedStep(place, Mismatch("request", "a supported call", str(error)))
            return
        now += outcome.duration
        if outcome.response.slot is not None:
            outcome.response.slot.release()
        for mismatch in mismatches(step.expect, outcome):
            yield FailedStep(place, mismatch)


def _send(
    step: ExampleStep, provider: str | None, engine: Engine, now: float, watch: Watch | None
) -> Outcome:
    chosen = chosen_provider(step.request, provider)
    request = build_sent_request(step.request, chosen).read_by(engine, now)
    report = MismatchReport(engine, request)
    outcome = Outcome(request, engine.respond(request), report.lines)
    if watch is not None:
        watch(engine, report.decision, outcome)
    return outcome
