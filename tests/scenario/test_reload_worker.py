"""Files that change while they are read are read again, so that two versions are never used together."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from mockllm.scenario import reload_worker
from mockllm.scenario.file_loader import LoadedFiles
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.reload_worker import MAX_READS, load_stable
from mockllm.scenario.scenario_folder import fingerprint


def write(path: Path, name: str) -> None:
    path.write_text(f"mockllm: 1\nrules: [{{name: {name}, reply: x}}]\n")


@pytest.mark.parametrize(
    ("changes", "readings"),
    [(0, 1), (1, 2), (3, 4), (1000, MAX_READS)],
    ids=["files at rest", "one change", "several", "never at rest: taken as it is in the end"],
)
def test_load_stable_changing_file_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: int, readings: int
) -> None:
    write(tmp_path / "a.yaml", "version-0")
    expected = ScenarioSources([str(tmp_path)])
    first = load_scenarios(expected).loaded
    result: list[LoadedScenarios] = []

    def disturbed(expected: ScenarioSources, last: LoadedFiles | None = None) -> LoadedScenarios:
        scenarios = load_scenarios(expected, last)
        result.append(scenarios)
        if len(result) <= changes:
            write(tmp_path / "a.yaml", "version-" + "x" * len(result))
        return scenarios

    monkeypatch.setattr(reload_worker, "load_scenarios", disturbed)
    found_values = load_stable(expected, first)
    assert len(result) == readings
    assert found_values is result[-1]


def test_fingerprint_differs_after_every_change(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    write(file, "one")
    seen = {fingerprint([tmp_path])}
    write(tmp_path / "b.yaml", "two")
    seen.add(fingerprint([tmp_path]))
    (tmp_path / "b.yaml").replace(file)
    seen.add(fingerprint([tmp_path]))
    file.unlink()
    seen.add(fingerprint([tmp_path]))
    assert len(seen) == 4
    (tmp_path / ".hidden").write_text("x")
    assert fingerprint([tmp_path]) in seen


def test_watched_files_are_scenarios_and_files_they_name(tmp_path: Path) -> None:
    replies = ("{text: {file: here.md}}", "{images: [late.png]}", "{text: {file: ../out.md}}")
    rules = f"rules: [{', '.join(f'{{reply: {reply}}}' for reply in replies)}]"
    for name, text in {"a.yaml": rules, "here.md": "text", "out.log": "", "b.txt": ""}.items():
        (tmp_path / name).write_text(text)
    loaded = load_scenarios(ScenarioSources([str(tmp_path)])).loaded
    named = {str(tmp_path / "here.md"), str(tmp_path / "late.png")}
    assert {path for path in loaded.trees if path != str(tmp_path)} == named
    watched = {Path(path).name for path, *_ in fingerprint(loaded.trees)}
    assert watched == {"a.yaml", "here.md"}


@pytest.mark.parametrize("step", ["scenario.typed_entries.read_spec", "scenario.compiler.entry_matcher"])
def test_unexpected_exception_concerns_its_own_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write(tmp_path / "a.yaml", "one")
    write(tmp_path / "b.yaml", "one")
    sources = ScenarioSources([str(tmp_path)])
    first = load_scenarios(sources).loaded
    module, _, name = f"mockllm.{step}".rpartition(".")
    works = getattr(importlib.import_module(module), name)

    def fails(*arguments: object, **named: object) -> object:
        if "two" in repr(arguments) and "a.yaml" in repr(arguments):
            raise TypeError("no pattern")
        return works(*arguments, **named)

    monkeypatch.setattr(f"mockllm.{step}", fails)
    write(tmp_path / "a.yaml", "two")
    write(tmp_path / "b.yaml", "three")
    found = load_stable(sources, first)
    assert sorted(entry.id for entry in found.entries) == ["a.yaml:one", "b.yaml:three"]
    (stale,) = found.stale
    assert stale.file == str(tmp_path / "a.yaml")
    assert stale.in_use
    assert stale.reason.endswith(
        "a.yaml:2:9: rules[0]: cannot be used: TypeError: no pattern; please report this"
    )
