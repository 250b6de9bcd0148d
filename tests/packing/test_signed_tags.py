"""Signatures of tags: by SSH keys, as git makes them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mockllm.scenario.lockfile import read_lock
from tests.packing.pack_files import git, pack, repository, run, write

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen makes the keys")


def signed(folder: Path, key: Path, tag: str) -> None:
    git(folder, "-c", "gpg.format=ssh", "-c", f"user.signingkey={key}", "tag", "--sign", "-m", tag, tag)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.fixture
def built(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a signed and an unsigned tag, and a home whose git knows the signer."""
    folder = repository(tmp_path / "repo", "1.0.0")
    pack(folder, version="1.1.0")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "more")
    signed(folder, key, "v1.1.0")
    home = tmp_path / "home"
    public = key.with_suffix(".pub").read_text()
    write(home, {"signers": f"ann@acme.example {public}"})
    write(home, {".gitconfig": f'[gpg "ssh"]\n  allowedSignersFile = {home / "signers"}\n'})
    monkeypatch.setenv("HOME", str(home))
    work = write(tmp_path / "work", {"scenarios/a.yaml": "use: [team/x]\n"})
    monkeypatch.chdir(work)
    return folder


def test_signer_of_tag_is_shown_and_locked(built: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", "--signed", f"{built}@v1.1.0") == 0
    assert "  signed by ann@acme.example" in capfd.readouterr().out
    assert read_lock(str(Path("mockllm.lock").absolute())).packs["team/x"].signer == "ann@acme.example"
    assert run("check", "--frozen") == 0


def test_unsigned_version_does_not_follow_signed_one(built: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", f"{built}@v1.1.0") == 0
    assert run("pack", "add", f"{built}@v1.0.0") == 1
    assert (
        "team/x 1.1.0 is signed by ann@acme.example, and 1.0.0 by no known signer" in capfd.readouterr().err
    )


def test_unsigned_version_is_refused_if_wished(built: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", "--signed", f"{built}@v1.0.0") == 1
    assert "is not signed by a known signer: it has no signature" in capfd.readouterr().err


def test_unknown_signer_is_no_signer(built: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "home" / "signers").write_text("")
    assert run("pack", "add", f"{built}@v1.1.0") == 0
    assert "  signed, but not checked: " in capfd.readouterr().out
    assert run("pack", "add", "--signed", f"{built}@v1.1.0") == 1


def test_changed_tag_is_refused(built: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = git(built, "cat-file", "tag", "v1.1.0") + "\n"
    other = git(built, "rev-parse", "v1.0.0")
    forged = text.replace(git(built, "rev-parse", "v1.1.0^{commit}"), other)
    name = git(built, "hash-object", "-t", "tag", "-w", "--stdin", stdin=forged)
    git(built, "update-ref", "refs/tags/v1.1.0", name)
    assert run("pack", "add", f"{built}@v1.1.0") == 1
    assert "the signature of its tag does not belong to the tag" in capfd.readouterr().err
