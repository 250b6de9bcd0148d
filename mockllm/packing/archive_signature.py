"""Checks the signature of a zip or a wheel: an SSH signature in the file `ARCHIVE.sig` beside it.

`ssh-keygen -Y sign -n file` writes such a signature (PROTOCOL.sshsig of OpenSSH; `file` is the namespace that its
manual recommends for files). Known signers are those of git: `gpg.ssh.allowedSignersFile` in the user's
configuration, so that one list is for tags and for archives.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from mockllm.packing.git import Signature, allowed_signers
from mockllm.scenario.pack_files import PackRejected

SUFFIX: Final = ".sig"
OTHER_SUFFIXES: Final = (".minisig", ".asc")
"""Signatures of minisign and GPG, which are reported and not checked."""
BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----"
MAX_SIZE: Final = 64 * 1024
"""Bytes of a signature."""
TIMEOUT: Final = 60.0
"""Seconds for one run of ssh-keygen."""
NAMESPACE: Final = "file"


def archive_signature(archive: Path) -> Signature | None:
    """Return the signature of an archive; None if it has none. Raises PackRejected for one of another content."""
    path = archive.with_name(archive.name + SUFFIX)
    if not path.is_file():
        other = (archive.with_name(archive.name + suffix) for suffix in OTHER_SUFFIXES)
        found = next((each.name for each in other if each.is_file()), None)
        return Signature(None, f"{found} is not an SSH signature (ssh-keygen -Y sign)") if found else None
    if path.stat().st_size > MAX_SIZE or not path.read_bytes().startswith(BEGIN):
        return Signature(None, f"{path.name} is not an SSH signature (ssh-keygen -Y sign)")
    try:
        content = archive.read_bytes()
        if _ssh_keygen("check-novalidate", path, content).returncode:
            raise PackRejected(
                f"{path.name} does not belong to {archive.name}: somebody has changed one of them"
            )
        return _signer(path, content)
    except FileNotFoundError:
        return Signature(None, "ssh-keygen is not installed")
    except subprocess.TimeoutExpired:
        return Signature(None, f"ssh-keygen did not end within {TIMEOUT:g} s")


def _signer(path: Path, content: bytes) -> Signature:
    """Return the first known signer whose key made the signature and may sign files."""
    signers = allowed_signers()
    if signers is None:
        return Signature(None, "git config gpg.ssh.allowedSignersFile names no file of known signers")
    listed = _ssh_keygen("find-principals", path, b"", "-f", signers)
    for principal in listed.stdout.decode("utf-8", "replace").splitlines():
        if not _ssh_keygen("verify", path, content, "-f", signers, "-I", principal).returncode:
            return Signature(principal)
    return Signature(None, f"its key is not in {signers}")


def _ssh_keygen(
    action: str, signature: Path, content: bytes, *arguments: str
) -> subprocess.CompletedProcess[bytes]:
    line = ["ssh-keygen", "-Y", action, "-n", NAMESPACE, "-s", str(signature.absolute()), *arguments]
    return subprocess.run(line, input=content, capture_output=True, timeout=TIMEOUT, check=False)  # noqa: S603 - no shell
