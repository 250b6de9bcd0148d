"""The Helm chart, its cases in tests/deploy/helm/values, and what they render in tests/deploy/helm/rendered."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.tools import absent

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "mockllm"
CASES = Path(__file__).parent / "helm"
NAMES = sorted(path.stem for path in (CASES / "values").iterdir())
TOOLS = ROOT / ".venv" / "kubernetes"
VERSIONS = ("1.30.0", "1.37.0")
"""Versions of Kubernetes whose schemas `scripts/kubernetes_tools.py` installs: the oldest of the chart, a new one."""


def tool(name: str) -> str:
    """The path of a program of `scripts/kubernetes_tools.py`. Without it the running test skips, or fails in CI."""
    program = TOOLS / name
    if not (TOOLS / ".made").exists():
        absent(f"{name} is not installed: scripts/setup all builds it where Go is installed")
    return str(program)


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Helm without the settings and the plugins of a person."""
    environment = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    return subprocess.run([tool("helm"), *arguments], env=environment, capture_output=True, encoding="utf-8")


def template(*arguments: str) -> subprocess.CompletedProcess[str]:
    return helm("template", "mock", str(CHART), "--namespace", "test", *arguments)


def load(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def rendered(name: str) -> list[dict[str, Any]]:
    """The stored objects of a case, as a cluster reads them."""
    return [each for each in YAML(typ="safe").load_all(CASES / "rendered" / f"{name}.yaml") if each]


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [each for each in objects if each["kind"] == kind]
    return found


def pod(name: str) -> dict[str, Any]:
    """The pod of the server in a case."""
    spec: dict[str, Any] = of_kind(rendered(name), "Deployment")["spec"]["template"]["spec"]
    return spec


def container(name: str) -> dict[str, Any]:
    """The container of the server in a case."""
    [found] = pod(name)["containers"]
    assert isinstance(found, dict)
    return found
