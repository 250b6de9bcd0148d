"""The scenarios and packs that a command loads. Missing packs of `mockllm.lock` are fetched before."""

from __future__ import annotations

import os
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mockllm.cli.option import BadOption
from mockllm.cli.option_values import OptionValues
from mockllm.core.display import counted
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.file_loader import NO_FOLDER
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.lockfile import LOCK_FILE, lock_path, read_lock
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.scenario_folder import has_scenario_files, is_pack, listed_files

FOLDER: Final = "scenarios"
DEFAULT_PACK: Final = "default"


def _packs(values: OptionValues) -> list[str]:
    return [name for names in values["pack"] or () for name in names.split(",") if name]


def uses_default_pack(values: OptionValues) -> bool:
    """Return whether the pack `default` is served: no sources in the options, and no scenario files."""
    if values["scenarios"] or _packs(values) or values.get("record_misses") or values.get("no_default"):
        return False
    return not has_scenario_files(Path(FOLDER))


def misnamed_files() -> list[Diagnostic]:
    """Return the warnings about files in `./scenarios` that are not loaded because of their names. The pack `default`
    may be used in place of that folder because of that."""
    if not Path(FOLDER).is_dir():
        return []
    from mockllm.scenario.file_lint import misnamed_file  # a start with scenarios needs no warnings

    return [misnamed_file(os.path.join(FOLDER, name)) for name in listed_files(Path(FOLDER))[1]]


def note_default_pack(values: OptionValues) -> None:
    """Print to standard error that the pack `default` is used, in case the user meant another folder."""
    if uses_default_pack(values):
        print(f"No scenario files in ./{FOLDER}; using the pack `{DEFAULT_PACK}`.", file=sys.stderr)


def scenario_sources(values: OptionValues, environment: Mapping[str, str]) -> ScenarioSources:
    """Return the sources to load. Without folders and packs: `./scenarios` if it contains files, else the pack
    `default` until it does; with `--no-default`, none. The folder of `--record-misses` comes last."""
    scenarios = list(values["scenarios"] or ())
    if "" in scenarios:
        raise BadOption("expected a folder or a file of scenarios, found an empty text")
    packs, awaited = _packs(values), None
    if uses_default_pack(values):
        packs, awaited = [DEFAULT_PACK], FOLDER
    elif not (scenarios or packs or values.get("no_default")) and Path(FOLDER).is_dir():
        scenarios = [FOLDER]
    recorded = values.get("record_misses")
    if recorded and not any(
        Path(recorded).resolve().is_relative_to(Path(folder).resolve()) for folder in scenarios
    ):
        scenarios.append(recorded)  # recordings are served from then on
    settings = ParamSettings(tuple(values["set"] or ()), dict(environment))
    lock = None if scenarios or packs else os.path.join(NO_FOLDER, LOCK_FILE)  # rules of the API use no packs
    sources = ScenarioSources(
        scenarios,
        packs,
        settings,
        known_names(),
        lock=lock,
        frozen=bool(values.get("frozen")),
        awaited=awaited,
    )
    lock = lock or lock_path(scenarios)
    if not sources.frozen and os.path.isfile(lock):
        fetch_missing(lock)
    return sources


@contextmanager
def sources_step(sources: ScenarioSources) -> Iterator[None]:
    """Show on standard error that scenarios are loaded in this block, if that takes long."""
    from mockllm.cli.progress_bar import shown_step

    packs = counted(len(sources.packs), "pack") if len(sources.packs) > 1 else "".join(sources.packs)
    with shown_step(f"loads {', '.join(filter(None, (*sources.scenarios, packs)))}"):
        yield


def read_input(name: str, stdin_name: str) -> tuple[bytes, str]:
    """Return the bytes and the name of a file; `-` is standard input. Raise BadOption if it cannot be read."""
    if name == "-":
        return sys.stdin.buffer.read().removeprefix(BOM_UTF8), stdin_name
    try:
        return Path(name).read_bytes().removeprefix(BOM_UTF8), name  # some editors and shells write it
    except OSError as error:
        raise BadOption(f"{name}: {error.strerror}") from None


def known_names() -> KnownNames:
    """Return the names of providers, dialects and calls."""
    from mockllm.engine.known_names import KNOWN_NAMES  # not all commands need an engine

    return KNOWN_NAMES


def fetch_missing(path: str) -> bool:
    """Fetch the missing packs of the lock at a path, with a line for each on standard error. Return whether all packs
    exist now. Report packs that cannot be fetched; loading reports them again, with their positions."""
    lock = read_lock(path)
    missing = [
        name
        for name in lock.packs
        if not (is_pack(lock.vendored_path(name)) or is_pack(lock.fetched_path(name)))
    ]
    if not missing:
        return True
    from mockllm.cli.progress_bar import shown_fetches
    from mockllm.packing.lockfile_editor import LockfileEditor  # imports git and archives
    from mockllm.scenario.pack_files import PackRejected

    locking, complete = LockfileEditor(path), True
    for name in missing:
        try:
            with shown_fetches():
                changes = list(locking.fetch([name]))
            for change in changes:
                print(f"fetched {change.name} {change.now} from {change.source}", file=sys.stderr)
        except PackRejected as error:
            complete = False
            print(f"mockllm: {error}", file=sys.stderr)
    return complete
