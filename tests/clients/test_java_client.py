"""The JUnit 5 extension, in a Maven project outside of the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.installed_project import LONGEST, ROOT, copied, run
from tests.tools import require

pytestmark = [pytest.mark.full, pytest.mark.timeout(LONGEST * 3)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("java")
    require("mvn")
    folder = copied("java_project", tmp_path_factory.mktemp("java"))
    run("mvn", "-q", "-B", "install", at=ROOT / "clients" / "java")
    return folder


def test_maven_project_passes(project: Path, tmp_path: Path) -> None:
    run("mvn", "-q", "-B", "test", at=project, JAVA_TOOL_OPTIONS=f"-Djava.io.tmpdir={tmp_path}")
    assert list(tmp_path.glob("mockllm-*")) == []
    reports = [report.read_text() for report in (project / "target" / "surefire-reports").glob("*.txt")]
    counts = [
        re.findall(r"Tests run: (\d+), Failures: 0, Errors: 0, Skipped: (\d)", text) for text in reports
    ]
    assert sorted(count for report in counts for count in report) == [("1", "0"), ("7", "1")]


def test_failed_junit_test_prints_its_requests(project: Path) -> None:
    command = ("mvn", "-q", "-B", "test", "-Dtest=BehavioursTest#failsOnPurpose")
    output = run(*command, at=project, check=False, FAIL_ON_PURPOSE="1")
    assert "requests to mockllm in failsOnPurpose(MockSession):\nPOST /s/" in output
    assert "no rule 404" in output
