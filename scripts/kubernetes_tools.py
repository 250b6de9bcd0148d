"""Installs what the tests of the Helm chart use: `scripts/kubernetes_tools.py [FOLDER]` (default .venv/kubernetes).

- `helm` and `kubeconform`, built from their Go modules;
- JSON Schemas of Kubernetes' objects, from the Python package kubernetes-validate: strict ones, which refuse unknown
  fields. kubeconform would fetch them from the network.

Does nothing where these versions are there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv" / "kubernetes"
MODULES = (
    "helm.sh/helm/v3/cmd/helm@v3.22.0",
    "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
)
VERSION = "helm.sh/helm/v3/pkg/chartutil.k8sVersion"
LINKED = f"-s -w -X {VERSION}Major=1 -X {VERSION}Minor=30"
"""Without them Helm takes a cluster that it does not see for version 1.20."""
SCHEMAS = "kubernetes-validate==1.37.0"
VERSIONS = ("1.30.0", "1.37.0")
"""The oldest version that the chart allows, and the newest of the package."""
ABSOLUTE = b'"/api/_definitions.json#'
"""How the schemas refer to each other, as if they were below a root of their own."""


def stamp(folder: Path) -> Path:
    return folder / ".made"


def is_current(folder: Path) -> bool:
    """Whether the folder has the versions of this script."""
    return stamp(folder).exists() and stamp(folder).read_text() == repr((MODULES, LINKED, SCHEMAS, VERSIONS))


def install_programs(folder: Path) -> None:
    """Build the Go modules. Go checks them against its checksum database."""
    environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
    for module in MODULES:
        subprocess.run(["go", "install", f"-ldflags={LINKED}", module], env=environment, check=True)


def install_schemas(folder: Path) -> None:
    """Unpack the schemas of `VERSIONS` into folders with the names that kubeconform expects."""
    with tempfile.TemporaryDirectory() as downloaded:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
        subprocess.run([*command, "--no-deps", "--dest", downloaded, SCHEMAS], check=True)
        [wheel] = Path(downloaded).iterdir()
        with ZipFile(wheel) as archive:
            for version in VERSIONS:
                target = folder / "schemas" / f"v{version}"
                target.mkdir(parents=True, exist_ok=True)
                source = f"/v{version}-local-strict/"
                for name in archive.namelist():
                    if source in name:
                        (target / Path(name).name).write_bytes(relative(archive.read(name)))


def relative(schema: bytes) -> bytes:
    """Return a schema that refers to the file beside it, and has no address."""
    content = json.loads(schema.replace(ABSOLUTE, b'"_definitions.json#'))
    content.pop("$id", None)
    return json.dumps(content).encode()


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else FOLDER).resolve()
    if is_current(folder):
        return 0
    if shutil.which("go") is None:
        print("There is no Go here to build helm and kubeconform with: tests are skipped.", file=sys.stderr)
        return 0
    print(f"Installing helm, kubeconform and Kubernetes' schemas into {folder} ...", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        install_programs(folder)
        install_schemas(folder)
    except subprocess.CalledProcessError as error:
        print(f"They are not installed, and their tests are skipped: {error}", file=sys.stderr)
        return 0
    stamp(folder).write_text(repr((MODULES, LINKED, SCHEMAS, VERSIONS)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
