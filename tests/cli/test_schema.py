"""`mockllm schema`: printed, written, and checked for drift."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockllm.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["scenario.schema.json", "pack.schema.json"]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["schema", *arguments])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def test_schema_help_has_original_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "\nWrite the JSON Schemas of scenario files and packs.\n" in capsys.readouterr().out


def test_committed_schemas_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--check", str(ROOT / "schemas")) == 0, "run `mockllm schema --out schemas`"
    assert capsys.readouterr().err == ""


def test_schema_writes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run() == 0
    assert run("--out", "deep/down") == 0
    for folder in (tmp_path / "schemas", tmp_path / "deep" / "down"):
        assert sorted(item.name for item in folder.iterdir()) == sorted(NAMES)


def test_schema_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run("--out", str(tmp_path / "file")) == 1
    assert capsys.readouterr().err == f"mockllm: {tmp_path / 'file' / NAMES[0]}: File exists\n"


def test_schema_check_reports_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--out", str(tmp_path))
    capsys.readouterr()
    (tmp_path / NAMES[0]).write_text("{}", encoding="utf-8")
    (tmp_path / NAMES[1]).unlink()
    assert run("--check", str(tmp_path)) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path / name}: out of date; run `mockllm schema --out {tmp_path}`" for name in NAMES
    ]


@pytest.mark.parametrize("kind", ["scenario", "pack"])
def test_schema_prints_one(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(kind) == 0
    printed = capsys.readouterr().out
    assert printed == (ROOT / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8")
    assert json.loads(printed)["type"] == "object"


def test_printing_and_writing_at_once_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "--out", "x") == 2
    assert "not allowed with" in capsys.readouterr().err
