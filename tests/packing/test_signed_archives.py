"""Signatures of archives: an SSH signature in a file beside the zip."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mockllm.packing.archive_signature import archive_signature
from mockllm.packing.git import Signature
from mockllm.scenario.lockfile import read_lock
from tests.packing.pack_files import pack, run, write

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen makes the keys")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A signed zip, and a home whose git knows the signer."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    folder = pack(tmp_path / "pack", version="1.0.0")
    path = Path(shutil.make_archive(str(tmp_path / "x-1.0.0"), "zip", folder))
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", key, path], check=True)
    home = write(tmp_path / "home", {"signers": f"ann@acme.example {key.with_suffix('.pub').read_text()}"})
    write(home, {".gitconfig": '[gpg "ssh"]\n  allowedSignersFile = ~/signers\n'})
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(write(tmp_path / "work", {"scenarios/a.yaml": "use: [team/x]\n"}))
    return path


def test_signer_of_archive_is_shown_and_locked(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", "--signed", str(archive)) == 0
    assert "  signed by ann@acme.example" in capfd.readouterr().out
    assert read_lock(str(Path("mockllm.lock").absolute())).packs["team/x"].signer == "ann@acme.example"


def test_archive_that_changed_is_refused(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    archive.write_bytes(archive.read_bytes() + b"\0")
    assert run("pack", "add", str(archive)) == 1
    assert "x-1.0.0.zip.sig does not belong to x-1.0.0.zip" in capfd.readouterr().err


def test_archive_of_unknown_signer_is_not_signed(
    archive: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home" / "signers").write_text("")
    assert run("pack", "add", str(archive)) == 0
    assert "  signed, but not checked: its key is not in " in capfd.readouterr().out
    assert run("pack", "add", "--signed", str(archive)) == 1


def test_signer_without_right_for_files_is_unknown(archive: Path, tmp_path: Path) -> None:
    signers = tmp_path / "home" / "signers"
    name, key = signers.read_text().split(" ", 1)
    signers.write_text(f'{name} namespaces="git" {key}')
    assert archive_signature(archive) == Signature(None, f"its key is not in {signers}")


def test_without_list_of_signers_none_is_known(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / ".gitconfig").unlink()
    reason = "git config gpg.ssh.allowedSignersFile names no file of known signers"
    assert archive_signature(archive) == Signature(None, reason)


@pytest.mark.parametrize("suffix", [".sig", ".asc", ".minisig"])
def test_signature_of_other_tools_is_reported(archive: Path, suffix: str) -> None:
    Path(f"{archive}.sig").unlink()
    assert archive_signature(archive) is None
    Path(f"{archive}{suffix}").write_bytes(b"untrusted comment: minisign\n")
    reason = f"x-1.0.0.zip{suffix} is not an SSH signature (ssh-keygen -Y sign)"
    assert archive_signature(archive) == Signature(None, reason)


def test_without_ssh_keygen_nothing_is_checked(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert archive_signature(archive) == Signature(None, "ssh-keygen is not installed")
