"""`scripts/release --dry-run`: what it refuses, in a repository with the files that it reads."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mockllm import __version__
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
READ = (
    "scripts/release",
    "mockllm/__init__.py",
    "CHANGELOG.md",
    "clients/js/package.json",
    "clients/java/pom.xml",
    "deploy/helm/mockllm/Chart.yaml",
)
pytestmark = [pytest.mark.needs("bash"), pytest.mark.needs("git")]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in READ:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(repository: Path, *args: str) -> None:
    own = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *own, *args], cwd=repository, check=True, capture_output=True, timeout=PATIENCE)


def commit(repository: Path) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "all")


def release(repository: Path, *options: str) -> subprocess.CompletedProcess[str]:
    line = ["bash", "scripts/release", "--dry-run", *options]
    return subprocess.run(line, cwd=repository, capture_output=True, text=True, timeout=PATIENCE)


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def test_dry_run_says_what_a_release_has(repository: Path) -> None:
    done = release(repository, "--no-checks", "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Version {__version__} would be in out: notes.md, wheel, source archive" in done.stdout
    assert not (repository / "out").exists()


def test_changed_working_tree_is_refused(repository: Path) -> None:
    (repository / "left.txt").touch()
    done = release(repository, "--no-checks")
    assert (done.returncode, "commit them first" in done.stderr) == (1, True)


def test_tag_that_exists_is_refused(repository: Path) -> None:
    git(repository, "tag", f"v{__version__}")
    done = release(repository, "--no-checks")
    assert (done.returncode, "raise __version__" in done.stderr) == (1, True)


@pytest.mark.parametrize("file", READ[3:])
def test_client_of_another_version_is_refused(repository: Path, file: str) -> None:
    replace(repository / file, __version__, "9.9.9") if "Chart" not in file else chart(repository / file)
    commit(repository)
    done = release(repository, "--no-checks")
    assert (done.returncode, f"{file} has version 9.9.9" in done.stderr) == (1, True)


def chart(file: Path) -> None:
    line = next(line for line in file.read_text("utf-8").splitlines() if line.startswith("appVersion:"))
    replace(file, line, 'appVersion: "9.9.9"')


def test_version_without_changes_is_refused(repository: Path) -> None:
    replace(repository / "CHANGELOG.md", f"## {__version__}", "## 9.9.9")
    commit(repository)
    done = release(repository, "--no-checks")
    assert (done.returncode, "no section" in done.stderr) == (1, True)


def test_changes_without_a_date_are_refused(repository: Path) -> None:
    if "(not yet released)" not in (repository / "CHANGELOG.md").read_text("utf-8"):
        replace(repository / "CHANGELOG.md", f"## {__version__}", f"## {__version__} (not yet released)")
        commit(repository)
    done = release(repository)
    assert (done.returncode, "write its date" in done.stderr) == (1, True)
