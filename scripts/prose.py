"""Checks the prose of the pages with Vale, by the rules in `prose`: `scripts/prose.py [PAGE …]`.

Vale is built from its Go module into .venv/vale, in some minutes of CPU time. Without Go or a C compiler the check is
left out with a message. With CI=true a failed build is an error where Go is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv" / "vale"
MODULE = "github.com/errata-ai/vale/v3/cmd/vale@v3.19.0"
"""The newest version of which the module proxy has all dependencies, and whose module has this path."""
CONFIG = ROOT / "prose" / "vale.ini"
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs")


class NotInstalled(Exception):
    """Why there is no Vale, in a sentence."""


def vale(folder: Path = FOLDER) -> Path:
    """Return the program, which is built where this version is not there. Raises NotInstalled."""
    program, stamp = folder / "vale", folder / ".made"
    if program.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == MODULE:
        return program
    if shutil.which("go") is None:
        raise NotInstalled("there is no Go here to build Vale with")
    print(f"Building Vale into {folder} ...", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(
        ["go", "install", MODULE],
        env={**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "1"},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if built.returncode:
        raise NotInstalled(f"Vale cannot be built: {built.stderr.strip().splitlines()[-1:]}")
    stamp.write_text(MODULE, encoding="utf-8")
    return program


def main() -> int:
    try:
        program = vale()
    except NotInstalled as reason:
        print(f"The prose is not checked: {reason}.", file=sys.stderr)
        return int(os.environ.get("CI") == "true" and shutil.which("go") is not None)
    pages = sys.argv[1:] or PAGES
    return subprocess.run([str(program), "--config", str(CONFIG), *pages], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
