"""Git is bounded: what it fetches and says, in bytes and in time, and a repository that unfolds without end."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.packing import git as fetching
from tests.packing.git_server import GitServer
from tests.packing.pack_files import all_files, git, pack, repository, run, tagged, write
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its stand-ins for git are shell scripts")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path / "work", {"scenarios/a.yaml": "rules: []\n"}))
    monkeypatch.setenv("TMPDIR", str(write(tmp_path / "tmp", {"keep": ""})))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))


@pytest.fixture
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert all_files(Path()) == {"scenarios/a.yaml"}
    assert all_files(tmp_path / "tmp") == {"keep"}


def replace_git(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A git that is this script; `$last` is its last argument, `$dir` its --git-dir."""
    find = 'dir=; take=; for last; do [ "$take" ] && dir="$last"; take=; [ "$last" = --git-dir ] && take=1; done\n'
    built = write(folder / "bin", {"git": f"#!/bin/sh\n{find}{script}"})
    (built / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{built}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("_nothing_left")
@pytest.mark.parametrize("at", ["@v1.0.0", "", "@0123456789", "@" + "0" * 40])
def test_large_repository_does_not_fill_the_disk(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetching, "MAX_FETCH", 2**20)
    endless = 'while :; do head -c 65536 /dev/zero >> "$dir/pack"; done'
    cases = f'case "$*" in *ls-remote*) echo "0 refs/tags/v1.0.0";; *fetch*) {endless};; esac\n'
    replace_git(tmp_path, monkeypatch, cases)
    assert run("pack", "add", f"https://git.example/x.git{at}") == 1
    output = capfd.readouterr().err
    assert "the repository contains more than 1 MiB; use a tag or a full commit" in output


@pytest.mark.usefixtures("_nothing_left")
def test_repository_fetched_between_checks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetching, "MAX_FETCH", 2**20)
    built = repository(tmp_path / "repo", "1.0.0")
    (built / "noise.bin").write_bytes(os.urandom(2**21))
    tagged(built, "v2.0.0")
    assert run("pack", "add", built.as_uri()) == 1
    assert "the repository contains more than 1 MiB" in capfd.readouterr().err


@pytest.mark.usefixtures("_nothing_left")
def test_surviving_child_of_git_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Git ends before those whom it started: one of them goes on writing until its folder is gone."""
    monkeypatch.setattr(fetching, "MAX_FETCH", 2**20)
    writing = 'i=0; while echo > "$dir/object$i"; do i=$(((i+1)%20)); done'
    child = f'({writing}) 2>&- & head -c 2097152 /dev/zero > "$dir/pack"; sleep 5'
    replace_git(tmp_path, monkeypatch, f'case "$*" in *fetch*) {child};; esac\n')
    assert run("pack", "add", "https://git.example/x.git@v1.0.0") == 1
    assert "the repository contains more than 1 MiB" in capfd.readouterr().err


@pytest.mark.usefixtures("_nothing_left")
def test_git_with_endless_output_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetching, "MAX_OUTPUT", 2**20)
    replace_git(tmp_path, monkeypatch, "exec yes '0 refs/tags/v1'\n")
    assert run("pack", "add", "https://git.example/x.git") == 1
    assert "git writes more output than a repository of packs can have" in capfd.readouterr().err


@pytest.mark.usefixtures("_nothing_left")
def test_git_that_ignores_sigterm_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetching, "GIT_TIMEOUT", 0.1)
    monkeypatch.setattr(fetching, "GRACE", 0.1)
    replace_git(tmp_path, monkeypatch, "trap '' TERM\nwhile :; do :; done\n")
    assert run("pack", "add", "https://git.example/x.git@v1") == 1
    assert "git did not end within 0.1 s" in capfd.readouterr().err


@pytest.mark.usefixtures("_nothing_left")
def test_objects_that_expand_to_a_billion_files_fail_soon(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A tree of ten times the same tree, nine times over: git would list files for hours."""
    built = repository(tmp_path / "repo", "1.0.0")
    tree = git(built, "rev-parse", "HEAD^{tree}")
    for _ in range(9):
        tree = git(built, "mktree", stdin="".join(f"040000 tree {tree}\td{number}\n" for number in range(10)))
    listed = git(built, "ls-tree", "HEAD") + f"\n040000 tree {tree}\tbomb\n"
    commit = git(built, "commit-tree", git(built, "mktree", stdin=listed), "-m", "bomb")
    git(built, "tag", "v2.0.0", commit)
    began = time.monotonic()
    assert run("pack", "add", f"{built}@v2.0.0") == 1
    output = capfd.readouterr().err
    assert "git writes more output" in output or "it holds more than 2000 files" in output
    assert time.monotonic() - began < PATIENCE


def test_only_the_pack_folder_of_a_repository_is_listed(tmp_path: Path) -> None:
    built = repository(tmp_path / "repo", "1.0.0")
    for number in range(2100):
        (built / f"other{number}").write_text("")
    pack(built / "packs" / "x", version="2.0.0")
    tagged(built, "v2.0.0")
    assert run("pack", "add", f"{built}@v2.0.0#packs/x") == 0


def test_failed_login_says_what_ssh_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "echo 'git@host: Permission denied (publickey).' >&2; exit 255 #")
    assert run("pack", "add", "ssh://git@127.0.0.1/x.git@v1") == 1
    says = "git: Could not read from remote repository (git@host: Permission denied (publickey).)"
    assert says in capfd.readouterr().err


def test_server_that_disconnects_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    repository(tmp_path / "served" / "x.git", "1.0.0")
    with GitServer(tmp_path / "served") as server:
        assert run("pack", "add", f"{server.url}/x.git/.git@v1.0.0") == 0
        server.hangs = threading.Event()
        monkeypatch.setattr(fetching, "GIT_TIMEOUT", 0.5)
        assert run("pack", "add", f"{server.url}/x.git/.git@v1.0.0") == 1
        assert "git did not end within 0.5 s" in capfd.readouterr().err
        server.hangs.set()
