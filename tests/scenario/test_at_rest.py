"""Files that change while they are read are read again, so that no two versions answer together."""

from __future__ import annotations

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
def test_files_are_read_until_they_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: int, readings: int
) -> None:
    write(tmp_path / "a.yaml", "version-0")
    wanted = ScenarioSources([str(tmp_path)])
    first = load_scenarios(wanted).loading
    made: list[LoadedScenarios] = []

    def disturbed(wanted: ScenarioSources, last: LoadedFiles | None = None) -> LoadedScenarios:
        gathered = load_scenarios(wanted, last)
        made.append(gathered)
        if len(made) <= changes:
            write(tmp_path / "a.yaml", "version-" + "x" * len(made))
        return gathered

    monkeypatch.setattr(reload_worker, "load_scenarios", disturbed)
    found = load_stable(wanted, first)
    assert len(made) == readings
    assert found is made[-1]


def test_a_fingerprint_tells_every_way_of_changing(tmp_path: Path) -> None:
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
