"""Suites of files that a test writes."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.manifest import ParamSettings
from mockllm.testing.example_runner import ExampleResult, Suite

KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)


def write(folder: Path, **files: str) -> None:
    """Files of a folder; `__` in a name is a slash, and each ends in .yaml."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


def suite(folder: Path, packs: tuple[str, ...] = (), sets: tuple[str, ...] = (), **environment: str) -> Suite:
    return Suite(ScenarioSources((str(folder),), packs, ParamSettings(sets, environment), KNOWN_NAMES))


def results(folder: Path, name: str = "") -> list[ExampleResult]:
    """How all examples of a folder went; it has no mistakes."""
    built = suite(folder)
    assert [str(mistake) for mistake in built.diagnostics] == []
    return list(built.run(name))


def stated(found: list[ExampleResult]) -> list[str]:
    """Each result in a line: its name, its provider, and what did not hold."""
    lines = []
    for result in found:
        provider = f" ({result.provider})" if result.provider else ""
        lines.append(f"{'ok' if result.passed else 'FAIL'} {result.name}{provider}")
        for failed in result.failed:
            step = f"{failed.step}: " if failed.step else ""
            lines.append(f"  {step}{failed.mismatch}")
            lines += [f"    {note}" for note in failed.mismatch.notes]
    return lines
