"""Builds the JavaScript client: `scripts/build_clients.py [FOLDER]` writes its npm package to a folder (default
clients/js/build).

Its types come from this repository: the OpenAPI document of the control API, the scenario schema, and the providers'
environment variables. They are generated, so they are not stored.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from mockllm.server.control.openapi import document
from mockllm.server.control.routes import ROUTES
from mockllm.testing.environment import variables

CLIENT = Path(__file__).resolve().parent.parent / "clients" / "js"
MARK = "http://base"


def generate() -> None:
    """Write what Python knows: the OpenAPI document and the table of environment variables."""
    generated = CLIENT / "src" / "generated"
    generated.mkdir(parents=True, exist_ok=True)
    (generated / "openapi.json").write_text(json.dumps(document(ROUTES)), encoding="utf-8")
    table = {
        name: value.replace(MARK, "{base}")
        for name, value in variables(MARK).items()
        if name not in ("NO_PROXY", "no_proxy")
    }
    (generated / "environment.ts").write_text(
        "// Generated from the providers of the Python package: variables by which SDKs find the server.\n"
        f"export const VARIABLES: Record<string, string> = {json.dumps(table, indent=2)};\n",
        encoding="utf-8",
    )


def run(*command: str) -> None:
    subprocess.run(command, cwd=CLIENT, check=True, stdout=sys.stderr)


def build(target: Path) -> None:
    """Write the package to a folder that exists."""
    generate()
    if not (CLIENT / "node_modules").exists():
        run("npm", "ci", "--no-audit", "--no-fund")
    run("npm", "run", "types")
    shutil.rmtree(CLIENT / "dist", ignore_errors=True)
    run("npx", "tsc", "-p", "tsconfig.json")
    run("npm", "pack", "--ignore-scripts", "--pack-destination", str(target))


def main() -> None:
    target = Path(sys.argv[1] if len(sys.argv) > 1 else CLIENT / "build").resolve()
    target.mkdir(parents=True, exist_ok=True)
    folder = os.open(CLIENT, os.O_RDONLY)
    try:
        # a second build at the same time would delete what this one packs
        fcntl.flock(folder, fcntl.LOCK_EX)
        build(target)
    finally:
        os.close(folder)  # ends the lock


if __name__ == "__main__":
    main()
