"""The JavaScript client, built and installed in a project outside of the tree: Vitest, Playwright and node:test."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.installed_project import LONGEST, ROOT, copied, run
from tests.tools import require

pytestmark = [pytest.mark.full, pytest.mark.timeout(LONGEST * 3)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("npm")
    folder = copied("js_project", tmp_path_factory.mktemp("js"))
    run(sys.executable, str(ROOT / "scripts" / "build_clients.py"), str(folder), at=ROOT)
    [package] = folder.glob("mockllm-*.tgz")
    run("npm", "install", "--no-audit", "--no-fund", f"./{package.name}", at=folder)
    return folder


def test_vitest_project_passes(project: Path) -> None:
    output = run("npx", "vitest", "run", "behaviours", "settings", at=project)
    assert re.search(r"Tests\s+26 passed", output), output


def test_failed_vitest_test_prints_its_requests(project: Path) -> None:
    output = run("npx", "vitest", "run", "fails", at=project, check=False)
    assert 'requests to mockllm in "a failing test":\nPOST /s/' in output
    assert "/v1/chat/completions gpt-4o → no rule 404\n  no rules are loaded" in output


def test_project_is_typed(project: Path) -> None:
    run("npx", "tsc", "-p", ".", at=project)


def test_node_runner_prints_requests_of_a_failure(project: Path) -> None:
    output = run("node", "--test", "--test-reporter=tap", "node_runner.mjs", at=project, check=False)
    assert re.search(r"# pass 1\n# fail 1\n", output), output
    assert "/v1/chat/completions gpt-4o → no rule" in output


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
    assert done.stdout.startswith(
        "no mockllm found: none of mockllm, uvx, pipx, docker, podman is on the path"
    )


START = r"""
import("mockllm").then(async ({ MockLLM }) => {
  const mock = await MockLLM.start();
  await mock.stop();
  await MockLLM.start({ command: ["/no-such-program"] }).catch((error) => console.log(error.message));
});
"""


def test_server_without_scenarios_leaves_no_folder(project: Path, tmp_path: Path) -> None:
    (project / "scenarios").mkdir()
    (project / "scenarios" / "broken.yaml").write_text("- not loaded")
    assert "no-such-program" in run("node", "-e", START, at=project, TMPDIR=str(tmp_path))
    assert list(tmp_path.glob("mockllm-*")) == []
