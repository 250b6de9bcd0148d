"""The Go module, in a project outside of the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.installed_project import LONGEST, ROOT, copied, run
from tests.tools import require

MODULE = ROOT / "clients" / "go"
LONGEST_BUILD = 1_500.0
"""Seconds. The official SDK is one package, whose first build takes 215 s of CPU; other tests may have the cores."""
pytestmark = [pytest.mark.full, pytest.mark.timeout(LONGEST_BUILD + LONGEST * 2)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("go")
    folder = copied("go_project", tmp_path_factory.mktemp("go"))
    run("go", "mod", "edit", "-replace", f"mockllm.dev/mockllm={MODULE}", at=folder)
    run("go", "mod", "tidy", at=folder)
    run("go", "test", "-run", "^$", "./...", at=folder, longest=LONGEST_BUILD)
    return folder


def test_go_project_passes(project: Path, tmp_path: Path) -> None:
    output = run("go", "test", "-count=1", "-v", "./...", at=project, TMPDIR=str(tmp_path))
    assert output.count("--- PASS") == 8
    assert output.count("--- SKIP") == 1
    assert list(tmp_path.glob("mockllm-*")) == []


def test_failed_go_test_logs_its_line_and_requests(project: Path) -> None:
    command = ("go", "test", "-count=1", "-run", "Mistake", "./...")
    output = run(*command, at=project, check=False, FAIL_ON_PURPOSE="1")
    assert (
        'behaviours_test.go:152: mockllm: rules[0].match.modle: unknown key; did you mean "model"?' in output
    )
    assert "/v1/chat/completions gpt-4o → no rule 404" in output


def test_go_module_is_formatted_and_vetted(project: Path) -> None:
    assert run("gofmt", "-l", str(MODULE), at=project) == ""
    run("go", "vet", "./...", at=MODULE)
