"""Hostile local folders: served or checked in place, they neither block the process nor reach other files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packing.pack_files import RULES, pack, run, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such files there")


def piped(folder: Path) -> None:
    os.mkfifo(folder / "wait.yaml")


def piped_manifest(folder: Path) -> None:
    (folder / "pack.yaml").unlink()
    os.mkfifo(folder / "pack.yaml")


def deep(folder: Path) -> None:
    (folder / "/".join("d" * 400)).mkdir(parents=True)


CASES: list[tuple[str, Callable[[Path], object], str]] = [
    ("a pipe", piped, "p/wait.yaml: cannot be read: it is not a file, but a pipe or a device"),
    (
        "a device",
        lambda folder: (folder / "zero.yaml").symlink_to("/dev/zero"),
        "a link that leads out of the pack",
    ),
    (
        "a link out",
        lambda folder: (folder / "p.yaml").symlink_to("/etc/passwd"),
        "a link that leads out of the pack",
    ),
    ("folders without end", deep, "cannot be read: more than 64 folders below each other"),
    (
        "a body outside",
        lambda folder: write(folder, {"b.yaml": "rules: [{http: {body_file: ../secret}}]"}),
        "is outside",
    ),
]


@pytest.mark.parametrize(("make", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_hostile_folder_is_reported_without_hanging(
    make: Callable[[Path], object],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    make(pack(Path("p")))
    assert run("check", "p") in (1, 2)
    assert message in capfd.readouterr().out
    write(Path(), {"scenarios/a.yaml": "use: [./x]\n"})
    make(pack(Path("scenarios/x")))
    assert run("check") in (1, 2)
    assert message.removeprefix("p/") in capfd.readouterr().out


def test_pipe_as_manifest_is_not_a_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    piped_manifest(pack(Path("p")))
    write(Path(), {"scenarios/a.yaml": "use: [../p]\n"})
    assert run("check") == 1
    assert "is not a pack: it contains no pack.yaml" in capfd.readouterr().out


def test_installed_pack_with_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    built = pack(Path("p"), name="default")
    monkeypatch.setattr(
        "mockllm.scenario.pack_resolver.installed_packs", lambda: {"team/x": built, "default": built}
    )
    write(Path(), {"scenarios/a.yaml": "use: [team/x]\n"})
    assert run("check") == 1
    assert 'the pack that is installed as "team/x" has the name "default"' in capfd.readouterr().out
    write(Path(), {"scenarios/a.yaml": "use: [default]\n"})
    assert run("check") == 0
    assert "2 files" not in capfd.readouterr().out, "what ships goes before what is installed"


def test_installed_pack_with_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    built = write(pack(Path("p")), {"__init__.py": "raise SystemExit('code ran')\n", "rules.yaml": RULES})
    monkeypatch.setattr("mockllm.scenario.pack_resolver.installed_packs", lambda: {"team/x": built})
    write(Path(), {"scenarios/a.yaml": "use: [team/x]\n"})
    assert run("check") == 1
    assert (
        'the installed pack "team/x" is refused: "__init__.py" is code; a pack is data'
        in capfd.readouterr().out
    )
