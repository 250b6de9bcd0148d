"""Folders of files and packs for tests of loading."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.scenario.file_loader import LoadedFiles


def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder to work in, with two bundled packs."""
    write_files(
        tmp_path / "shipped",
        **{"default/pack.yaml": pack_yaml("default", "use: [controls]"), "default/made.yaml": "rules: []"},
    )
    write_files(
        tmp_path / "shipped", **{"controls/pack.yaml": pack_yaml("controls"), "controls/c.yaml": "rules: []"}
    )
    monkeypatch.setattr("mockllm.scenario.pack_resolver._bundled_folder", lambda: tmp_path / "shipped")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def write_files(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def pack_yaml(name: str, more: str = "") -> str:
    return f'name: {name}\nversion: "1.0"\nparams: {{n: {{type: integer, default: 1}}}}\n{more}\n'


def file_ids(loaded: LoadedFiles) -> list[str]:
    assert [str(diagnostic) for diagnostic in loaded.diagnostics] == []
    return [file.id for file in loaded.files]
