"""The JavaScript client, built and installed in a project outside of the tree: Vitest, Playwright and node:test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import absent, require

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).with_name("js_project")
LONGEST = 280.0
"""Seconds for an installation or a run on a machine that is busy with other things."""
pytestmark = [pytest.mark.full, pytest.mark.timeout(LONGEST * 3)]


def run(*command: str, at: Path, check: bool = True) -> str:
    """Return what a command printed. The servers that it starts are those of this interpreter."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1", "CI": "1"}
    environment.pop("MOCKLLM_URL", None)
    done = subprocess.run(
        command, cwd=at, env=environment, text=True, capture_output=True, timeout=LONGEST, check=False
    )
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}", pytrace=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("npm")
    if shutil.which("mockllm", path=str(Path(sys.executable).parent)) is None:
        absent("the command mockllm is not beside this Python: pip install -e .")
    folder = tmp_path_factory.mktemp("js") / "project"
    shutil.copytree(PROJECT, folder)
    run(sys.executable, str(ROOT / "scripts" / "build_clients.py"), str(folder), at=ROOT)
    [package] = folder.glob("mockllm-*.tgz")
    run("npm", "install", "--no-audit", "--no-fund", f"./{package.name}", at=folder)
    return folder


def test_vitest_project_passes(project: Path) -> None:
    output = run("npx", "vitest", "run", "behaviours", "settings", at=project)
    assert re.search(r"Tests\s+18 passed", output), output


def test_failed_vitest_test_prints_its_requests(project: Path) -> None:
    output = run("npx", "vitest", "run", "fails", at=project, check=False)
    assert 'requests to mockllm in "a failing test":\nPOST /s/' in output
    assert "/v1/chat/completions gpt-4o → no rule 404\n  no rules are loaded" in output


def test_project_is_typed(project: Path) -> None:
    run("npx", "tsc", "-p", ".", at=project)


def test_node_runner_passes(project: Path) -> None:
    assert "pass 1" in run("node", "--test", "--test-reporter=tap", "node_runner.mjs", at=project)


def test_playwright_project_passes(project: Path) -> None:
    assert "1 passed" in run("npx", "playwright", "test", at=project)


def test_client_names_ways_without_server(project: Path) -> None:
    script = (
        'import("mockllm").then(({MockLLM}) => MockLLM.start()).catch((error) => console.log(error.message))'
    )
    node = shutil.which("node") or "node"
    done = subprocess.run(
        [node, "-e", script], cwd=project, env={"PATH": ""}, text=True, capture_output=True, check=True
    )
    assert done.stdout.startswith("no mockllm found: none of mockllm, uvx, pipx, docker is on the path")
