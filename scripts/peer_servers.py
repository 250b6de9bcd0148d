"""Installs the servers that `scripts/bench peers` measures: `scripts/peer_servers.py [FOLDER]` (.venv/peers).

- aimock, a package of npm;
- llmposter and VidaiMock, built from their crates by cargo: this takes some minutes.

Each version is fixed, so that a table names what it measured. A server whose tool (npm or cargo) is absent is left
out with a message. Does nothing where these versions are there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv" / "peers"
NODE_PACKAGES = {"aimock": "@copilotkit/aimock@1.43.0"}
CRATES = {"llmposter": "llmposter@0.5.0", "vidaimock": "vidaimock@0.3.1"}


def stamp(folder: Path, name: str) -> Path:
    return folder / f".{name}"


def is_current(folder: Path, name: str, version: str) -> bool:
    """Whether the folder has this version of a server."""
    found = stamp(folder, name)
    return found.exists() and found.read_text(encoding="utf-8") == version


def install_node_package(folder: Path, package: str) -> None:
    subprocess.run(["npm", "install", "--loglevel=error", "--prefix", str(folder), package], check=True)


def install_crate(folder: Path, crate: str) -> None:
    """Build a program from its crate, with the versions of its lockfile, into FOLDER/bin."""
    with tempfile.TemporaryDirectory() as built:
        command = ["cargo", "install", "--quiet", "--locked", "--root", str(folder), crate]
        subprocess.run(command, env={**os.environ, "CARGO_TARGET_DIR": built}, check=True)


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else FOLDER).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for tool, install, wanted in (
        ("npm", install_node_package, NODE_PACKAGES),
        ("cargo", install_crate, CRATES),
    ):
        for name, version in wanted.items():
            if is_current(folder, name, version):
                continue
            if shutil.which(tool) is None:
                print(f"There is no {tool} here: {name} is left out.", file=sys.stderr)
                continue
            print(f"Installing {version} into {folder} ...", file=sys.stderr)
            try:
                install(folder, version)
            except subprocess.CalledProcessError as error:
                print(f"{name} is not installed, and left out: {error}", file=sys.stderr)
                continue
            stamp(folder, name).write_text(version, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
