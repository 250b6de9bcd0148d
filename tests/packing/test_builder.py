"""Wheels and zips of packs: the same bytes each time, and usable by name once installed."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from mockllm.packing.builder import build
from mockllm.scenario.pack_files import PackRejected
from tests.packing.pack_files import EXAMPLE, RULES, all_files, manifest, pack, run, write

ROOT = Path(__file__).parents[2]
MORE = 'description: Says hi.\nlicense: MIT\nrequires: {mockllm: ">=0.1, <9", language: 1}'


def test_same_files_produce_the_same_bytes(tmp_path: Path) -> None:
    one, other = pack(tmp_path / "one", more=MORE), pack(tmp_path / "other", more=MORE)
    os.utime(other / "rules.yaml", (0, 0))
    (other / "rules.yaml").chmod(0o755)
    write(other, {".git/config": "x", "dist/old.whl": "x"})
    first, second = build(one, tmp_path / "a"), build(other, tmp_path / "b")
    assert [path.name for path in first] == ["mockllm_pack_team_x-1.0.0-py3-none-any.whl", "team-x-1.0.0.zip"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_wheel_metadata_describes_the_pack(tmp_path: Path) -> None:
    wheel = build(pack(tmp_path / "p", version="2.0.0-rc.1", more=MORE), tmp_path)[0]
    with zipfile.ZipFile(wheel) as archive:
        about = "mockllm_pack_team_x-2.0.0rc1.dist-info"
        names = archive.namelist()
        metadata = archive.read(f"{about}/METADATA").decode()
        points = archive.read(f"{about}/entry_points.txt").decode()
        record = archive.read(f"{about}/RECORD").decode()
    assert names[-1] == f"{about}/RECORD"
    assert {"mockllm_pack_team_x/pack.yaml", "mockllm_pack_team_x/rules.yaml"} <= set(names)
    assert all(f"{name}," in record for name in names)
    assert "Requires-Dist: mockllm-scenarios (>=0.1,<9)\n" in metadata
    assert "Summary: Says hi.\n" in metadata
    assert points == "[mockllm.packs]\nteam/x = mockllm_pack_team_x\n"


@pytest.mark.parametrize("out", ["p", "p/out", "p/a/dist", "p/link/..", "p/../p/out"])
def test_archives_among_the_files_of_the_pack_are_refused(tmp_path: Path, out: str) -> None:
    folder = pack(tmp_path / "p")
    with pytest.raises(
        PackRejected, match="the next build would contain the archives; choose dist in it, or a"
    ):
        build(folder, tmp_path / out)
    assert all_files(folder) == {"pack.yaml", "rules.yaml"}


@pytest.mark.parametrize("out", ["p/dist", "p/dist/a", "p/.out", "p-out", "."])
def test_archives_beside_the_files_of_the_pack_are_built(tmp_path: Path, out: str) -> None:
    folder = pack(tmp_path / "p")
    first = [path.read_bytes() for path in build(folder, tmp_path / out)]
    assert [path.read_bytes() for path in build(folder, tmp_path / out)] == first


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"pack.yaml": manifest(version="one")}, '"one" is not a version'),
        (
            {"pack.yaml": manifest(version="1.0.0-nightly.3")},
            'a wheel cannot have the version "1.0.0-nightly.3"',
        ),
        ({"pack.yaml": manifest(), "a.yaml": "rules: [{repli: x}]"}, "a.yaml:1:10: rules[0].repli"),
        ({"pack.yaml": manifest(), "run.sh": "x"}, '"run.sh" is code'),
        ({"a.yaml": RULES}, "p is not a pack: it contains no pack.yaml"),
        ({"run.py": "x", "deep/.gitkeep": ""}, "p is not a pack: it contains no pack.yaml"),
        ({"pack.yaml": "name: x\n"}, 'pack.yaml:1:1: missing key "version"'),
    ],
    ids=[
        "no version",
        "a version that no wheel has",
        "a mistake",
        "code",
        "no manifest",
        "a project",
        "half a manifest",
    ],
)
def test_invalid_pack_is_not_built(
    files: dict[str, str], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "p", files)
    assert run("pack", "build", folder, "--out", tmp_path / "out") == 1
    assert message in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_missing_folder_is_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PackRejected, match="No such file"):
        build(tmp_path / "none", tmp_path)
    assert run("pack", "build", tmp_path / "none") == 1
    assert capfd.readouterr().err == f"mockllm: there is no folder {tmp_path / 'none'}\n"


def environment(folder: Path) -> Path:
    """A separate Python environment, which finds this project and what it needs."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = next(
        path for path in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if path.exists()
    )
    line = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(
        subprocess.run([python, "-c", line], capture_output=True, encoding="utf-8", check=True).stdout.strip()
    )
    here = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    (site / "here.pth").write_text("\n".join(here) + "\n")
    return python


def command(python: Path, *line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, *line], cwd=cwd, capture_output=True, encoding="utf-8", timeout=100)


@pytest.mark.full
def test_installed_wheel_is_used_by_its_name(tmp_path: Path) -> None:
    wheel = build(pack(tmp_path / "p", more=MORE, rules=RULES + EXAMPLE), tmp_path)[0]
    python = environment(tmp_path / "venv")
    work = write(tmp_path / "work", {"scenarios/a.yaml": 'use: ["team/x@^1"]\n' + EXAMPLE})

    before = command(python, "-m", "mockllm", "check", cwd=work)
    assert before.returncode == 1
    assert 'there is no pack "team/x"' in before.stdout

    offline = ["--no-deps", "--no-index", "--disable-pip-version-check", "--quiet"]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", *offline, str(wheel)]
    done = subprocess.run(pip, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=100)
    assert done.returncode == 0, done.stderr

    for line in (["check"], ["test"], ["test", "--pack", "team/x"], ["pack", "info", "team/x"]):
        after = command(python, "-m", "mockllm", *line, cwd=work)
        assert after.returncode == 0, f"{line}: {after.stdout}{after.stderr}"
    listed = command(python, "-m", "mockllm", "pack", "list", cwd=work).stdout
    assert "team/x            1.0.0  installed" in listed

    frozen = command(python, "-m", "mockllm", "check", "--frozen", cwd=work)
    assert frozen.returncode == 1
    assert "is installed, but not in mockllm.lock, and --frozen uses nothing else" in frozen.stdout
    added = command(python, "-m", "mockllm", "pack", "add", "team/x", cwd=work)
    assert added.stdout.startswith("added team/x 1.0.0 from installed:team/x"), added.stderr
    assert command(python, "-m", "mockllm", "check", "--frozen", cwd=work).returncode == 0
    assert "scenarios/a.yaml" in all_files(work)
