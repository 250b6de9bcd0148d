"""Warnings about files and packs as wholes: files without an effect, and parameters that nothing uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.loader import LoadedScenarios
from mockllm.scenario.pack_graph import UsedPack
from mockllm.scenario.scenario_folder import UNDECODED

_CONTENT: Final = ("use", "rules", "modifiers", "mcp", "examples")
"""The keys by which a file has an effect."""
_WORD: Final = re.compile(r"[\w-]+")


def file_warnings(scenarios: LoadedScenarios) -> Iterator[Diagnostic]:
    """Warn about files that are not loaded because of their name, and about files without content."""
    yield from map(misnamed_file, scenarios.loaded.misnamed)
    broken = {diagnostic.file for diagnostic in scenarios.diagnostics}
    for file in scenarios.loaded.files:
        if file.source.name in broken or any(file.source.data.get(key) for key in _CONTENT):
            continue
        what = "has no rules, modifiers, examples or packs" if file.source.data else "is empty"
        yield Diagnostic(file.source.name, 1, 1, "", f"the file {what}")
    yield from _examples_that_expect_nothing(scenarios)


def misnamed_file(name: str) -> Diagnostic:
    """Return the warning about a file that is not loaded because of its name."""
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    wanted = "is UTF-8" if UNDECODED.search(name) else "ends with .yaml or .yml"
    return Diagnostic(shown, 0, 0, "", f"not loaded: the name of a scenario file {wanted}")


def _examples_that_expect_nothing(scenarios: LoadedScenarios) -> Iterator[Diagnostic]:
    files = {file.path: file for file in scenarios.loaded.files}
    for example in scenarios.examples:
        if not any(step.expect.model_fields_set for step in example.spec.steps or (example.spec,)):
            message = "this example expects nothing, so it passes whatever the response is; add expect"
            yield files[example.file].source.diagnostic(("examples", example.number), message)


def unused_params(pack: UsedPack, files: Iterable[LoadedFile]) -> Iterator[Diagnostic]:
    """Warn about parameters of a pack whose names occur nowhere in its files."""
    words: set[str] = set(_words({key: value for key, value in pack.source.data.items() if key != "params"}))
    for file in files:
        if file.pack == pack.manifest.name:
            words.update(_words(file.raw.data))
            for content in file.references.values():
                words.update(_words(content.decode("utf-8", "replace")))
    for name in pack.manifest.params:
        if name not in words:
            yield pack.source.diagnostic(
                ("params", name), "no file of the pack uses this parameter", key=True
            )


def _words(value: Json) -> Iterator[str]:
    """Yield the words of all keys and texts of a value."""
    if isinstance(value, str):
        yield from _WORD.findall(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _WORD.findall(key)
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
